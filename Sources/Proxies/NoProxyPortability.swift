import Text

/// Which clients bypass the proxy because of an entry of one kind.
public struct NoProxyPortability: Sendable {
  public let kind: NoProxyKind
  /// An entry of the kind, and a host with a port that its author wants to reach without the proxy.
  public let example: (entry: StaticString, reached: StaticString)
  public fileprivate(set) var honoredBy: ProxyClients
  /// What to know, or what to write instead, for display.
  public let advice: StaticString

  public var ignoredBy: ProxyClients { .all.subtracting(honoredBy) }

  public var isPortable: Bool { honoredBy == .all }

  /// False for an entry that every client honors, and for `::1`: a start adds that one itself, and clients that ignore
  /// it use `localhost` and `127.0.0.1`.
  public var deservesWarning: Bool { !isPortable && kind != .ipv6Loopback }
}

/// The clients that honor an entry of NO_PROXY.
public func portability(of entry: NoProxyEntry) -> NoProxyPortability {
  var row = portability(of: entry.kind)
  // These clients see a port only if the URL contains it, and URLs rarely contain the default port.
  if entry.hasUsualPort { row.honoredBy.subtract([.urllib, .requests, .httpx]) }
  // httpx reads the address and ignores the length.
  if entry.kind == .ipv4Network && entry.text[...].ends(with: StaticString("/32").bytes) {
    row.honoredBy.insert(.httpx)
  }
  // httpx compares the letters of an IPv6 address as they are written; those of a URL are lower case.
  if entry.kind == .ipv6 && entry.text.contains(where: { $0 != $0.lowercased }) {
    row.honoredBy.subtract(.httpx)
  }
  if entry.failsHTTPX { row.honoredBy.subtract(.httpx) }
  return row
}

/// The table behind every statement about NO_PROXY: one row for each kind.
///
/// - Source: measured with curl 7.88, wget 1.21, Python 3.11, requests 2.34, aiohttp 3.14, httpx 0.28, Go 1.19,
///   Ruby 3.1, Node 24, rattler 0.28 and uv 0.13, each asked for `http://` and the host given here through a recording proxy.
public func portability(of kind: NoProxyKind) -> NoProxyPortability {
  switch kind {
  case .name:
    row(
      kind, "repo.corp", "repo.corp:80", .all,
      "hosts below it are reached without a proxy as well, but not by Node's http")
  case .suffix:
    row(
      kind, ".corp", "repo.corp:80", .all,
      "wget, Go and Ruby match hosts below the domain only, others the domain itself as well")
  case .ipv4:
    row(
      kind, "10.1.2.3", "10.1.2.3:8080", .all,
      "matches URLs with this address, not with a name that resolves to it")
  case .everything:
    row(
      kind, "*", "repo.corp:80", .all.subtracting([.wget, .ruby]),
      "to use no proxy at all, unset the proxy variables")
  case .everythingAmongOthers:
    row(
      kind, "other.corp,*", "repo.corp:80", [.go, .node, .rattler, .httpx, .uv],
      "make it the only entry or remove it")
  case .ipv6:
    row(
      kind, "fd00::1", "[fd00::1]:8080", .all.subtracting([.urllib, .ruby, .nodeFetch]),
      "use a host name in URLs, and list that name")
  case .ipv6Longer:
    row(
      kind, "fd00:0::1", "[fd00::1]:8080", [.go, .rattler, .uv],
      "write the address in its shortest form")
  case .ipv6Loopback:
    row(
      kind, "::1", "[::1]:8080", .all.subtracting([.urllib, .nodeFetch]),
      "use localhost or 127.0.0.1 in URLs; Ruby's find_proxy bypasses the proxy for IPv4 addresses that end in .1 as well"
    )
  case .ipv4Network:
    row(
      kind, "10.0.0.0/8", "10.1.2.3:8080", [.curl, .requests, .go, .ruby, .rattler, .uv],
      "curl from 7.86 on; name the hosts or their domain instead")
  case .ipv6Network:
    row(
      kind, "fd00::/8", "[fd00::1]:8080", [.go, .rattler, .uv],
      "name the hosts or their domain instead")
  case .ipv4Mask:
    row(kind, "10.0.0.0/255.0.0.0", "10.1.2.3:8080", .ruby, "name the hosts or their domain instead")
  case .ipv4Range:
    row(kind, "10.1.2.1-10.1.2.9", "10.1.2.3:8080", .node, "name the hosts or their domain instead")
  case .nameWithPort:
    row(
      kind, "repo.corp:8080", "repo.corp:8080", .all.subtracting([.curl, .wget, .aiohttp, .rattler, .uv]),
      "write the host without the port")
  case .suffixWithPort:
    row(
      kind, ".corp:8080", "repo.corp:8080", [.urllib, .requests, .go, .ruby, .nodeFetch, .httpx],
      "write the domain without the port")
  case .ipv4WithPort:
    row(
      kind, "10.1.2.3:8080", "10.1.2.3:8080", [.urllib, .go, .ruby, .node, .nodeFetch, .httpx],
      "write the address without the port")
  case .ipv6WithPort:
    row(
      kind, "[fd00::1]:8080", "[fd00::1]:8080", [.urllib, .go, .nodeFetch],
      "write the address without brackets and port")
  case .rootedName:
    row(kind, "repo.corp.", "repo.corp:80", .curl, "write the name without the dot at its end")
  case .wildcard:
    row(
      kind, "10.*", "10.1.2.3:8080", [],
      "* stands for all hosts or, in front of a domain, for those below it; name the hosts or their domain instead"
    )
  case .address:
    row(kind, "http://repo.corp", "repo.corp:80", .httpx, "write the host alone, without http://")
  case .unreadable:
    row(kind, "<local>", "repo:80", [], "write a host name, .domain or an IP address, in ASCII")
  }
}

private func row(
  _ kind: NoProxyKind, _ entry: StaticString, _ reached: StaticString, _ honoredBy: ProxyClients,
  _ advice: StaticString
) -> NoProxyPortability {
  NoProxyPortability(kind: kind, example: (entry, reached), honoredBy: honoredBy, advice: advice)
}
