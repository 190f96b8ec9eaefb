import CLinux
import Text

/// Where absolute paths begin: `/`, or a folder that stands for it.
///
/// Under another root every link is resolved inside it: an absolute link, or one with too many
/// `..`, cannot lead out.
public struct Root: Sendable {
  private let folder: FileDescriptor?

  /// The system's own root.
  public static let system = Root(folder: nil)

  private init(folder: FileDescriptor?) { self.folder = folder }

  /// Another root.
  /// - Throws: what `open` says of the folder; ``Errno/notImplemented`` where the kernel is older
  ///   than Linux 5.6 and could not keep links inside.
  public init(at path: Path) throws(Errno) {
    let folder = try FileDescriptor.currentFolder.open(path, [.folder, .pathOnly])
    do throws(Errno) {
      try folder.openInside(Path("."), [.folder, .pathOnly], mode: 0).close()
    } catch {
      folder.close()
      throw error
    }
    self.folder = folder
  }

  public var isSystem: Bool { folder == nil }

  /// Opens `path`, following links.
  @inline(never)
  public func open(
    _ path: Path, _ options: FileDescriptor.OpenOptions = []
  ) throws(Errno) -> FileDescriptor {
    guard let folder else { return try FileDescriptor.currentFolder.open(path, options) }
    return try folder.openInside(path, options, mode: 0)
  }

  /// Whether something stands at `path`, links followed, and can be seen.
  @inline(never)
  public func exists(_ path: Path) -> Bool { metadata(of: path) != nil }

  /// What stands at `path`, links followed; nil where there is nothing or it cannot be seen.
  @inline(never)
  public func metadata(of path: Path) -> Metadata? {
    if isSystem { return FileDescriptor.currentFolder.metadata(of: path, flags: 0) }
    do throws(Errno) {
      let file = try open(path, [.pathOnly])
      defer { file.close() }
      return try file.metadata()
    } catch {
      return nil
    }
  }

  /// Where `path` really stands, for a program that knows no root but the system's; nil where that cannot be told.
  public func systemPath(of path: Path) -> Path? { isSystem ? path : resolved(path) }

  /// Where `path` really stands, seen from the system's root and free of links; nil where that cannot be told.
  public func resolved(_ path: Path) -> Path? {
    guard let file = try? open(path, [.pathOnly]) else { return nil }
    defer { file.close() }
    guard let folder = try? Folder(Path("/proc/self/fd"), in: .system) else { return nil }
    defer { folder.close() }
    return try? folder.target(ofLink: Path(decimal(Int64(file.rawValue))))
  }

  /// Whether what is missing at `path` is missing because it, or a folder on the way, is a link that leads nowhere.
  public func isBehindDeadLink(_ path: Path) -> Bool {
    var path = path
    while path != Path("/") && !exists(path) {
      let (folderPath, name) = path.split
      if let folder = try? Folder(folderPath, in: self) {
        defer { folder.close() }
        return folder.metadata(of: name)?.kind == .link
      }
      path = folderPath
    }
    return false
  }

  /// Reads a whole regular file.
  /// - Parameter limit: the largest size that is read, in bytes.
  @inline(never)
  public func read(_ path: Path, limit: Int) throws(ReadError) -> [UInt8] {
    let file: FileDescriptor
    do throws(Errno) { file = try open(path, [.nonBlocking]) } catch { throw .system(error) }
    defer { file.close() }
    return try file.readAll(limit: limit).contents
  }
}
