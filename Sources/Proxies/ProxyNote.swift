import Text

/// One line for the log or for the output of a sub-command. It contains no secret.
public struct ProxyNote: Equatable, Sendable {
  public let level: Level
  /// The name of the variable.
  public let subject: Text
  /// What is wrong and what to do, for display.
  public let message: Text
}

// All texts are here. Parameters are names of variables, or texts that a ``ProxyURL`` or a ``NoProxyEntry`` has made
// safe to show.
extension ProxyNote {
  private static func warning(_ subject: Text, _ message: Text) -> ProxyNote {
    ProxyNote(level: .warning, subject: subject, message: message)
  }

  private static func error(_ subject: Text, _ message: Text) -> ProxyNote {
    ProxyNote(level: .error, subject: subject, message: message)
  }

  static func unreadable(_ name: Text, _ fault: ProxyURLFault) -> ProxyNote {
    .error(name, "invalid proxy URL (\(fault.reason)), passed through unchanged; \(fault.remedy)")
  }

  static func repaired(_ name: Text, _ repairs: ProxyURLRepairs, now shown: Text) -> ProxyNote {
    repaired(name, repairs.texts, shown)
  }

  static func repaired(_ name: Text, _ repairs: NoProxyRepairs, now shown: Text) -> ProxyNote {
    repaired(name, repairs.texts, shown)
  }

  private static func repaired(_ name: Text, _ repairs: [Text], _ shown: Text) -> ProxyNote {
    ProxyNote(
      level: .info, subject: name, message: "repaired (\(repairs.joined(by: ", "))), now \(shown)")
  }

  /// Summarizes further spellings.
  static func more(_ variable: ProxyVariable, _ count: Int) -> ProxyNote {
    .warning("\(variable.upperCase)", "\(count) more problems not shown")
  }

  static func emptyBeside(_ name: Text, used: Text) -> ProxyNote {
    .warning(
      name, "empty, ignored; using \(used) (urllib alone would disable the proxy); unset one of them")
  }

  static func differing(_ used: Text, _ shownUsed: Text, _ other: Text, _ shownOther: Text) -> ProxyNote {
    .warning(
      other,
      "conflicting values: using \(both(used, shownUsed, ", ignoring ", other, shownOther)); unset one of them (\"proxies\" in ~/.docker/config.json may have set it; --prefer lower or --prefer upper chooses)"
    )
  }

  static func merged(_ first: Text, _ shownFirst: Text, _ other: Text, _ shownOther: Text) -> ProxyNote {
    .warning(
      other,
      "conflicting lists: merging \(both(first, shownFirst, " and ", other, shownOther)); unset one of them (\"proxies\" in ~/.docker/config.json may have set it; --prefer lower or --prefer upper chooses)"
    )
  }

  static func besideFile(_ file: Text, _ shownFile: Text, _ other: Text, _ shownOther: Text) -> ProxyNote {
    .warning(
      other,
      "conflicting values: using \(both(file, shownFile, ", ignoring ", other, shownOther)); unset one of them (\"proxies\" in ~/.docker/config.json may have set it)"
    )
  }

  /// Two variables with their values. A long list is cut to leave room for what to do.
  private static func both(
    _ used: Text, _ shownUsed: Text, _ between: Text, _ other: Text, _ shownOther: Text
  ) -> Text {
    if shownUsed == shownOther {
      return
        "\(used)\(between)\(other) (both shown as \(shownUsed.cut(to: 128)), different in what is not shown)"
    }
    return "\(used) (\(shownUsed.cut(to: 128)))\(between)\(other) (\(shownOther.cut(to: 128)))"
  }

  static func duplicate(_ name: Text) -> ProxyNote {
    .warning(name, "set more than once with different values, using the first; unset the others")
  }

  static func emptyFile(_ file: Text, used: Text?) -> ProxyNote {
    .warning(file, "empty file, \(instead(used)); write the proxy's URL to it or unset the variable")
  }

  static func binaryFile(_ file: Text, used: Text?) -> ProxyNote {
    .error(file, "contains NUL bytes, as UTF-16 does, \(instead(used)); save it as UTF-8")
  }

  static func unreadableFile(_ file: Text, _ reason: Text, _ remedy: Text, used: Text?) -> ProxyNote {
    .error(file, "\(reason), \(instead(used)); \(remedy)")
  }

  @inline(never)
  private static func instead(_ used: Text?) -> Text { used.map { "using \($0) instead" } ?? "ignored" }

  static func noPort(_ name: Text, _ url: ProxyURL) -> ProxyNote {
    let used: Text =
      switch url.scheme {
      case .http: "curl uses 1080 and others use 80"
      case .https: "clients use 443"
      default: "clients use 1080"
      }
    return .warning(name, "\(url.redacted) has no port, so \(used); add the port")
  }

  static func scheme(_ name: Text, _ url: ProxyURL) -> ProxyNote {
    let advice: Text =
      url.scheme == .https
      ? "https:// means TLS to the proxy itself, which aiohttp and others do not support; most proxies need http://"
      : "SOCKS proxies are supported by curl, Go and few others; use an HTTP proxy"
    return .warning(name, "\(url.redacted): \(advice)")
  }

  static func notASCII(_ name: Text, _ url: ProxyURL) -> ProxyNote {
    .warning(
      name,
      "\(url.redacted): non-ASCII user or password, which curl sends as UTF-8, and requests and aiohttp as Latin-1 or not at all; use an ASCII one"
    )
  }

  static func incompleteUser(_ name: Text, _ url: ProxyURL) -> ProxyNote {
    .warning(
      name,
      "\(url.redacted): user without password or password without user, which Python, Node and others do not send; set both"
    )
  }

  static func pitfall(_ name: Text, _ url: ProxyURL, _ pitfall: ProxyURL.Pitfall) -> ProxyNote {
    .warning(name, "\(url.redacted): \(pitfall.text)")
  }

  /// - Parameter hasAllProxy: whether ALL_PROXY is set, which some clients read.
  static func httpWithoutHTTPS(hasAllProxy: Bool) -> ProxyNote {
    let clients: Text = hasAllProxy ? " in clients that ignore ALL_PROXY, such as wget, Go and Node" : ""
    return .warning(
      "HTTP_PROXY", "HTTPS_PROXY is not set, so https:// URLs bypass the proxy\(clients); set it")
  }

  static var requestMethod: ProxyNote {
    .warning(
      "REQUEST_METHOD",
      "makes Go, rattler and uv ignore HTTP_PROXY, as in a CGI script; unset it")
  }

  static func everythingAmongOthers(_ name: Text) -> ProxyNote {
    .warning(
      name,
      "contains * among other entries, which Go reads as every host, and curl and Python as none; make it the only entry or remove it"
    )
  }

  static func failsHTTPX(_ entry: NoProxyEntry) -> ProxyNote {
    let isASCII = entry.text.allSatisfy { $0.isPrintable }
    let shown: Text = isASCII ? "the entry \(entry.shown)" : "an entry that is not ASCII"
    return .warning(
      "NO_PROXY",
      "httpx fails on every request because of \(shown); remove it or name the host or domain instead")
  }

  static func added(_ entries: [NoProxyEntry]) -> ProxyNote {
    ProxyNote(level: .debug, subject: "NO_PROXY", message: "added \(entries.shown)")
  }
}

extension ProxyURLFault {
  /// What is wrong, for display; contains nothing of the value.
  public var reason: Text {
    switch self {
    case .empty: "empty"
    case .unknownScheme: "unknown scheme"
    case .twoSchemes: "two schemes"
    case .ambiguousScheme: "scheme is not followed by ://"
    case .unreadableUser: "slash at the start of the user, or two in it"
    case .missingHost: "no host"
    case .nonASCIIHost: "host is not ASCII"
    case .unreadableHost: "host"
    case .unreadablePort: "port is not a number from 1 to 65535"
    case .unreadableRest: "white space or control characters after the host"
    case .placeholder:
      "placeholder not replaced, such as $(NAME), ${NAME}, {{ NAME }}, %NAME% or <NAME>"
    case .pacFile: "address of a PAC file, which only browsers read"
    case .word: "word instead of a URL"
    case .nul: "NUL bytes, as in UTF-16"
    }
  }

  /// What to do, for display.
  public var remedy: Text {
    switch self {
    case .nonASCIIHost: "write an international name in its xn-- form"
    case .placeholder:
      "set the value that it stands for, and write $ in a password as %24, { as %7B and < as %3C"
    case .pacFile: "set the host and port of a proxy that the file names"
    case .word: "to use no proxy, unset the variable"
    case .unknownScheme: "use http, https, socks4, socks4a, socks5 or socks5h"
    case .unreadableUser: "expected http://user:password@host:port, with / in the user as %2F"
    default: "expected http://user:password@host:port"
    }
  }
}

extension ProxyURLRepairs {
  fileprivate var texts: [Text] {
    var done: [Text] = []
    if contains(.surroundings) { done.append("white space or quotes removed") }
    if contains(.scheme) { done.append("http:// added") }
    if contains(.misspeltScheme) { done.append("misspelled scheme corrected") }
    if contains(.schemeCase) { done.append("scheme in lower case") }
    if contains(.user) { done.append("user percent-encoded") }
    if contains(.password) { done.append("password percent-encoded") }
    return done
  }
}

extension NoProxyRepairs {
  fileprivate var texts: [Text] {
    var done: [Text] = []
    if contains(.separators) { done.append("entries separated by single commas") }
    if contains(.quotes) { done.append("quotes removed") }
    if contains(.wildcards) { done.append("*. at the beginning replaced by .") }
    if contains(.brackets) { done.append("brackets of IPv6 addresses removed") }
    if contains(.duplicates) { done.append("duplicates removed") }
    return done
  }
}
