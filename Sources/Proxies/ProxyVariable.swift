import Text

/// One of the five settings that clients read from the environment.
public enum ProxyVariable: Equatable, Sendable {
  case http, https, ftp, all, no

  /// In the order in which new ones are appended to an environment.
  public static let each: [ProxyVariable] = [.http, .https, .ftp, .all, .no]

  public var lowerCase: StaticString {
    switch self {
    case .http: "http_proxy"
    case .https: "https_proxy"
    case .ftp: "ftp_proxy"
    case .all: "all_proxy"
    case .no: "no_proxy"
    }
  }

  public var upperCase: StaticString {
    switch self {
    case .http: "HTTP_PROXY"
    case .https: "HTTPS_PROXY"
    case .ftp: "FTP_PROXY"
    case .all: "ALL_PROXY"
    case .no: "NO_PROXY"
    }
  }

  /// The variable that names a file containing the value; nil if there is no such variable.
  var fileVariable: StaticString? {
    switch self {
    case .http: "HTTP_PROXY_FILE"
    case .https: "HTTPS_PROXY_FILE"
    case .all: "ALL_PROXY_FILE"
    case .ftp, .no: nil
    }
  }

  /// The setting that a name means, in any combination of upper and lower case.
  init?(named name: ArraySlice<UInt8>) {
    // Most variables are none of these, and an environment is scanned more than once.
    guard name.count >= 8, name.count <= 11, name.last?.lowercased == 0x79 else { return nil }
    for known in Self.each where name.count == known.lowerCase.utf8CodeUnitCount {
      if name.equalsIgnoringCase(known.lowerCase.bytes[...]) {
        self = known
        return
      }
    }
    return nil
  }
}
