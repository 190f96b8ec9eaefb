import Linux
import Text
import Trust

// Whether a file can be replaced by a rename, as far as that is known without trying.

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
    // In a sticky directory, files of other users cannot be replaced.
    return isSticky && !isOurs && !user.has(.fileOwner)
      ? .blocked(.refused(.rename, .notPermitted)) : .replaceable
  }
}

/// Why names in an open directory cannot be changed; nil if they can.
func directoryBlocker(_ directory: Directory, _ user: Credentials.Effective, in root: Root) -> Blocker? {
  do throws(Errno) {
    try directory.allowsChanges()
    return nil
  } catch {
    if error == .readOnlyFileSystem { return .readOnly(mountedAt: mountPoint(of: directory.path, in: root)) }
    if user.isCurrent { return .refused(.create, error) }
    // For a user other than that of this process, the mode decides.
    guard let metadata = try? directory.descriptor.metadata(), user.mayChange(metadata) else {
      return .refused(.create, error)
    }
    return nil
  }
}

/// Why names in the directory at `path` cannot be changed; nil if they can, or if it is missing and can be created.
func directoryBlocker(_ path: Path, _ user: Credentials.Effective, in root: Root) -> Blocker? {
  var path = path
  while true {
    do throws(Errno) {
      let directory = try Directory(path, in: root)
      defer { directory.close() }
      return directoryBlocker(directory, user, in: root)
    } catch {
      // A missing directory can be created if its parent allows it.
      if error != .noSuchFile || path == Path("/") { return .refused(.create, error) }
      path = path.split.directory
    }
  }
}

/// The mount point of the file system that contains `path`; nil for the root file system, or if it is unknown.
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
