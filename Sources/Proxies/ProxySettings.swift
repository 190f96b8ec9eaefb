/// What psm-entry's own settings say about proxy variables.
public struct ProxySettings {
  /// Which exact spelling wins where two differ.
  public enum Preference: Equatable, Sendable { case lower, upper }

  public var preference: Preference
  /// Entries to add to NO_PROXY, as a person writes them.
  public var additions: [UInt8]
  /// The container's own host name.
  public var hostName: [UInt8]
  /// The text of each file that `HTTP_PROXY_FILE`, `HTTPS_PROXY_FILE` or `ALL_PROXY_FILE` names, its last newline
  /// included.
  public var secrets: [(variable: [UInt8], contents: [UInt8])]

  public init(
    preference: Preference = .lower, additions: [UInt8] = [], hostName: [UInt8] = [],
    secrets: [(variable: [UInt8], contents: [UInt8])] = []
  ) {
    self.preference = preference
    self.additions = additions
    self.hostName = hostName
    self.secrets = secrets
  }
}
