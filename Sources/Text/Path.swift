/// A file's path, or a single name in a directory: bytes without a NUL, of no particular encoding.
///
/// - Source: POSIX.1-2017 Base Definitions §3.271 (Pathname).
public struct Path: Equatable, Sendable {
  /// The bytes followed by the NUL that C requires.
  public let terminated: [UInt8]

  /// Takes `bytes` up to the first NUL, where the kernel would stop as well.
  @inline(never)
  public init(_ bytes: ArraySlice<UInt8>) {
    let length = bytes.span.first(0, or: 0, in: 0..<bytes.count)
    terminated = concatenated(bytes.prefix(length), [0])
  }

  @inline(never)
  public init(_ bytes: [UInt8]) { self.init(bytes[...]) }

  /// Takes a literal, which contains no NUL.
  @inline(never)
  public init(_ text: StaticString) {
    terminated = text.withUTF8Buffer { text in
      [UInt8](unsafeUninitializedCapacity: text.count + 1) { bytes, count in
        UnsafeMutableRawBufferPointer(bytes).copyMemory(from: UnsafeRawBufferPointer(text))
        bytes[text.count] = 0
        count = text.count + 1
      }
    }
  }

  @inline(never)
  public var bytes: ArraySlice<UInt8> { terminated.dropLast() }

  /// Written out: a synthesized comparison of arrays would be inlined at each use.
  @inline(never)
  public static func == (one: Path, other: Path) -> Bool { one.terminated == other.terminated }

  public var isAbsolute: Bool { terminated.first == UInt8(ascii: "/") }
  public var isEmpty: Bool { terminated.count == 1 }

  /// The path for display: see ``escaped(_:)``. What may be a URL, with or without its scheme, is not shown, since it may
  /// contain a password.
  @inline(never)
  public var shown: Text {
    let afterColon = bytes.drop { $0 != UInt8(ascii: ":") }
    let mayBeURL = bytes.contains("://") || afterColon.contains("@")
    return mayBeURL ? "(not shown: no path)" : escaped(bytes)
  }

  /// The path of `name` inside this directory.
  @inline(never)
  public func appending(_ name: ArraySlice<UInt8>) -> Path {
    var joined: [UInt8] = []
    joined.reserveCapacity(terminated.count + name.count)
    joined.append(contentsOf: bytes)
    if let last = joined.last, last != UInt8(ascii: "/") { joined.append(UInt8(ascii: "/")) }
    joined.append(contentsOf: name)
    return Path(joined)
  }

  @inline(never)
  public func appending(_ name: Path) -> Path { appending(name.bytes) }

  @inline(never)
  public func appending(_ name: StaticString) -> Path { appending(Path(name)) }

  /// The same path followed by `suffix`, for example `cacert.pem` and `.psm-entry-damaged`.
  @inline(never)
  public func suffixed(_ suffix: StaticString) -> Path { Path(bytes + Path(suffix).bytes) }

  /// The directory that contains the last component, and that component. A path without a slash is in the current
  /// directory; the name is empty if the path ends with a slash.
  @inline(never)
  public var split: (directory: Path, name: Path) {
    guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return (Path("."), self) }
    let directory = slash == 0 ? Path("/") : Path(bytes[..<slash])
    return (directory, Path(bytes[(slash + 1)...]))
  }

  /// The components between the slashes, without empty ones.
  @inline(never)
  public var components: [ArraySlice<UInt8>] { bytes.parts(between: "/") }
}
