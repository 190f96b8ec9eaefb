import Text

/// Programs and libraries that read NO_PROXY, each with its own grammar.
///
/// git reads it like curl; pip and conda read it like requests, except where conda uses rattler.
public struct ProxyClients: OptionSet, Equatable, Sendable {
  public let rawValue: UInt16

  public init(rawValue: UInt16) { self.rawValue = rawValue }

  public static let curl = ProxyClients(rawValue: 1)
  public static let wget = ProxyClients(rawValue: 2)
  public static let urllib = ProxyClients(rawValue: 4)
  public static let requests = ProxyClients(rawValue: 8)
  public static let aiohttp = ProxyClients(rawValue: 16)
  public static let go = ProxyClients(rawValue: 32)
  public static let ruby = ProxyClients(rawValue: 64)
  /// Node's `http` and `https` modules.
  public static let node = ProxyClients(rawValue: 128)
  /// Node's `fetch`, which has its own implementation of NO_PROXY.
  public static let nodeFetch = ProxyClients(rawValue: 256)

  /// rattler, which pixi and newer parts of conda use, and other programs that use Rust's reqwest.
  public static let rattler = ProxyClients(rawValue: 512)
  public static let httpx = ProxyClients(rawValue: 1024)
  public static let uv = ProxyClients(rawValue: 2048)

  public static let all = ProxyClients(rawValue: 4095)

  /// The names, in a fixed order.
  public var names: [Text] {
    var names: [Text] = []
    for bit in UInt16(0)..<12 {
      let client = ProxyClients(rawValue: 1 << bit)
      if contains(client) { names.append("\(client.name)") }
    }
    return names
  }

  /// The name of a single client.
  private var name: StaticString {
    switch self {
    case .curl: "curl"
    case .wget: "wget"
    case .urllib: "urllib"
    case .requests: "requests"
    case .aiohttp: "aiohttp"
    case .go: "Go"
    case .ruby: "Ruby"
    case .node: "Node"
    case .nodeFetch: "Node fetch"
    case .rattler: "rattler"
    case .httpx: "httpx"
    default: "uv"
    }
  }
}
