import Text

/// What came out of ``unifyProxies(in:_:)``.
public struct ProxyOutcome {
  /// A proxy that a start gives the service.
  public struct Proxy: Equatable, Sendable {
    public let variable: ProxyVariable
    /// The name that the value came from: a spelling of the variable, or its `_FILE` variable.
    public let source: Text
    /// nil where the value could not be read; it is handed on as it is then.
    public let url: ProxyURL?
  }

  /// The whole new environment, entries as in `environ`.
  public internal(set) var environment: [[UInt8]] = []
  /// What a person should know, in the order of the variables.
  public internal(set) var notes: [ProxyNote] = []
  /// The proxies that are set, in the order http, https, ftp, all.
  public internal(set) var proxies: [Proxy] = []
  /// The entries of the new NO_PROXY; empty where there is none.
  public internal(set) var noProxy: [NoProxyEntry] = []

  /// The new value of a proxy variable for a person.
  /// - Parameter name: the variable, in any spelling of case.
  /// - Returns: nil if it is no proxy variable, or not set.
  public func redactedValue(of name: [UInt8]) -> Text? {
    guard let variable = ProxyVariable(named: name[...]) else { return nil }
    if variable == .no {
      return noProxy.isEmpty ? nil : noProxy.shown
    }
    guard let proxy = proxies.first(where: { $0.variable == variable }) else { return nil }
    return proxy.url?.redacted ?? unreadableValue
  }
}

/// What stands for a value that cannot be read: none of it is safe to show.
let unreadableValue: Text = "a value that cannot be read"
