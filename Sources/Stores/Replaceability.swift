import Linux
import Text
import Trust

// Whether a file can be replaced by a rename, as far as that can be known without trying.

extension BundleFile {
  func replaceability(for user: Credentials.Effective, in root: Root) -> Replaceability {
    if let blocker = directoryBlocker(directory, user, in: root) { return .blocked(blocker) }
    if directory.isMountPoint(name) { return .blocked(.mountPoint) }
    if let error = user.refusalOfOwner(metadata.user, metadata.group) {
      return .blocked(.refused(.owner, error))
    }
    guard let parent = try? directory.descriptor.metadata() else { return .replaceable }
    let isSticky = parent.mode & 0o1000 != 0
    let isOurs = parent.user == user.user || metadata.user == user.user
    // What belongs to others in a sticky parent is not ours to replace.
    return isSticky && !isOurs && !user.has(.fileOwner)
      ? .blocked(.refused(.rename, .notPermitted)) : .replaceable
  }
}

/// Why names in an open parent cannot be changed; nil where they can.
func directoryBlocker(_ directory: Directory, _ user: Credentials.Effective, in root: Root) -> Blocker? {
  do throws(Errno) {
    try directory.allowsChanges()
    return nil
  } catch {
    if error == .readOnlyFileSystem { return .readOnly(mountedAt: mountPoint(of: directory.path, in: root)) }
    if user.isCurrent { return .refused(.create, error) }
    // For another user than this process's, the mode tells.
    guard let metadata = try? directory.descriptor.metadata(), user.mayChange(metadata) else {
      return .refused(.create, error)
    }
    return nil
  }
}

/// Why names in the parent at `path` cannot be changed; nil where they can, or where it is missing and can be made.
func directoryBlocker(_ path: Path, _ user: Credentials.Effective, in root: Root) -> Blocker? {
  var path = path
  while true {
    do throws(Errno) {
      let directory = try Directory(path, in: root)
      defer { directory.close() }
      return directoryBlocker(directory, user, in: root)
    } catch {
      // A missing directory is made, if the one that is to hold it allows.
      if error != .noSuchFile || path == Path("/") { return .refused(.create, error) }
      path = path.split.directory
    }
  }
}

/// Where the file system that holds `path` is mounted; nil for the root's, or where that cannot be told.
private func mountPoint(of path: Path, in root: Root) -> Path? {
  var path = path
  while path != Path("/") {
    let (parent, name) = path.split
    if let directory = try? Directory(parent, in: root) {
      defer { directory.close() }
      if directory.isMountPoint(name) { return path }
    }
    path = parent
  }
  return nil
}
