/// Which clients reach a host without the proxy because of an entry of one kind.
public struct NoProxyPortability: Sendable {
  public let kind: NoProxyKind
  /// An entry of the kind, and a host with a port that whoever writes the entry wants to reach by it.
  public let example: (entry: String, reached: String)
  public let honouredBy: ProxyClients
  /// What to know or to write instead, for a person.
  public let advice: String

  public var ignoredBy: ProxyClients { .all.subtracting(honouredBy) }

  public var isPortable: Bool { honouredBy == .all }

  /// False for an entry that every client honours, and for `::1`: a start adds that one itself, and the clients
  /// that overlook it are reached by `localhost` and `127.0.0.1`.
  public var deservesWarning: Bool { !isPortable && kind != .ipv6Loopback }
}

/// Which clients honour an entry of NO_PROXY.
public func portability(of entry: NoProxyEntry) -> NoProxyPortability {
  noProxyTable.first { $0.kind == entry.kind } ?? nothingHonoured
}

/// What every statement on NO_PROXY comes from: a row a kind.
///
/// - Source: measured with curl 7.88, wget 1.21, Python 3.11, requests 2.34, aiohttp 3.14, Go 1.19, Ruby 3.1 and
///   Node 24, each asked for `http://` and the host given here through a recording proxy.
public let noProxyTable: [NoProxyPortability] = [
  row(
    .name, "repo.corp", "repo.corp:80", .all,
    "hosts below it are reached without a proxy as well, but not by Node's http"),
  row(
    .suffix, ".corp", "repo.corp:80", .all,
    "whether corp itself is meant as well, clients do not agree: not in wget, Go and Ruby"),
  row(.ipv4, "10.1.2.3", "10.1.2.3:8080", .all, "matches where the URL holds this address, not a name of it"),
  row(
    .everything, "*", "repo.corp:80", .all.subtracting([.wget, .ruby]),
    "to use no proxy at all, unset the proxy variables"),
  row(
    .everythingAmongOthers, "other.corp,*", "repo.corp:80", [.go, .node],
    "let it be the only entry, or remove it"),
  row(
    .ipv6, "fd00::1", "[fd00::1]:8080", .all.subtracting([.urllib, .ruby, .nodeFetch]),
    "use a host name in URLs, and name that one"),
  row(
    .ipv6Loopback, "::1", "[::1]:8080", .all.subtracting([.urllib, .nodeFetch]),
    "use localhost or 127.0.0.1 in URLs"),
  row(
    .ipv4Network, "10.0.0.0/8", "10.1.2.3:8080", [.curl, .requests, .go, .ruby],
    "curl from 7.86 on; name the hosts or their domain instead"),
  row(
    .ipv6Network, "fd00::/8", "[fd00::1]:8080", .go, "curl from 8 on; name the hosts or their domain instead"),
  row(.ipv4Mask, "10.0.0.0/255.0.0.0", "10.1.2.3:8080", .ruby, "name the hosts or their domain instead"),
  row(.ipv4Range, "10.1.2.1-10.1.2.9", "10.1.2.3:8080", .node, "name the hosts or their domain instead"),
  row(
    .nameWithPort, "repo.corp:8080", "repo.corp:8080", .all.subtracting([.curl, .wget, .aiohttp]),
    "write the host without the port"),
  row(
    .suffixWithPort, ".corp:8080", "repo.corp:8080", [.urllib, .requests, .go, .ruby, .nodeFetch],
    "write the domain without the port"),
  row(
    .ipv4WithPort, "10.1.2.3:8080", "10.1.2.3:8080", [.urllib, .go, .ruby, .node, .nodeFetch],
    "write the address without the port"),
  row(
    .ipv6WithPort, "[fd00::1]:8080", "[fd00::1]:8080", [.urllib, .go, .nodeFetch],
    "write the address without brackets and port"),
  row(.rootedName, "repo.corp.", "repo.corp:80", .curl, "write the name without the dot at its end"),
  row(
    .wildcard, "10.*", "10.1.2.3:8080", [],
    "* stands for all hosts or, in front of a domain, for those below it; name the hosts or their domain instead"
  ),
  row(.address, "http://repo.corp", "repo.corp:80", [], "write the host alone, without http://"),
  nothingHonoured,
]

private let nothingHonoured = row(
  .unreadable, "<local>", "repo:80", [], "write a host name, .domain or an IP address, in ASCII")

private func row(
  _ kind: NoProxyKind, _ entry: String, _ reached: String, _ honouredBy: ProxyClients, _ advice: String
) -> NoProxyPortability {
  NoProxyPortability(kind: kind, example: (entry, reached), honouredBy: honouredBy, advice: advice)
}
