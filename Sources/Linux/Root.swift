import CLinux
import Text

/// The directory that absolute paths are relative to: `/`, or another one.
///
/// Under another root every link is resolved inside it: an absolute link, or one with too many `..`, cannot lead
/// outside.
public struct Root: Sendable {
  private let directory: FileDescriptor?

  /// The system's own root.
  public static let system = Root(directory: nil)

  private init(directory: FileDescriptor?) { self.directory = directory }

  /// Another root.
  /// - Throws: the error from opening the directory; ``Errno/notImplemented`` on kernels older than Linux 5.6, which
  ///   cannot confine links.
  @inline(never)
  public init(at path: Path) throws(Errno) {
    let directory = try FileDescriptor.currentDirectory.open(path, [.directory, .pathOnly])
    do throws(Errno) {
      try directory.openInside(Path("."), [.directory, .pathOnly], mode: 0).close()
    } catch {
      directory.close()
      // An older seccomp filter answers EPERM to a system call that it does not know.
      throw error == .notPermitted ? .notImplemented : error
    }
    self.directory = directory
  }

  public var isSystem: Bool { directory == nil }

  /// Opens `path`, following links.
  @inline(never)
  public func open(
    _ path: Path, _ options: FileDescriptor.OpenOptions = []
  ) throws(Errno) -> FileDescriptor {
    guard let directory else { return try FileDescriptor.currentDirectory.open(path, options) }
    return try directory.openInside(path, options, mode: 0)
  }

  /// Opens the file at `path` to read it: see ``FileDescriptor/openToRead(_:_:)``.
  @inline(never)
  public func openToRead(_ path: Path) throws(Errno) -> FileDescriptor? {
    if isSystem { return try FileDescriptor.currentDirectory.openToRead(path) }
    let place = try open(path, [.pathOnly])
    defer { place.close() }
    if try place.metadata().kind == .other { return nil }
    do throws(Errno) { return try place.reopened() } catch {
      // Without /proc it is opened by name again.
      return try open(path, [.nonBlocking])
    }
  }

  /// Opens `name` for reading in an open directory.
  /// - Parameter path: the path of the name itself.
  /// - Returns: the open file, and whether `name` is a link to it; nil if it is neither a regular file nor a directory.
  @inline(never)
  public func openToRead(
    _ name: Path, in directory: FileDescriptor, at path: Path
  ) throws(Errno) -> (file: FileDescriptor, isLink: Bool)? {
    switch try directory.status(of: name, flags: AT_SYMLINK_NOFOLLOW).kind {
    case .link: break
    case .other: return nil
    case .regular, .directory:
      do throws(Errno) { return (try directory.open(name, [.nonBlocking, .noFollow]), false) } catch {
        // It has just become a link.
        if error != .tooManyLinks { throw error }
      }
    }
    // Under another root, an absolute link must not lead out of it.
    let file = try isSystem ? directory.openToRead(name) : openToRead(path)
    return file.map { ($0, true) }
  }

  /// The same for a regular file.
  public func openFile(_ path: Path) throws(ReadError) -> FileDescriptor {
    do throws(Errno) {
      if let file = try openToRead(path) { return file }
    } catch {
      throw .system(error)
    }
    throw .notRegular
  }

  /// Whether `path`, with links followed, exists and is accessible.
  @inline(never)
  public func exists(_ path: Path) -> Bool { metadata(of: path) != nil }

  /// The metadata of `path`, with links followed; nil if it does not exist or is not accessible.
  @inline(never)
  public func metadata(of path: Path) -> Metadata? { try? status(of: path) }

  /// The metadata of `path`, with links followed.
  @inline(never)
  public func status(of path: Path) throws(Errno) -> Metadata {
    if isSystem { return try FileDescriptor.currentDirectory.status(of: path, flags: 0) }
    let file = try open(path, [.pathOnly])
    defer { file.close() }
    return try file.metadata()
  }

  /// The real path of `path`, for a program that knows only the system's root; nil if it is unknown.
  public func systemPath(of path: Path) -> Path? { isSystem ? path : resolved(path) }

  /// The real path of `path` from the system's root, without links; nil if it is unknown.
  @inline(never)
  public func resolved(_ path: Path) -> Path? {
    guard let file = try? open(path, [.pathOnly]) else { return nil }
    defer { file.close() }
    return file.realPath
  }

  /// Whether `path` is missing because it, or a directory in it, is a dangling link.
  public func isBehindDeadLink(_ path: Path) -> Bool {
    var path = path
    while path != Path("/") && !exists(path) {
      let (directoryPath, name) = path.split
      if let directory = try? Directory(directoryPath, in: self) {
        defer { directory.close() }
        return directory.metadata(of: name)?.kind == .link
      }
      path = directoryPath
    }
    return false
  }

  /// Reads a complete regular file.
  /// - Parameter limit: the largest size that is read, in bytes.
  @inline(never)
  public func read(_ path: Path, limit: Int) throws(ReadError) -> [UInt8] {
    try readFile(path, limit: limit).contents
  }

  /// The same, together with the file's metadata.
  public func readFile(_ path: Path, limit: Int) throws(ReadError) -> (contents: [UInt8], metadata: Metadata)
  {
    let file = try openFile(path)
    defer { file.close() }
    return try file.readAll(limit: limit)
  }
}

extension FileDescriptor {
  /// The path of the open file from the system's root, without links; nil without /proc.
  public var realPath: Path? {
    let link = Path("/proc/self/fd").appending(decimal(Int64(rawValue))[...])
    return try? Directory(descriptor: .currentDirectory, path: Path(".")).target(ofLink: link)
  }
}
