import Linux
import Text
import Trust

// Directories for a private bundle that replaces one which cannot be written.

extension SnapshotReader {
  func readStateDirectory(_ path: Path) -> StateDirectorySnapshot {
    var snapshot = StateDirectorySnapshot(
      path: path, isGuarded: isGuarded(path), isNamed: request.namesStateDirectories)
    do throws(StateDirectory.Failure) {
      guard let directory = try StateDirectory.open(path, in: root, make: false, for: request.user.user)
      else {
        // A missing directory is created if its parent exists and allows it.
        let parent = path.split.directory
        if root.metadata(of: parent) == nil { throw .system(.noSuchFile) }
        let blocker = directoryBlocker(parent, request.user, in: root)
        if case .refused(_, let error) = blocker { throw .system(error) }
        if blocker != nil { throw .system(.readOnlyFileSystem) }
        return snapshot
      }
      defer { directory.close() }
      if directory.metadata(of: privateBundleName)?.kind == .directory { throw .system(.isDirectory) }
      snapshot.text = StateDirectory.text(in: directory, of: request.user.user)
      if let blocker = directoryBlocker(directory, request.user, in: root) {
        if case .refused(_, let error) = blocker { throw .system(error) }
        throw .system(.readOnlyFileSystem)
      }
    } catch {
      snapshot.failure =
        switch error {
        case .system(let error): .system(error)
        case .foreign: .foreign
        }
    }
    return snapshot
  }

  /// Whether only this user and root can replace the directory at `path`: each directory on the path belongs to one of
  /// them, and others either may not write there or are restricted by its sticky bit.
  private func isGuarded(_ path: Path) -> Bool {
    var parent = path.split.directory
    while true {
      if let metadata = root.metadata(of: parent) {
        let isOurs = metadata.user == 0 || metadata.user == request.user.user
        if !isOurs || (metadata.mode & 0o022 != 0 && metadata.mode & 0o1000 == 0) { return false }
      }
      if parent == Path("/") { return true }
      parent = parent.split.directory
    }
  }
}

enum StateDirectory {
  enum Failure: Error, Equatable {
    case system(Errno)
    case foreign
  }

  /// Opens a state directory, and checks on the open descriptor that it is a directory of this user and not a link.
  /// - Parameter make: whether to create a missing one with mode 0755, whatever the umask.
  /// - Returns: nil if it does not exist.
  static func open(
    _ path: Path, in root: Root, make: Bool, for user: UInt32
  ) throws(Failure) -> Directory? {
    do throws(Errno) {
      let (parentPath, name) = path.split
      let parent = try Directory(parentPath, in: root)
      defer { parent.close() }
      if parent.metadata(of: name) == nil {
        if !make { return nil }
        // Another start may create it first; the owner is checked below.
        do throws(Errno) { try parent.makeDirectory(name, mode: 0o755) } catch {
          if error != .exists { throw error }
        }
      }
      let descriptor = try parent.descriptor.open(name, [.directory, .noFollow])
      let metadata = try descriptor.metadata()
      if metadata.user == user {
        if make && metadata.mode != 0o755 { try descriptor.setMode(0o755) }
        return Directory(descriptor: descriptor, path: path)
      }
      descriptor.close()
    } catch {
      if error == .noSuchFile && !make { return nil }
      if error != .tooManyLinks && error != .notDirectory { throw .system(error) }
    }
    throw .foreign
  }

  /// The private bundle's text; nil if there is none that this user owns and everybody may read.
  @inline(never)
  static func text(in directory: Directory, of user: UInt32) -> [UInt8]? {
    guard let file = try? directory.descriptor.openFile(privateBundleName, [.noFollow]) else { return nil }
    defer { file.close() }
    guard let (text, metadata) = try? file.readAll(limit: bundleSizeLimit), metadata.user == user,
      metadata.mode == 0o644
    else { return nil }
    return text
  }
}
