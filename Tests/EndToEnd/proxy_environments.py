"""Realistic environments, and the proxy and user that every client should use after a start."""

from dataclasses import dataclass, field

BLUE = "http://user1:pw1@blue:8899"
GREEN = "http://user2:pw2@green:8899"
FIRST = "user1:pw1@blue"
SECOND = "user2:pw2@green"
FILE = "/tmp/proxy-secret"


def both(value: str) -> list[str]:
    return [f"HTTP_PROXY={value}", f"HTTPS_PROXY={value}"]


@dataclass(frozen=True)
class Environment:
    title: str
    entries: list[str]
    http: str | None = FIRST
    """What every client should use for http:// after a start: `user:password@proxy`, or None for no proxy."""
    https: str | None = FIRST
    said: str = ""
    """A text that psm-entry's log must contain."""
    differs: bool = False
    """Clients differ even after a start; the log must say why, so `said` is given."""
    newer_agree: bool = False
    """Debian 13's clients do not differ any more."""
    files: dict[str, str] = field(default_factory=dict)


def lower(value: str) -> list[str]:
    return [f"http_proxy={value}", f"https_proxy={value}"]


ENVIRONMENTS = [
    Environment("Upper case only, as the product documents it", both(BLUE)),
    Environment("Lower case only", [f"http_proxy={BLUE}", f"https_proxy={BLUE}"]),
    Environment("Both cases alike", [*both(BLUE), f"http_proxy={BLUE}", f"https_proxy={BLUE}"]),
    Environment(
        "Both cases, two proxies",
        [*both(GREEN), f"http_proxy={BLUE}", f"https_proxy={BLUE}"],
        said="ignoring HTTP_PROXY (http://user2:***@green:8899)",
    ),
    Environment(
        "Both cases, two proxies, the upper one preferred",
        [*both(GREEN), f"http_proxy={BLUE}", f"https_proxy={BLUE}", "PSM_ENTRY_PREFER=upper"],
        SECOND,
        SECOND,
        said="using HTTP_PROXY (http://user2:***@green:8899), ignoring http_proxy (http://user1:***@blue:8899)",
    ),
    Environment(
        "Both cases, two users of one proxy",
        [*both("http://user2:pw2@blue:8899"), f"http_proxy={BLUE}", f"https_proxy={BLUE}"],
        said="ignoring HTTP_PROXY (http://user2:***@blue:8899)",
    ),
    Environment(
        "Both cases, two passwords of one user",
        [*both("http://user1:old@blue:8899"), f"http_proxy={BLUE}", f"https_proxy={BLUE}"],
        said="both shown as http://user1:***@blue:8899, different in what is not shown",
    ),
    Environment("Lower case for http, upper for https", [f"http_proxy={BLUE}", f"HTTPS_PROXY={GREEN}"], FIRST, SECOND),
    Environment(
        "Upper case, and empty lower case",
        [*both(BLUE), "http_proxy=", "https_proxy="],
        said="http_proxy: empty, ignored; using HTTP_PROXY",
    ),
    Environment(
        "Lower case, and empty upper case",
        ["HTTP_PROXY=", "HTTPS_PROXY=", f"http_proxy={BLUE}", f"https_proxy={BLUE}"],
        said="HTTP_PROXY: empty, ignored; using http_proxy",
    ),
    Environment("Empty in both cases", [*both(""), "http_proxy=", "https_proxy="], None, None),
    Environment("Another spelling", [f"Http_Proxy={BLUE}", f"Https_Proxy={BLUE}"]),
    Environment(
        "Upper case, and another spelling with another proxy",
        [f"Http_Proxy={GREEN}", f"Https_Proxy={GREEN}", *both(BLUE)],
        said="ignoring Http_Proxy (http://user2:***@green:8899)",
    ),
    Environment("Set twice, alike", [*both(BLUE), *both(BLUE)]),
    Environment(
        "Set twice, two proxies",
        [*both(BLUE), *both(GREEN)],
        said="HTTP_PROXY: set more than once with different values, using the first",
    ),
    Environment("In quotes, as a YAML list keeps them", both(f'"{BLUE}"'), said="white space or quotes"),
    Environment("In single quotes", both(f"'{BLUE}'"), said="white space or quotes"),
    Environment("White space around it", both(f"  {BLUE} "), said="white space or quotes"),
    Environment("A line end behind it", both(f"{BLUE}\r\n"), said="white space or quotes"),
    Environment("No scheme", both("blue:8899"), "blue", "blue", said="http:// added"),
    Environment("No scheme, with a user", both("user1:pw1@blue:8899"), said="http:// added"),
    Environment("The scheme in upper case", both("HTTP://user1:pw1@blue:8899"), said="scheme in lower case"),
    Environment("A slash at its end", both(f"{BLUE}/")),
    Environment(
        "A password as it comes, and a Windows domain",
        both(r"http://dom\user:p@ss/w#rd@blue:8899"),
        r"dom\user:p@ss/w#rd@blue",
        r"dom\user:p@ss/w#rd@blue",
        said="user percent-encoded, password percent-encoded",
    ),
    Environment(
        "The same percent-encoded",
        both("http://dom%5Cuser:p%40ss%2Fw%23rd@blue:8899"),
        r"dom\user:p@ss/w#rd@blue",
        r"dom\user:p@ss/w#rd@blue",
    ),
    Environment(
        "A mail address as the user",
        both("http://user@corp.com:pw1@blue:8899"),
        "user@corp.com:pw1@blue",
        "user@corp.com:pw1@blue",
        said="user percent-encoded",
    ),
    Environment(
        "A lone % in the password",
        both("http://user1:100%sure@blue:8899"),
        "user1:100%sure@blue",
        "user1:100%sure@blue",
        said="password percent-encoded",
    ),
    Environment(
        "Other marks in the password",
        both("http://user1:a b?c&d=e+f;g[h]i\"j'k<l>m^n|o@blue:8899"),
        "user1:a b?c&d=e+f;g[h]i\"j'k<l>m^n|o@blue",
        "user1:a b?c&d=e+f;g[h]i\"j'k<l>m^n|o@blue",
        said="password percent-encoded",
    ),
    Environment(
        "A colon in the password",
        both("http://user1:p:w:1@blue:8899"),
        "user1:p:w:1@blue",
        "user1:p:w:1@blue",
    ),
    Environment(
        "From a file",
        [f"HTTP_PROXY_FILE={FILE}", f"HTTPS_PROXY_FILE={FILE}"],
        files={FILE: f"{BLUE}\n"},
    ),
    Environment(
        "From a file, and set as well",
        [f"HTTP_PROXY_FILE={FILE}", *both(BLUE)],
        SECOND,
        said="using HTTP_PROXY_FILE (http://user2:***@green:8899), ignoring HTTP_PROXY (http://user1:***@blue:8899)",
        files={FILE: f"{GREEN}\n"},
    ),
    Environment(
        "From a file, and another one injected by Docker",
        ["HTTP_PROXY=", "HTTPS_PROXY=", *lower(GREEN), f"HTTP_PROXY_FILE={FILE}", f"HTTPS_PROXY_FILE={FILE}"],
        said="ignoring https_proxy (http://user2:***@green:8899)",
        files={FILE: f"{BLUE}\n"},
    ),
    *(
        Environment(f"A misspelled scheme: {start}", both(f"{start}user1:pw1@blue:8899"), said="misspelled scheme corrected")
        for start in ("//", "http:/", "http:///", "http:\\\\", "http:", "HTTP//")
    ),
    Environment("HTTP_PROXY alone", [f"HTTP_PROXY={BLUE}"], FIRST, None, said="https:// URLs bypass the proxy"),
    Environment("HTTPS_PROXY alone", [f"HTTPS_PROXY={BLUE}"], None, FIRST),
    Environment("ALL_PROXY alone", [f"ALL_PROXY={BLUE}"], None, None),
    Environment("ALL_PROXY beside the others", [f"ALL_PROXY={GREEN}", *both(BLUE)]),
    Environment("NO_PROXY is *", [*both(BLUE), "NO_PROXY=*"], None, None),
    Environment("REQUEST_METHOD is set", [*both(BLUE), "REQUEST_METHOD=GET"], said="CGI script", differs=True),
    Environment("No port", both("http://user1:pw1@blue"), said="curl uses 1080 and others use 80", differs=True),
    Environment(
        "A user without a password",
        both("http://user1@blue:8899"),
        said="user without password",
        differs=True,
    ),
    Environment(
        "Letters that are not ASCII in the password",
        both("http://user1:pässword@blue:8899"),
        said="requests and aiohttp as Latin-1 or not at all",
        differs=True,
    ),
    Environment(
        "A port that is not a number",
        both("http://user1:pw1@blue:port"),
        said="port is not a number from 1 to 65535",
        differs=True,
    ),
    Environment("A path after the port", both(f"{BLUE}/path"), said="on which Node and git (2.47 and later) fail", differs=True),
    Environment("A query after the port", both(f"{BLUE}?x=y"), said="on which Node, urllib and git (2.47 and later) fail", differs=True),
    Environment("A fragment after the port", both(f"{BLUE}#x"), said="on which Node, urllib and git (2.47 and later) fail", differs=True),
    Environment(
        "An IPv6 address with a zone",
        both("http://user1:pw1@[::1%25lo]:8899"),
        said="only curl, git and Go support",
        differs=True,
    ),
    Environment(
        "A host in hexadecimal",
        both("http://user1:pw1@0x7f00000b:8899"),
        said="on which Go fails",
        differs=True,
    ),
    Environment(
        "A colon in the user",
        both("http://us%3Aer1:pw1@blue:8899"),
        "us:er1:pw1@blue",
        "us:er1:pw1@blue",
        said="on which aiohttp fails",
        differs=True,
    ),
    Environment(
        "An encoded percent sign before two hex digits",
        both("http://user1:p%2541w1@blue:8899"),
        "user1:p%41w1@blue",
        "user1:p%41w1@blue",
        said="which git decodes twice (libcurl before 8.8)",
        differs=True,
        newer_agree=True,
    ),
    Environment(
        "A tab in the password",
        both("http://user1:p%09w1@blue:8899"),
        "user1:p\tw1@blue",
        "user1:p\tw1@blue",
        said="on which curl fails",
        differs=True,
    ),
]

READ_ALL_PROXY = {"curl", "git", "requests", "pip", "httpx", "rattler", "uv"}
"""The clients that fall back to ALL_PROXY; a start does not copy its value into the other variables."""
DO_NOT_READ_WILDCARD = {"wget", "Ruby"}
"""The clients that use a proxy even if NO_PROXY is `*`."""


def expected(environment: Environment, client: str, scheme: str) -> str | None:
    """The proxy that a client should use after a start."""
    if environment.title == "ALL_PROXY alone":
        return FIRST if client in READ_ALL_PROXY else None
    if environment.title == "NO_PROXY is *":
        return FIRST if client in DO_NOT_READ_WILDCARD else None
    # Ruby's net/http uses the proxy for http, whatever the scheme; Node's fetch does so if there is none for https.
    if client == "Ruby" or (client == "Node fetch" and environment.https is None):
        return environment.http
    return environment.http if scheme == "http" else environment.https
