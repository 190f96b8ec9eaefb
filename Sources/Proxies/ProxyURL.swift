import Text

/// A proxy URL as every client reads it from `http_proxy`.
///
/// The password never appears in a description: print ``redacted``, and put ``value`` into the environment.
/// - Source: RFC 3986 §3.2; curl's `--proxy` for what a missing scheme means.
public final class ProxyURL: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// How a client connects to the proxy itself, whatever it fetches through the proxy.
  public enum Scheme: Equatable, Sendable {
    case http, https, socks4, socks4a, socks5, socks5h

    /// The default port by the scheme's specification. Clients differ, so a URL should name the port.
    public var defaultPort: UInt16 {
      switch self {
      case .http: 80
      case .https: 443
      case .socks4, .socks4a, .socks5, .socks5h: 1080
      }
    }
  }

  public let scheme: Scheme
  public let userinfo: Userinfo?
  /// The host name or address in ASCII, an IPv6 address without its brackets.
  public let host: [UInt8]
  public let isIPv6: Bool
  /// The port, 1 to 65535; nil if it is not given.
  public let port: UInt16?
  /// What follows the port: a path, usually `/`. It has no meaning for a proxy and is not shown.
  let rest: Secret
  private let written: Secret

  init(
    scheme: Scheme, userinfo: Userinfo?, host: ArraySlice<UInt8>, isIPv6: Bool, port: UInt16?,
    rest: ArraySlice<UInt8>, written: [UInt8]
  ) {
    self.scheme = scheme
    self.userinfo = userinfo
    self.host = [UInt8](host)
    self.isIPv6 = isIPv6
    self.port = port
    self.rest = Secret([UInt8](rest))
    self.written = Secret(written)
  }

  public static func == (one: ProxyURL, other: ProxyURL) -> Bool {
    one.scheme == other.scheme && one.userinfo == other.userinfo && one.host == other.host
      && one.isIPv6 == other.isIPv6 && one.port == other.port && one.rest == other.rest
      && one.written == other.written
  }

  /// The whole URL for the environment: the original bytes if no repair was needed.
  public var value: [UInt8] { written.bytes }

  /// The URL for display: with the user, but without the password and without anything after the port.
  public var redacted: Text {
    let user: Text = userinfo.map { "\($0.redacted)@" } ?? ""
    return "\(scheme.name)://\(user)\(endpoint)\(redactedRest)"
  }

  /// Host and port as in a URL, an IPv6 address in brackets.
  public var endpoint: Text {
    let name = Text(utf8: host)
    let number: Text = port.map { ":\($0)" } ?? ""
    return isIPv6 ? "[\(name)]\(number)" : name + number
  }

  public var description: String { redacted.description }
  public var debugDescription: String { redacted.description }

  /// A path may contain a token, so only its presence is shown.
  private var redactedRest: Text {
    let bytes = rest.bytes
    if bytes.isEmpty { return "" }
    return bytes[...].isEqual(to: "/") ? "/" : "/***"
  }
}

extension ProxyURL.Scheme {
  public var name: StaticString {
    switch self {
    case .http: "http"
    case .https: "https"
    case .socks4: "socks4"
    case .socks4a: "socks4a"
    case .socks5: "socks5"
    case .socks5h: "socks5h"
    }
  }

  init?(written bytes: ArraySlice<UInt8>) {
    let known: [ProxyURL.Scheme] = [.http, .https, .socks4, .socks4a, .socks5, .socks5h]
    guard let scheme = known.first(where: { bytes.equalsIgnoringCase($0.name.bytes[...]) }) else {
      return nil
    }
    self = scheme
  }
}
