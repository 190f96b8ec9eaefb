import Text

extension ProxyURL {
  /// Part of a URL that some client cannot handle.
  enum Pitfall: Equatable, Sendable {
    /// `http://h:1/path`
    case path
    /// `http://h:1?query`, `http://h:1#fragment`
    case query
    /// `http://[fe80::1%25eth0]:1`
    case zone
    /// `http://0x7f000001:1`
    case hexadecimalHost
    /// `http://a%3Ab:c@h:1`
    case colonInUser
    /// `http://a:b%09@h:1`
    case controlCharacter
    /// `http://a:b%2541@h:1`
    case encodedTriplet

    /// Which clients fail and what to do, for display.
    ///
    /// - Source: measured by `Tests/EndToEnd/test_proxy_matrix.py`; curl's issue 13265 for libcurl 8.8, which no longer
    ///   decodes what git has decoded.
    var text: Text {
      switch self {
      case .path: "path after the port, on which Node and git (2.47 and later) fail; remove it"
      case .query:
        "query or fragment after the port, on which Node, urllib and git (2.47 and later) fail; remove it"
      case .zone: "IPv6 zone, which only curl, git and Go support; use another address of the proxy"
      case .hexadecimalHost: "hexadecimal host, on which Go fails; write the address as four decimal numbers"
      case .colonInUser: "encoded colon in the user, on which aiohttp fails; use another user"
      case .controlCharacter:
        "encoded control character in the user or password, on which curl fails; use another one"
      case .encodedTriplet:
        "%25 before two hex digits, which git decodes twice (libcurl before 8.8); use another password"
      }
    }
  }

  var pitfalls: [Pitfall] {
    var found: [Pitfall] = []
    let rest = self.rest.bytes
    if let first = rest.first {
      if first == ASCII.question || first == ASCII.hash {
        found.append(.query)
      } else if rest.count > 1 {
        found.append(rest.has(ASCII.question) || rest.has(ASCII.hash) ? .query : .path)
      }
    }
    if isIPv6 {
      if host.has(ASCII.percent) { found.append(.zone) }
    } else {
      let last = host[...].parts(between: ".").last ?? []
      if last.prefix(2).equalsIgnoringCase(StaticString("0x").bytes[...])
        && last.dropFirst(2).allSatisfy({ $0.hexValue != nil })
      {
        found.append(.hexadecimalHost)
      }
    }
    if let userinfo {
      if userinfo.decodedUser.has(ASCII.colon) { found.append(.colonInUser) }
      let credentials = userinfo.basicCredentials.bytes
      if credentials.contains(where: { $0 < ASCII.space || $0 == ASCII.delete }) {
        found.append(.controlCharacter)
      }
      if percentDecoded(credentials) != credentials {
        found.append(.encodedTriplet)
      }
    }
    return found
  }
}
