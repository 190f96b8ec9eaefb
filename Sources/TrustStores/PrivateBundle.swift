import Certificates
import Linux
import Text

/// A bundle of our own in the state folder, for a container whose bundle cannot be replaced.
public enum PrivateBundle {
  public static let name = Path("cacert.pem")

  /// Why a state folder does not serve.
  public enum Failure: Error, Equatable, Sendable {
    case system(Errno)
    /// It is another user's, a link, or no folder: whoever made it may want to choose what is
    /// trusted.
    case foreign
    case notWritten(Replacement.Failure)
  }

  /// What clients of several files trust, as one text: the certificates of each, in canonical form. What an earlier
  /// one holds already is not repeated.
  public static func commonBase(of texts: [[UInt8]]) -> [UInt8] {
    var common: [UInt8] = []
    var trusted: [[UInt8]] = []
    for text in texts {
      let contents = BundleContents(reading: text)
      let known = ByteOrder(trusted)
      common += contents.canonicalText { !known.contains(contents.der(of: $0)) }
      for certificate in contents.certificates where certificate.isTrustedForServers {
        trusted.append(contents.der(of: certificate))
      }
    }
    return common
  }

  /// What the private bundle is to hold. Where nothing is to be taken out of any store, it keeps what it holds.
  /// - Parameter base: what its clients trusted before: see ``commonBase(of:)``.
  public static func merge(of base: [UInt8], wanted: Wanted, at path: Path, in root: Root) -> BundleMerge {
    var kept: [Certificate] = []
    if wanted.keepsRemoved, let old = read(at: path, in: root),
      let range = ManagedSection.locate(in: old).range
    {
      kept = certificates(in: old[range])
    }
    return BundleMerge(of: base, wanted: wanted.adding(kept))
  }

  /// Whether nobody but us and root can put another directory in the place of the one at `path`: each directory on
  /// the way is ours or root's, and others may not write there, or only where the sticky bit keeps them from what is
  /// not theirs.
  public static func isGuarded(_ path: Path, in root: Root) -> Bool {
    var parent = path.split.folder
    while true {
      if let metadata = root.metadata(of: parent) {
        let isOurs = metadata.user == 0 || metadata.user == Credentials.effectiveUser
        if !isOurs || (metadata.mode & 0o022 != 0 && metadata.mode & 0o1000 == 0) { return false }
      }
      if parent == Path("/") { return true }
      parent = parent.split.folder
    }
  }

  /// Writes the private bundle for `merge` into the state folder at `path`, unless it stands
  /// there already. It is ours, 0644 in a folder of 0755, whatever the umask.
  /// - Parameters:
  ///   - isTrial: whether nothing is to be written, and only said what would be.
  ///   - lockDeadline: until when the lock on the state folder is waited for.
  /// - Returns: whether anything was written, and whether the lock could not be had in time.
  public static func write(
    _ merge: BundleMerge, into path: Path, in root: Root, isTrial: Bool, lockDeadline: Deadline
  ) throws(Failure) -> (isChanged: Bool, passedOverLock: Bool) {
    if isTrial && !isThere(path, in: root) { return (try mayMakeFolder(path, in: root), false) }
    let folder = try openFolder(path, in: root, make: !isTrial)
    defer { folder.close() }
    let text = merge.privateText
    if stands(text, in: folder) { return (false, false) }
    if isTrial {
      do throws(Errno) { try folder.allowsChanges() } catch { throw .system(error) }
      return (true, false)
    }
    let hasLock = folder.lock(until: lockDeadline)
    // Another start may have written it while this one waited.
    if stands(text, in: folder) { return (false, !hasLock) }
    if hasLock {
      let names = (try? folder.descriptor.unsortedNames()) ?? []
      Replacement.removeLeftovers(of: name, in: folder, among: names)
    }
    do throws(Replacement.Failure) {
      try Replacement(mode: 0o644, owner: nil, expected: folder.metadata(of: name))
        .replace(name, in: folder, with: text, check: merge.isWhole)
      return (true, !hasLock)
    } catch {
      throw .notWritten(error)
    }
  }

  private static func stands(_ text: [UInt8], in folder: Folder) -> Bool {
    read(from: folder, limit: text.count) == text && folder.metadata(of: name)?.mode == 0o644
  }

  private static func mayMakeFolder(_ path: Path, in root: Root) throws(Failure) -> Bool {
    do throws(Errno) {
      let parent = try Folder(path.split.folder, in: root)
      defer { parent.close() }
      try parent.allowsChanges()
      return true
    } catch {
      throw .system(error)
    }
  }

  /// The private bundle's text; nil where there is none that is ours.
  public static func read(at path: Path, in root: Root) -> [UInt8]? {
    guard let folder = try? openFolder(path, in: root, make: false) else { return nil }
    defer { folder.close() }
    return read(from: folder, limit: BundleFile.sizeLimit)
  }

  /// Removes the private bundle, which no longer serves anybody.
  public static func remove(at path: Path, in root: Root) {
    guard let folder = try? openFolder(path, in: root, make: false) else { return }
    defer { folder.close() }
    if folder.metadata(of: name) != nil { try? folder.remove(name) }
  }

  private static func read(from folder: Folder, limit: Int) -> [UInt8]? {
    guard let file = try? folder.descriptor.openFile(name, [.noFollow]) else { return nil }
    defer { file.close() }
    guard let (text, metadata) = try? file.readAll(limit: limit),
      metadata.user == Credentials.effectiveUser
    else { return nil }
    return text
  }

  /// Opens the state folder, which is made where `make` says so. That it is ours and no link is
  /// asked of the folder that was opened.
  private static func openFolder(_ path: Path, in root: Root, make: Bool) throws(Failure) -> Folder {
    do throws(Errno) {
      let (parentPath, name) = path.split
      let parent = try Folder(parentPath, in: root)
      defer { parent.close() }
      if make && parent.metadata(of: name) == nil {
        // Another start may make it first; whose it is is asked below.
        do throws(Errno) { try parent.makeFolder(name, mode: 0o755) } catch {
          if error != .exists { throw error }
        }
      }
      let descriptor = try parent.descriptor.open(name, [.folder, .noFollow])
      let metadata = try descriptor.metadata()
      if metadata.user == Credentials.effectiveUser {
        if make && metadata.mode != 0o755 { try descriptor.setMode(0o755) }
        return Folder(descriptor: descriptor, path: path)
      }
      descriptor.close()
    } catch {
      if error != .tooManyLinks && error != .notDirectory { throw .system(error) }
    }
    throw .foreign
  }
}
