import CLinux
import Text

/// Where absolute paths begin: `/`, or a directory that stands for it.
///
/// Under another root every link is resolved inside it: an absolute link, or one with too many
/// `..`, cannot lead out.
public struct Root: Sendable {
  private let directory: FileDescriptor?

  /// The system's own root.
  public static let system = Root(directory: nil)

  private init(directory: FileDescriptor?) { self.directory = directory }

  /// Another root.
  /// - Throws: what `open` says of the directory; ``Errno/notImplemented`` where the kernel is older
  ///   than Linux 5.6 and could not keep links inside.
  public init(at path: Path) throws(Errno) {
    let directory = try FileDescriptor.currentDirectory.open(path, [.directory, .pathOnly])
    do throws(Errno) {
      try directory.openInside(Path("."), [.directory, .pathOnly], mode: 0).close()
    } catch {
      directory.close()
      // An older filter of system calls answers so to one that it does not know.
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
      // Without /proc: by its name once more.
      return try open(path, [.nonBlocking])
    }
  }

  /// Opens `name` in an open directory, which is `path`, to read it.
  @inline(never)
  public func openToRead(
    _ name: Path, in directory: FileDescriptor, at path: Path
  ) throws(Errno) -> FileDescriptor? {
    if isSystem { return try directory.openToRead(name) }
    switch try directory.status(of: name, flags: AT_SYMLINK_NOFOLLOW).kind {
    // An absolute one must not lead out of this root.
    case .link: return try openToRead(path)
    case .other: return nil
    case .regular, .directory: return try directory.open(name, [.nonBlocking, .noFollow])
    }
  }

  /// The same of a regular file.
  public func openFile(_ path: Path) throws(ReadError) -> FileDescriptor {
    do throws(Errno) {
      if let file = try openToRead(path) { return file }
    } catch {
      throw .system(error)
    }
    throw .notRegular
  }

  /// Whether something is at `path`, links followed, and can be seen.
  @inline(never)
  public func exists(_ path: Path) -> Bool { metadata(of: path) != nil }

  /// What is at `path`, links followed; nil where there is nothing or it cannot be seen.
  @inline(never)
  public func metadata(of path: Path) -> Metadata? { try? status(of: path) }

  /// What is at `path`, links followed.
  public func status(of path: Path) throws(Errno) -> Metadata {
    if isSystem { return try FileDescriptor.currentDirectory.status(of: path, flags: 0) }
    let file = try open(path, [.pathOnly])
    defer { file.close() }
    return try file.metadata()
  }

  /// The real path of `path`, for a program that knows no root but the system's; nil where that cannot be told.
  public func systemPath(of path: Path) -> Path? { isSystem ? path : resolved(path) }

  /// The real path of `path`, seen from the system's root and free of links; nil where that cannot be told.
  public func resolved(_ path: Path) -> Path? {
    guard let file = try? open(path, [.pathOnly]) else { return nil }
    defer { file.close() }
    return file.realPath
  }

  /// Whether what is missing at `path` is missing because it, or a directory in it, is a dangling link.
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

  /// Reads a whole regular file.
  /// - Parameter limit: the largest size that is read, in bytes.
  @inline(never)
  public func read(_ path: Path, limit: Int) throws(ReadError) -> [UInt8] {
    try readFile(path, limit: limit).contents
  }

  /// The same, and what the file is.
  public func readFile(_ path: Path, limit: Int) throws(ReadError) -> (contents: [UInt8], metadata: Metadata)
  {
    let file = try openFile(path)
    defer { file.close() }
    return try file.readAll(limit: limit)
  }
}

extension FileDescriptor {
  /// The path of what is open, seen from the system's root and free of links; nil without /proc.
  public var realPath: Path? {
    let link = Path("/proc/self/fd").appending(decimal(Int64(rawValue))[...])
    return try? Directory(descriptor: .currentDirectory, path: Path(".")).target(ofLink: link)
  }
}
