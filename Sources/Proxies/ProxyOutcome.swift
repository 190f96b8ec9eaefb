import Text

/// The result of ``unifyProxies(in:_:)``.
public struct ProxyOutcome {
  /// A proxy that a start gives the service.
  public struct Proxy: Equatable, Sendable {
    public let variable: ProxyVariable
    /// The variable that the value came from: one of its spellings, or its `_FILE` variable.
    public let source: Text
    /// nil if the value could not be parsed; it is passed through unchanged then.
    public let url: ProxyURL?
  }

  /// The whole new environment, entries as in `environ`.
  public internal(set) var environment: [[UInt8]] = []
  /// Notes for the user, in the order of the variables.
  public internal(set) var notes: [ProxyNote] = []
  /// The proxies that are set, in the order http, https, ftp, all.
  public internal(set) var proxies: [Proxy] = []
  /// The entries of the new NO_PROXY; empty if it is not set.
  public internal(set) var noProxy: [NoProxyEntry] = []

  /// The new value of a proxy variable, for display.
  /// - Parameter name: the variable, in any combination of upper and lower case.
  /// - Returns: nil if it is not a proxy variable, or not set.
  public func redactedValue(of name: [UInt8]) -> Text? {
    guard let variable = ProxyVariable(named: name[...]) else { return nil }
    if variable == .no {
      return noProxy.isEmpty ? nil : noProxy.shown
    }
    guard let proxy = proxies.first(where: { $0.variable == variable }) else { return nil }
    return proxy.url?.redacted ?? unreadableValue
  }
}

/// Shown instead of a value that cannot be parsed: no part of it is safe to show.
var unreadableValue: Text { "a value that cannot be read" }
