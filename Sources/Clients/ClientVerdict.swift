import Text

/// Who has said that a client does what it does.
public indirect enum Origin: Equatable, Sendable {
  /// Nobody: it does so by itself.
  case byDefault
  /// A variable of the environment.
  case variable([UInt8])
  /// A setting in a configuration file.
  case file(Path, key: [UInt8])
}

/// Whom a client will trust.
public indirect enum ClientTrust: Equatable, Sendable {
  /// Nothing is mounted, so there is nothing to miss.
  case unasked
  /// The mounted CAs.
  case mounted(Origin)
  /// Everybody: verification is off, at least for some hosts.
  case off(Origin)
  /// Not the mounted CAs: this is the store that it reads and that lacks one.
  case lacking(Path, Origin)
  /// Nobody: what it was told to read is missing, or it refuses it.
  case unusable(Path, ClientFacts.Store, Origin)
  /// Roots of its own, which no file changes: a setting would.
  case ownRoots
  /// It refuses a mounted CA: VERIFY_X509_STRICT.
  case refusing
}

/// Which proxy a client will use for https.
public indirect enum ClientProxy: Equatable, Sendable {
  /// No proxy variable is set, and nothing else says so.
  case unasked
  /// That of the proxy variables.
  case environment
  /// None, unless a program that uses it asks for it.
  case unused
  /// Its own. The value may hold a password.
  case own([UInt8], Origin)
  /// None: it was told so.
  case none(Origin)
}

/// What a client will do.
public struct ClientVerdict: Sendable {
  public let client: Client
  public let trust: ClientTrust
  public let proxy: ClientProxy
}
