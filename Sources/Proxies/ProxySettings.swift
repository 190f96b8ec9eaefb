import Text

/// What psm-entry's own settings say about proxy variables.
public struct ProxySettings {
  /// Which exact spelling wins where two differ.
  public enum Preference: Equatable, Sendable { case lower, upper }

  /// What came of a file that a `_FILE` variable names.
  public enum SecretFile {
    /// The text, its last newline included.
    case contents([UInt8])
    /// Why it cannot be read, and what to do, for a person.
    case unreadable(reason: Text, remedy: Text)
  }

  /// nil where nobody has chosen: the lower case wins then, and lists of NO_PROXY are merged.
  public var preference: Preference?
  /// Entries to add to NO_PROXY, as a person writes them.
  public var additions: [UInt8]
  /// The container's own host name.
  public var hostName: [UInt8]
  /// What came of each file that `HTTP_PROXY_FILE`, `HTTPS_PROXY_FILE` or `ALL_PROXY_FILE` names.
  public var secrets: [(variable: [UInt8], file: SecretFile)]

  public init(
    preference: Preference? = nil, additions: [UInt8] = [], hostName: [UInt8] = [],
    secrets: [(variable: [UInt8], file: SecretFile)] = []
  ) {
    self.preference = preference
    self.additions = additions
    self.hostName = hostName
    self.secrets = secrets
  }
}
