import Text

/// The facts that a judgement of clients is based on: what was read, without interpretation.
///
/// Which stores matter becomes known only during the judgement: it asks for a path that is missing in ``stores``
/// (``Judgement/questions``). Facts are only added.
public struct ClientFacts: Sendable {
  /// A file of trusted CAs or a directory of hashed names, as a client finds it.
  public indirect enum Store: Equatable, Sendable {
    case missing
    case unreadable(ReadError)
    /// OpenSSL refuses the whole file.
    case malformed
    /// It contains no certificate.
    case empty
    /// Which of the relevant mounted certificates it trusts, in order, and whether it is a directory.
    case read([Bool], isDirectory: Bool)

    var isDirectory: Bool {
      if case .read(_, isDirectory: true) = self { return true }
      return false
    }
  }

  /// The environment that a start creates, as entries of bytes.
  public var environment: [[UInt8]]
  /// The home directory of the service's user.
  public var home: Path
  /// The configuration files that were read, with their texts.
  public var files: [(path: Path, text: [UInt8])] = []
  public var stores: [(path: Path, isDirectory: Bool, contents: Store)] = []
  /// The bundle that the distribution's own programs read; nil if there is no system store.
  public var systemBundle: Path?
  /// The number of mounted certificates that a client should trust: CAs for TLS servers.
  public var mountedCount: Int
  /// Whether VERIFY_X509_STRICT refuses one of them and the certificates it has issued are not mounted.
  public var hasStrictFault: Bool

  public init(environment: [[UInt8]], home: Path, mountedCount: Int, hasStrictFault: Bool = false) {
    self.environment = environment
    self.home = home
    self.mountedCount = mountedCount
    self.hasStrictFault = hasStrictFault
  }

  /// The value of the first entry with this name, as `getenv` finds it; nil if it is not set.
  @inline(never)
  public func value(of name: StaticString) -> [UInt8]? { value(of: name.bytes) }

  @inline(never)
  func value(of name: [UInt8]) -> [UInt8]? {
    for entry in environment
    where entry.count > name.count && entry[name.count] == UInt8(ascii: "=")
      && entry[...].begins(with: name[...])
    {
      return Array(entry[(name.count + 1)...])
    }
    return nil
  }

  func store(_ path: Path, isDirectory: Bool) -> Store? {
    for store in stores where store.isDirectory == isDirectory && store.path == path { return store.contents }
    return nil
  }
}
