import Text

/// Where a client's setting comes from.
public indirect enum Origin: Equatable, Sendable {
  /// No setting: the client's default.
  case byDefault
  /// An environment variable.
  case variable([UInt8])
  /// A setting in a configuration file.
  case file(Path, key: [UInt8])
}

/// What a client will trust.
public indirect enum ClientTrust: Equatable, Sendable {
  /// Nothing is mounted, so nothing can be missing.
  case unasked
  /// The mounted CAs.
  case mounted(Origin)
  /// Any certificate: verification is off, at least for some hosts.
  case off(Origin)
  /// Not all mounted CAs: this store, which the client reads, lacks one.
  case lacking(Path, Origin)
  /// Nothing: the file that it should read is missing, or it refuses the file.
  case unusable(Path, ClientFacts.Store, Origin)
  /// Its built-in roots, which no file changes, only a setting.
  case ownRoots
  /// It refuses a mounted CA because of VERIFY_X509_STRICT.
  case refusing
}

/// The proxy that a client will use for https.
public indirect enum ClientProxy: Equatable, Sendable {
  /// No proxy variable is set, and no other setting names a proxy.
  case unasked
  /// The one in the proxy variables.
  case environment
  /// None, unless the program that uses the library requests it.
  case unused
  /// Its own. The value may contain a password.
  case own([UInt8], Origin)
  /// None, because of a setting.
  case none(Origin)
}

/// What a client will do.
public struct ClientVerdict: Sendable {
  public let client: Client
  public let trust: ClientTrust
  public let proxy: ClientProxy
}
