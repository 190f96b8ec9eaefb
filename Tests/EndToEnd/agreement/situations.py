"""Settings for trust and proxies in the environment and files of a container, in addition to what is mounted."""

from dataclasses import dataclass, field

NOWHERE, LACKING, BROKEN, EMPTY, HASHED = "/nowhere", "/asked/lacking.pem", "/asked/broken.pem", "/asked/empty.pem", "/asked/hashed"


@dataclass(frozen=True)
class Situation:
    title: str
    environment: dict[str, str | None] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    isStarted: bool = True
    """Whether an earlier start has merged the stores."""


def situations(own: str) -> list[Situation]:
    """`own` is the URL of the other proxy."""
    return [
        Situation("the stores before a start", isStarted=False),
        Situation("merged stores"),
        Situation("SSL_CERT_FILE exported", {"PSM_ENTRY_EXPORT": "NODE_EXTRA_CA_CERTS,SSL_CERT_FILE"}),
        Situation("no variable exported", {"PSM_ENTRY_EXPORT": "UNUSED_VARIABLE"}),
        Situation("SSL_CERT_FILE is gone", {"SSL_CERT_FILE": NOWHERE}),
        Situation("SSL_CERT_FILE lacks the CA", {"SSL_CERT_FILE": LACKING}),
        Situation("SSL_CERT_FILE is malformed", {"SSL_CERT_FILE": BROKEN}),
        Situation("SSL_CERT_FILE is empty", {"SSL_CERT_FILE": EMPTY}),
        Situation("SSL_CERT_DIR is gone", {"SSL_CERT_DIR": NOWHERE}),
        Situation("SSL_CERT_DIR is hashed, SSL_CERT_FILE lacks the CA", {"SSL_CERT_DIR": HASHED, "SSL_CERT_FILE": LACKING}),
        Situation("SSL_CERT_DIR is hashed, SSL_CERT_FILE is gone", {"SSL_CERT_DIR": HASHED, "SSL_CERT_FILE": NOWHERE}),
        Situation("SSL_CERT_DIR is gone, SSL_CERT_FILE too", {"SSL_CERT_DIR": NOWHERE, "SSL_CERT_FILE": NOWHERE}),
        Situation("REQUESTS_CA_BUNDLE is gone", {"REQUESTS_CA_BUNDLE": NOWHERE}),
        Situation("REQUESTS_CA_BUNDLE is another environment's", {"REQUESTS_CA_BUNDLE": LACKING}),
        Situation("REQUESTS_CA_BUNDLE is a hashed directory", {"REQUESTS_CA_BUNDLE": HASHED}),
        Situation("REQUESTS_CA_BUNDLE is malformed", {"REQUESTS_CA_BUNDLE": BROKEN}),
        Situation("CURL_CA_BUNDLE is gone", {"CURL_CA_BUNDLE": NOWHERE}),
        Situation("CURL_CA_BUNDLE lacks the CA", {"CURL_CA_BUNDLE": LACKING}),
        Situation(
            ".condarc: ssl_verify false, proxy_servers",
            files={"/conda/.condarc": f"ssl_verify: false\nproxy_servers:\n  http: {own}\n  https: {own}\n"},
        ),
        Situation(".condarc: ssl_verify names a file that is gone", files={"/root/.condarc": f"ssl_verify: {NOWHERE}\n"}),
        Situation(
            ".condarc in condarc.d: ssl_verify names one that lacks the CA",
            files={"/etc/conda/condarc.d/a.yml": f"ssl_verify: '{LACKING}'  # ours\n"},
        ),
        Situation(
            ".condarc: ssl_verify false beside REQUESTS_CA_BUNDLE", {"REQUESTS_CA_BUNDLE": LACKING},
            {"/root/.condarc": "ssl_verify: false\n"},
        ),
        Situation("pip.conf: cert is gone", files={"/etc/pip.conf": f"[global]\ncert = {NOWHERE}\n"}),
        Situation("pip.conf: cert lacks the CA", files={"/root/.config/pip/pip.conf": f"[download]\ncert: {LACKING}\n"}),
        Situation("PIP_CERT beside pip.conf", {"PIP_CERT": HASHED}, {"/etc/pip.conf": f"[global]\ncert = {NOWHERE}\n"}),
        Situation(
            "pip.conf: trusted-host, proxy",
            files={"/root/.pip/pip.conf": f"[global]\ntrusted-host = origin.test\nproxy = {own}\n"},
        ),
        Situation("PIP_CONFIG_FILE is /dev/null", {"PIP_CONFIG_FILE": "/dev/null"}, {"/etc/pip.conf": f"[global]\ncert = {NOWHERE}\n"}),
        Situation(
            ".gitconfig: sslVerify false, proxy",
            files={"/root/.gitconfig": f"[http]\n\tsslVerify = false\n\tproxy = \"{own}\"\n"},
        ),
        Situation("GIT_SSL_NO_VERIFY", {"GIT_SSL_NO_VERIFY": "1", "GIT_SSL_CAINFO": NOWHERE}),
        Situation(
            "gitconfig: sslCAInfo for the URL is gone",
            files={"/etc/gitconfig": f'[http]\n\tsslVerify = false\n[http "https://origin.test/"]\n\tsslVerify\n\tsslCAInfo = {NOWHERE} ; gone\n'},
        ),
        Situation("GIT_SSL_CAINFO lacks the CA", {"GIT_SSL_CAINFO": LACKING}),
        Situation(
            "GIT_CONFIG_KEY_0: no proxy",
            {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.proxy", "GIT_CONFIG_VALUE_0": ""},
        ),
        Situation(".curlrc: insecure, proxy", files={"/root/.curlrc": f'# ours\ninsecure\nproxy = "{own}"\n'}),
        Situation(".curlrc: cacert is gone", files={"/root/.curlrc": f"--cacert {NOWHERE}\n"}),
        Situation(".curlrc: cacert lacks the CA", files={"/root/.curlrc": f"cacert={LACKING}\n"}),
        Situation(".curlrc: noproxy", files={"/root/.curlrc": 'noproxy = "*"\n'}),
        Situation(
            ".wgetrc: check_certificate off, https_proxy",
            files={"/root/.wgetrc": f"check_certificate = off\nhttps_proxy = {own}\n"},
        ),
        Situation("wgetrc: ca_certificate is gone", files={"/etc/wgetrc": f"ca_certificate = {NOWHERE}\n"}),
        Situation("wgetrc: use_proxy off", files={"/etc/wgetrc": "use_proxy = off\n"}),
        Situation(".npmrc: strict-ssl false, https-proxy", files={"/root/.npmrc": f"strict-ssl=false\nhttps-proxy={own}\n"}),
        Situation(".npmrc: cafile lacks the CA", files={"/root/.npmrc": f"cafile={LACKING}\n"}),
        Situation("NODE_TLS_REJECT_UNAUTHORIZED", {"NODE_TLS_REJECT_UNAUTHORIZED": "0", "NODE_EXTRA_CA_CERTS": NOWHERE}),
        Situation("NODE_EXTRA_CA_CERTS is gone", {"NODE_EXTRA_CA_CERTS": NOWHERE}),
        Situation("Node without NODE_USE_ENV_PROXY", {"NODE_USE_ENV_PROXY": None}),
        Situation("NODE_OPTIONS: --use-openssl-ca", {"NODE_OPTIONS": "--use-openssl-ca", "NODE_EXTRA_CA_CERTS": NOWHERE}),
        Situation("NODE_USE_SYSTEM_CA", {"NODE_USE_SYSTEM_CA": "1", "NODE_EXTRA_CA_CERTS": NOWHERE}),
        Situation("AWS_CA_BUNDLE and gRPC's lack the CA", {"AWS_CA_BUNDLE": LACKING, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": LACKING}),
        Situation("AWS_CA_BUNDLE and gRPC's are gone", {"AWS_CA_BUNDLE": NOWHERE, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": NOWHERE}),
        Situation(".aws/config: ca_bundle lacks the CA", files={"/root/.aws/config": f"[default]\nca_bundle = {LACKING}\n"}),
        Situation("UV_SYSTEM_CERTS", {"UV_SYSTEM_CERTS": "1"}),
        Situation("UV_INSECURE_HOST", {"UV_INSECURE_HOST": "origin.test"}),
        Situation("ALL_PROXY alone", {"HTTPS_PROXY": None, "HTTP_PROXY": None, "ALL_PROXY": "env"}),
    ]
