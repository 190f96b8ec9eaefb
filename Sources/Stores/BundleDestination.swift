import Linux
import Text
import Trust

/// The destination of a merged bundle: an existing file, or a new name. Links are followed.
public struct BundleDestination {
  let directory: Directory
  let name: Path
  /// The metadata of the file; nil if it does not exist yet.
  let metadata: Metadata?
  /// The present contents; nil if there is no file, or it cannot be read.
  public let text: [UInt8]?

  /// Locks the directory, waiting as a start does. The caller closes it.
  /// - Throws: why nothing can be written there.
  public init(_ path: Path, in root: Root) throws(ReadError) {
    var path = path
    // The kernel follows at most 40 links, too.
    for _ in 0..<40 {
      let (directoryPath, name) = path.split
      let directory: Directory
      do throws(Errno) { directory = try Directory(directoryPath, in: root) } catch { throw .system(error) }
      let metadata = directory.metadata(of: name)
      if metadata?.kind == .link, let target = try? directory.target(ofLink: name) {
        directory.close()
        path = target.isAbsolute ? target : directoryPath.appending(target)
        continue
      }
      let isFile = metadata.map { $0.kind == .regular } ?? true
      if name.isEmpty || !isFile || name.bytes.isEqual(to: ".") || name.bytes.isEqual(to: "..") {
        directory.close()
        throw .notRegular
      }
      _ = directory.lock(until: Deadline(secondsFromNow: 10))
      // Another process may have written it while this one waited for the lock.
      self.metadata = directory.metadata(of: name)
      let file = try? directory.descriptor.openFile(name, [.noFollow])
      defer { file?.close() }
      text = (try? file?.readAll(limit: bundleSizeLimit))?.contents
      self.directory = directory
      self.name = name
      return
    }
    throw .system(.tooManyLinks)
  }

  public func close() { directory.close() }

  /// The file, if it exists, and its directory.
  public var identities: (file: FileIdentity?, directory: FileIdentity?) {
    (metadata?.identity, (try? directory.descriptor.metadata())?.identity)
  }

  /// Writes the text with mode 0644 by rename and reads it back, unless it is there already.
  /// - Returns: whether it was written.
  public func write(_ text: [UInt8]) throws(Blocker) -> Bool {
    if self.text == text && metadata?.mode == 0o644 { return false }
    let names = (try? directory.descriptor.unsortedNames()) ?? []
    Replacement.removeLeftovers(of: name, in: directory, among: names)
    do throws(Replacement.Failure) {
      try Replacement(mode: 0o644, owner: nil, expected: metadata)
        .replace(name, in: directory, with: text) { $0 == text }
    } catch {
      throw Blocker(error)
    }
    return true
  }
}
