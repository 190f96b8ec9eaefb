import Text

/// What a judgement of clients rests on: what was read, and no opinion.
///
/// What of the stores matters shows only while one judges: a path that is missing in ``stores`` is asked for
/// (``Judgement/questions``). Facts only grow.
public struct ClientFacts: Sendable {
  /// A file of trusted CAs, or a directory of hashed names, as a client finds it.
  public indirect enum Store: Equatable, Sendable {
    case missing
    case unreadable(ReadError)
    /// OpenSSL refuses the whole file.
    case malformed
    /// It contains no certificate.
    case empty
    /// Which of the mounted certificates that matter it trusts, in their order; whether it is a directory.
    case read([Bool], isDirectory: Bool)

    var isDirectory: Bool {
      if case .read(_, isDirectory: true) = self { return true }
      return false
    }
  }

  /// The environment as a start leaves it, entries of bytes.
  public var environment: [[UInt8]]
  /// The home directory of the user that the service runs as.
  public var home: Path
  /// Configuration files that were read, with their texts.
  public var files: [(path: Path, text: [UInt8])] = []
  public var stores: [(path: Path, isDirectory: Bool, contents: Store)] = []
  /// What the distribution's own programs read; nil where there is no system store.
  public var systemBundle: Path?
  /// How many certificates are mounted that a client should trust: CAs, for TLS servers.
  public var mountedCount: Int
  /// Whether one of them is refused by VERIFY_X509_STRICT, and what it has issued is not mounted.
  public var hasStrictFault: Bool

  public init(environment: [[UInt8]], home: Path, mountedCount: Int, hasStrictFault: Bool = false) {
    self.environment = environment
    self.home = home
    self.mountedCount = mountedCount
    self.hasStrictFault = hasStrictFault
  }

  /// The value of the first entry of that name, as `getenv` finds it; nil where it is unset.
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
