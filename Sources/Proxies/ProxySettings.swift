import Text

/// The settings of psm-entry that concern proxy variables.
public struct ProxySettings {
  /// The exact spelling that wins if two values differ.
  public enum Preference: Equatable, Sendable { case lower, upper }

  /// The result of reading the file that a `_FILE` variable names.
  public enum SecretFile {
    /// The text, including its last newline.
    case contents([UInt8])
    /// Why it cannot be read and what to do, for display.
    case unreadable(reason: Text, remedy: Text)
  }

  /// nil if it is not set: lower case wins then, and the lists in NO_PROXY are merged.
  public var preference: Preference?
  /// Entries to add to NO_PROXY, as the user wrote them.
  public var additions: [UInt8]
  /// The container's own host name.
  public var hostName: [UInt8]
  /// The result for each file that `HTTP_PROXY_FILE`, `HTTPS_PROXY_FILE` or `ALL_PROXY_FILE` names.
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
