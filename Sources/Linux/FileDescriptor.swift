import CLinux
import Text

/// An open file.
///
/// Each method is one system call, repeated if a signal interrupts it. The code that opens a file closes it.
public struct FileDescriptor: Equatable, Sendable {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static let standardInput = FileDescriptor(rawValue: 0)
  public static let standardOutput = FileDescriptor(rawValue: 1)
  public static let standardError = FileDescriptor(rawValue: 2)
  /// Refers to the current directory; has no effect on absolute paths.
  public static let currentDirectory = FileDescriptor(rawValue: AT_FDCWD)

  /// Options for opening: the C constants of the same meaning. Every file is opened close-on-exec and never becomes a
  /// controlling terminal.
  public struct OpenOptions: OptionSet, Sendable {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }

    public static let readWrite = OpenOptions(rawValue: O_RDWR)
    public static let writeOnly = OpenOptions(rawValue: O_WRONLY)
    public static let createNew = OpenOptions(rawValue: O_CREAT | O_EXCL)
    public static let directory = OpenOptions(rawValue: O_DIRECTORY)
    public static let noFollow = OpenOptions(rawValue: O_NOFOLLOW)
    public static let nonBlocking = OpenOptions(rawValue: O_NONBLOCK)
    public static let pathOnly = OpenOptions(rawValue: O_PATH)

    // `openat2` refuses O_NOCTTY together with O_PATH, which opens no terminal anyway.
    var flags: Int32 { rawValue | O_CLOEXEC | (contains(.pathOnly) ? 0 : O_NOCTTY) }
  }

  /// Opens `path`, relative to this directory. The corresponding C function is `openat`.
  @inline(never)
  public func open(
    _ path: Path, _ options: OpenOptions = [], mode: UInt32 = 0
  ) throws(Errno) -> FileDescriptor {
    let opened = try retrying { Int(clinux_openat(rawValue, path.terminated, options.flags, mode)) }
    return FileDescriptor(rawValue: Int32(truncatingIfNeeded: opened))
  }

  /// Opens for reading what was opened with `O_PATH`: the very same file.
  func reopened() throws(Errno) -> FileDescriptor {
    try FileDescriptor.currentDirectory.open(
      Path("/proc/self/fd").appending(Path(decimal(Int64(rawValue)))), [.nonBlocking])
  }

  /// Opens `path` with this directory as the root for all links and `..` in it.
  /// The corresponding system call is `openat2` with `RESOLVE_IN_ROOT` (Linux 5.6).
  @inline(never)
  func openInside(_ path: Path, _ options: OpenOptions, mode: UInt32) throws(Errno) -> FileDescriptor {
    let opened = try retrying {
      clinux_openat2(
        rawValue, path.terminated, UInt64(UInt32(bitPattern: options.flags)), UInt64(mode),
        clinux_resolve_in_root | clinux_resolve_no_magic_links)
    }
    return FileDescriptor(rawValue: Int32(truncatingIfNeeded: opened))
  }

  /// The corresponding C function is `close`. Its errors do not matter here: what must be on disk was fsynced.
  @inline(never)
  public func close() { _ = CLinux.close(rawValue) }

  /// Reads into `buffer` until it is full or the file ends. The corresponding C function is
  /// `read`.
  /// - Returns: the number of bytes read.
  @inline(never)
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
    var count = 0
    while count < buffer.count {
      let part = try readOnce(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
      if part == 0 { break }
      count += part
    }
    return count
  }

  /// Calls `read` once: as much as is available.
  @inline(never)
  public func readOnce(into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
    try retrying { CLinux.read(rawValue, buffer.baseAddress, buffer.count) }
  }

  /// Calls `read` once and returns what is available; empty at the end.
  @inline(never)
  public func readSome() throws(Errno) -> [UInt8] {
    // On the stack, since it is usually small.
    var buffer = InlineArray<4096, UInt8>(repeating: 0)
    let count = try retrying {
      var span = buffer.mutableSpan
      return span.withUnsafeMutableBytes { CLinux.read(rawValue, $0.baseAddress, $0.count) }
    }
    return buffer.span.extracting(first: count).withUnsafeBufferPointer { Array($0) }
  }

  /// Writes all of `bytes`. The corresponding C function is `write`.
  @inline(never)
  public func write(_ bytes: [UInt8]) throws(Errno) {
    var written = 0
    while written < bytes.count {
      written += try retrying {
        bytes.withUnsafeBytes { all in
          let rest = UnsafeRawBufferPointer(rebasing: all[written...])
          return CLinux.write(rawValue, rest.baseAddress, rest.count)
        }
      }
    }
  }

  /// The corresponding C function is `lseek`, to the start.
  @inline(never)
  public func rewind() throws(Errno) { _ = try retrying { Int(lseek(rawValue, 0, SEEK_SET)) } }

  /// The corresponding C function is `fsync`.
  @inline(never)
  public func synchronize() throws(Errno) { _ = try retrying { Int(fsync(rawValue)) } }

  /// The corresponding C function is `fchmod`.
  @inline(never)
  public func setMode(_ mode: UInt32) throws(Errno) { _ = try retrying { Int(fchmod(rawValue, mode)) } }

  /// The corresponding C function is `fchown`.
  @inline(never)
  public func setOwner(user: UInt32, group: UInt32) throws(Errno) {
    _ = try retrying { Int(fchown(rawValue, user, group)) }
  }

  /// The metadata of the file. The corresponding C function is `fstat`.
  @inline(never)
  public func metadata() throws(Errno) -> Metadata {
    var status = stat()
    _ = try retrying { Int(fstat(rawValue, &status)) }
    return Metadata(status)
  }

  /// The metadata of `path`, relative to this directory. The corresponding C function is `fstatat`.
  @inline(never)
  func status(of path: Path, flags: Int32) throws(Errno) -> Metadata {
    var status = stat()
    _ = try retrying { Int(fstatat(rawValue, path.terminated, &status, flags)) }
    return Metadata(status)
  }

  /// The same; nil if it does not exist or is not accessible.
  @inline(never)
  func metadata(of path: Path, flags: Int32) -> Metadata? { try? status(of: path, flags: flags) }

  /// Locks this file or directory without waiting. The corresponding C function is `flock` with `LOCK_EX | LOCK_NB`;
  /// closing unlocks it.
  /// - Throws: ``Errno/wouldBlock`` if another process holds the lock.
  @inline(never)
  public func tryLock() throws(Errno) { _ = try retrying { Int(flock(rawValue, LOCK_EX | LOCK_NB)) } }

  /// The same file with a number above those of standard input, output and error, so that a service started with these
  /// closed does not mistake it for one of them.
  @inline(never)
  public func aboveStandard() throws(Errno) -> FileDescriptor {
    if rawValue > 2 { return self }
    defer { close() }
    return try copy(above: 2)
  }

  /// The same file with another number above `number`. The corresponding C function is `fcntl`
  /// with `F_DUPFD_CLOEXEC`.
  func copy(above number: Int32) throws(Errno) -> FileDescriptor {
    FileDescriptor(rawValue: Int32(try retrying { Int(clinux_duplicate_above(rawValue, number + 1)) }))
  }

  /// A pipe, both ends close-on-exec. The corresponding C function is `pipe2`, or `pipe` if that is refused.
  public static func pipe() throws(Errno) -> (reading: FileDescriptor, writing: FileDescriptor) {
    var ends: (Int32, Int32) = (-1, -1)
    _ = try retrying {
      withUnsafeMutableBytes(of: &ends) {
        Int(clinux_pipe($0.assumingMemoryBound(to: Int32.self).baseAddress))
      }
    }
    return (FileDescriptor(rawValue: ends.0), FileDescriptor(rawValue: ends.1))
  }

  /// Makes reads and writes return ``Errno/wouldBlock`` instead of waiting.
  public func setNonBlocking() { _ = clinux_set_nonblocking(rawValue) }

  /// Whether the number refers to an open file. The corresponding C function is `fcntl` with `F_GETFD`.
  public var isOpen: Bool { clinux_get_descriptor_flags(rawValue) != -1 }

  /// Makes `number` refer to this file as well. The corresponding C function is `dup2`.
  public func duplicate(as number: FileDescriptor) { _ = dup2(rawValue, number.rawValue) }

  public var isTerminal: Bool { isatty(rawValue) == 1 }

  /// The terminal's width in columns; nil if this is not a terminal or the width is unknown.
  public var terminalColumns: Int? {
    let columns = clinux_terminal_columns(rawValue)
    return columns > 0 ? Int(columns) : nil
  }
}

/// Occupies closed standard descriptors, so that no file opened later is taken for standard output. The placeholders
/// can be neither read nor written.
public func fillStandardDescriptors() {
  for number: Int32 in 0...2 where !FileDescriptor(rawValue: number).isOpen {
    _ = clinux_openat(AT_FDCWD, "/", O_PATH, 0)
  }
}
