"""Whether Python trusts a host with a bundle. Usage: handshake.py BUNDLE HOST [strict]; prints `accepted` or
`rejected`.

HOST is a file with a key, a certificate for proxied.test and further certificates that the server sends.
"""

import ssl
import sys
from pathlib import Path


def accepts(bundle: Path | str, host: Path | str, *, strict: bool) -> bool:
    """Whether Python connects to the host, strict like 3.13 by default or lenient like older versions."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(host)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(bundle)
    if strict:
        client.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    one, two = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(two, one, server_hostname="proxied.test"), server.wrap_bio(one, two, server_side=True)]
    for _ in range(10):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
    return True


if __name__ == "__main__":
    print("accepted" if accepts(sys.argv[1], sys.argv[2], strict="strict" in sys.argv[3:]) else "rejected")
