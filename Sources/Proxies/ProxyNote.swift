import Text

/// One line for the log or for a sub-command's result, with nothing secret in it.
public struct ProxyNote: Equatable, Sendable {
  public let level: Level
  /// The name of the variable that it is about.
  public let subject: Text
  /// What is wrong, and what to do; for a person.
  public let message: Text
}

// The texts, all in one place. A parameter is a variable's name, or text that a ``ProxyURL`` or a
// ``NoProxyEntry`` has already made fit to be shown.
extension ProxyNote {
  private static func warning(_ subject: Text, _ message: Text) -> ProxyNote {
    ProxyNote(level: .warning, subject: subject, message: message)
  }

  private static func error(_ subject: Text, _ message: Text) -> ProxyNote {
    ProxyNote(level: .error, subject: subject, message: message)
  }

  static func unreadable(_ name: Text, _ fault: ProxyURLFault) -> ProxyNote {
    .error(
      name,
      "is handed on as it is, though not every client can use it: \(fault.reason); write http://user:password@host:port"
    )
  }

  static func repaired(_ name: Text, _ repairs: ProxyURLRepairs, now shown: Text) -> ProxyNote {
    repaired(name, repairs.texts, shown)
  }

  static func repaired(_ name: Text, _ repairs: NoProxyRepairs, now shown: Text) -> ProxyNote {
    repaired(name, repairs.texts, shown)
  }

  private static func repaired(_ name: Text, _ repairs: [Text], _ shown: Text) -> ProxyNote {
    ProxyNote(
      level: .info, subject: name, message: "repaired: \(repairs.joined(by: ", ")); it is now \(shown)")
  }

  /// What is said once of many spellings.
  static func more(_ variable: ProxyVariable, _ count: Int) -> ProxyNote {
    .warning(
      "\(variable.upperCase)", "\(count) more of the kind in other spellings, or more than once; remove them")
  }

  static func emptyBeside(_ name: Text, used: Text) -> ProxyNote {
    .warning(
      name,
      "is empty and counts as unset; \(used) is used. Python's urllib would have used no proxy at all; remove \(name) if that is not meant, or both of them if it is"
    )
  }

  static func differing(_ used: Text, _ shownUsed: Text, _ other: Text, _ shownOther: Text) -> ProxyNote {
    // Of a long list as much as leaves room for what to do.
    let (first, second) = (shownUsed.cut(to: 300), shownOther.cut(to: 300))
    let values: Text =
      shownUsed == shownOther
      ? "\(used) and \(other) both show as \(first), but differ in what is not shown"
      : "\(used) is \(first), but \(other) is \(second)"
    return .warning(
      other,
      "\(values); \(used) is used. One of them is likely put in by \"proxies\" in ~/.docker/config.json; remove one, or choose with --prefer lower or --prefer upper"
    )
  }

  static func duplicate(_ name: Text) -> ProxyNote {
    .warning(name, "is in the environment more than once with different values; the first one counts")
  }

  static func plainBesideFile(_ file: Text, used: Text) -> ProxyNote {
    .warning(file, "is not used, because \(used) is set as well; remove one of them")
  }

  static func emptyFile(_ file: Text) -> ProxyNote {
    .warning(file, "names a file that is empty; it sets nothing")
  }

  static func binaryFile(_ file: Text) -> ProxyNote {
    .error(file, "names a file that is not used: \(ProxyURLFault.nul.reason); save it as UTF-8")
  }

  static func noPort(_ name: Text, _ url: ProxyURL) -> ProxyNote {
    .warning(name, "\(url.redacted) has no port: curl takes 1080, others take 80; write the port")
  }

  static func scheme(_ name: Text, _ url: ProxyURL) -> ProxyNote {
    let advice: StaticString =
      url.scheme == .https
      ? "the connection to the proxy itself is TLS then, which aiohttp and others refuse; if the proxy is a plain one, as most are, write http://"
      : "only some clients can use a SOCKS proxy, curl and Go among them; give an HTTP proxy if there is one"
    return .warning(name, "\(url.redacted) begins with \(url.scheme.name)://: \(advice)")
  }

  static func notASCII(_ name: Text, _ url: ProxyURL) -> ProxyNote {
    .warning(
      name,
      "\(url.redacted) has letters in its user or password that are not ASCII: curl sends them as UTF-8, requests and aiohttp as Latin-1 or not at all; choose another password"
    )
  }

  static func incompleteUser(_ name: Text, _ url: ProxyURL) -> ProxyNote {
    .warning(
      name,
      "\(url.redacted) has a user without a password, or the reverse: Python, Node and others send neither; give both"
    )
  }

  static var httpWithoutHTTPS: ProxyNote {
    .warning(
      "HTTP_PROXY",
      "is set, but HTTPS_PROXY is not: mirrors are mostly fetched by https, and would not use the proxy; set HTTPS_PROXY, mostly to the same value"
    )
  }

  static var requestMethod: ProxyNote {
    .warning(
      "REQUEST_METHOD",
      "is set, so Go and conda's rattler take the service for a CGI script and ignore its proxies; unset it")
  }

  static func everythingAmongOthers(_ name: Text) -> ProxyNote {
    .warning(
      name,
      "holds * among other entries: Go reads it as every host, curl and Python as none; let it be the only entry, or remove it"
    )
  }

  static func added(_ entries: [NoProxyEntry]) -> ProxyNote {
    ProxyNote(level: .debug, subject: "NO_PROXY", message: "added \(entries.shown)")
  }
}

extension ProxyURLFault {
  /// What is wrong, for a person; nothing of the text is in it.
  public var reason: Text {
    switch self {
    case .empty: "it is empty"
    case .unknownScheme: "its scheme is none of http, https, socks4, socks4a, socks5 and socks5h"
    case .missingHost: "it has no host"
    case .nonASCIIHost: "its host is not ASCII (an international name is written as xn--...)"
    case .unreadableHost: "its host cannot be read"
    case .unreadablePort: "its port is not a number from 1 to 65535"
    case .unreadableRest: "white space or control characters follow the host"
    case .nul: "it holds NUL bytes, as UTF-16 does"
    }
  }
}

extension ProxyURLRepairs {
  fileprivate var texts: [Text] {
    var done: [Text] = []
    if contains(.surroundings) { done.append("white space or quotes around it removed") }
    if contains(.scheme) { done.append("http:// put in front") }
    if contains(.schemeCase) { done.append("scheme put in lower case") }
    if contains(.user) { done.append("user percent-encoded") }
    if contains(.password) { done.append("password percent-encoded") }
    return done
  }
}

extension NoProxyRepairs {
  fileprivate var texts: [Text] {
    var done: [Text] = []
    if contains(.separators) { done.append("single commas put between the entries") }
    if contains(.quotes) { done.append("quotes removed") }
    if contains(.wildcards) { done.append("*. at the beginning of a name replaced by .") }
    if contains(.brackets) { done.append("brackets of IPv6 addresses removed") }
    if contains(.duplicates) { done.append("duplicates removed") }
    return done
  }
}
