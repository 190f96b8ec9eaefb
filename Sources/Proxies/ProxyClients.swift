/// Programs and libraries that read NO_PROXY, each with a grammar of its own.
///
/// git reads as curl does; pip and conda as requests do.
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
  /// Node's `fetch`, which has a NO_PROXY of its own.
  public static let nodeFetch = ProxyClients(rawValue: 256)

  public static let all = ProxyClients(rawValue: 511)

  /// The names, in a fixed order.
  public var names: [String] {
    let known: [(ProxyClients, String)] = [
      (.curl, "curl"), (.wget, "wget"), (.urllib, "urllib"), (.requests, "requests"), (.aiohttp, "aiohttp"),
      (.go, "Go"), (.ruby, "Ruby"), (.node, "Node"), (.nodeFetch, "Node fetch"),
    ]
    return known.filter { contains($0.0) }.map { $0.1 }
  }
}
