"""Values of NO_PROXY, and the hosts that a user may want to reach with each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Value:
    value: str
    hosts: list[str]
    """The first is the one that the entry's author wants to reach."""
    entry: str = ""
    """The entry of the new NO_PROXY that `check` judges; the value itself if not given."""
    kind: str = ""
    """The name of the entry's kind in the sources."""

    @property
    def judged(self) -> str:
        return self.entry or self.value


VALUES = [
    Value("repo.corp", ["repo.corp", "repo.corp:8080", "sub.repo.corp", "notrepo.corp", "corp"], kind="name"),
    Value("REPO.corp", ["repo.corp", "sub.repo.corp"], kind="name"),
    Value("repo", ["repo", "repo.corp"], kind="name"),
    Value("repo.corp.", ["repo.corp"], kind="rootedName"),
    Value(".corp", ["repo.corp", "sub.repo.corp", "corp", "repo.corp:8080"], kind="suffix"),
    Value("*.corp", ["repo.corp", "sub.repo.corp", "corp"], ".corp"),
    Value("corp", ["corp", "repo.corp", "sub.repo.corp", "repo"]),
    Value("*", ["repo.corp", "10.1.2.3:8080", "[fd00::1]:8080"], kind="everything"),
    Value("other.corp,*", ["repo.corp", "other.corp"], "*", kind="everythingAmongOthers"),
    Value("*,other.corp", ["repo.corp", "other.corp"], "*"),
    Value("10.1.2.3", ["10.1.2.3:8080", "10.1.2.3", "10.1.2.30:8080"], kind="ipv4"),
    Value("10.1.2", ["10.1.2.3:8080"]),
    Value("10.", ["10.1.2.3:8080"]),
    Value("10.0.0.0/8", ["10.1.2.3:8080", "repo.corp"], kind="ipv4Network"),
    Value("10.1.2.3/32", ["10.1.2.3:8080", "10.1.2.30:8080"]),
    Value("10.0.0.0/255.0.0.0", ["10.1.2.3:8080"], kind="ipv4Mask"),
    Value("10.1.2.1-10.1.2.9", ["10.1.2.3:8080", "10.1.2.30:8080"], kind="ipv4Range"),
    Value("10.*", ["10.1.2.3:8080"], kind="wildcard"),
    Value("repo*.corp", ["repo.corp"]),
    Value("*corp", ["repo.corp", "corp"]),
    Value("fd00::1", ["[fd00::1]:8080", "[fd00::1]"], kind="ipv6"),
    Value("[fd00::1]", ["[fd00::1]:8080"], "fd00::1"),
    Value("fd00:0::1", ["[fd00::1]:8080"], kind="ipv6Longer"),
    Value("FD00::1", ["[fd00::1]:8080"]),
    Value("fd00::/8", ["[fd00::1]:8080"], kind="ipv6Network"),
    Value("::1", ["[::1]:8080", "10.1.2.1:8080"], kind="ipv6Loopback"),
    Value("repo.corp:8080", ["repo.corp:8080", "sub.repo.corp:8080", "repo.corp"], kind="nameWithPort"),
    Value("repo.corp:80", ["repo.corp"]),
    Value(".corp:80", ["repo.corp"]),
    Value(".corp:8080", ["repo.corp:8080", "repo.corp"], kind="suffixWithPort"),
    Value("10.1.2.3:8080", ["10.1.2.3:8080", "10.1.2.3"], kind="ipv4WithPort"),
    Value("10.1.2.3:80", ["10.1.2.3"]),
    Value("[fd00::1]:80", ["[fd00::1]"]),
    Value("[fd00::1]:8080", ["[fd00::1]:8080", "[fd00::1]"], kind="ipv6WithPort"),
    Value("http://repo.corp", ["repo.corp"], "***", kind="address"),
    Value("<local>", ["repo"], kind="unreadable"),
    Value("fd00::1/128", ["[fd00::1]:8080", "repo.corp"]),
    Value("[fd00::1]:http", ["[fd00::1]:8080", "repo.corp"], "***"),
    Value("fe80::1%lo", ["repo.corp"], "***"),
    Value("bücher.corp", ["repo.corp"], "***"),
    Value("a_b.corp:x", ["repo.corp"], "***"),
    Value("http://repo.corp:x", ["repo.corp"], "***"),
    Value("http://[fd00::1]:8080", ["[fd00::1]:8080"], "***"),
    Value("user1:pw1@repo.corp", ["repo.corp"], "***"),
    Value("localhost", ["localhost:8080"]),
    Value("127.0.0.1", ["127.0.0.1:8080"]),
    Value("other.corp, repo.corp", ["repo.corp", "other.corp"], "repo.corp"),
    Value("other.corp repo.corp", ["repo.corp", "other.corp"], "repo.corp"),
    Value("other.corp;repo.corp", ["repo.corp", "other.corp"], "repo.corp"),
    Value(",repo.corp,,", ["repo.corp", "notrepo.corp"], "repo.corp"),
    Value('"repo.corp"', ["repo.corp"], "repo.corp"),
    Value("other.corp", ["other.corp", "repo.corp", "localhost:8080", "127.0.0.1:8080", "[::1]:8080"]),
]
