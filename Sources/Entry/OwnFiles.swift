import Certificates
import Linux
import Text
import Trust

/// Files that psm-entry has written itself, wherever they are and whatever link leads to them: they are never inputs. A
/// certificate that returned in that way would be trusted forever.
struct OwnFiles {
  private let root: Root
  /// Private bundles in state directories that the user named.
  private let privateBundles: [Path]

  init(_ root: Root, stateDirectories: [Path]) {
    self.root = root
    privateBundles = stateDirectories.map { $0.appending(privateBundleName) }
  }

  /// Whether a name in a directory is that of an anchor or of a saved original.
  static func isOurs(_ name: Path) -> Bool {
    fingerprint(ofAnchor: name) != nil || name.bytes.contains(".psm-entry-damaged")
  }

  /// The part of a file that psm-entry did not write.
  struct OthersPart {
    let text: [UInt8]
    /// Fingerprints of certificates in it that come from psm-entry's anchors.
    var anchored = SortedBytes([])
    /// Whether the distribution trusts its contents.
    var isOfStore = false
  }

  /// A file without what psm-entry added to it.
  /// - Parameter realPath: the file's path, with all links resolved.
  /// - Returns: nil if psm-entry wrote all of it.
  func othersPart(
    of contents: [UInt8], at realPath: Path, _ identity: FileIdentity
  ) -> OthersPart? {
    let (directory, name) = realPath.split
    if Self.isOurs(name) || isPrivateBundle(name, in: directory, identity) { return nil }
    var text = contents
    while let range = ManagedSection.locate(in: text).range {
      text.removeSubrange(range)
    }
    var part = OthersPart(text: text)
    if let anchored = ownAnchors(builtInto: name, identity) {
      part.anchored = SortedBytes(of: anchored)
      part.isOfStore = true
    } else {
      // Debian's bundle is built from the files there.
      part.isOfStore = directory.bytes.contains("/usr/share/ca-certificates/")
    }
    return part
  }

  /// Whether it is the private bundle in a state directory, named or default. A directory with the same name elsewhere
  /// does not count.
  private func isPrivateBundle(_ name: Path, in directory: Path, _ identity: FileIdentity) -> Bool {
    if name != privateBundleName { return false }
    let parent = directory.split.name
    var places = privateBundles
    if parent.bytes.isEqual(to: "psm-entry") { places.append(Path("/run/psm-entry").appending(name)) }
    if parent.bytes.begins(with: "psm-entry-") {
      for above in ["/tmp", "/dev/shm"] as [StaticString] {
        places.append(Path(above).appending(parent).appending(name))
      }
    }
    return places.contains { root.metadata(of: $0)?.identity == identity }
  }

  /// The anchors of psm-entry that the system store's bundle was built from; nil if the file is not that bundle.
  private func ownAnchors(builtInto name: Path, _ identity: FileIdentity) -> [Fingerprint]? {
    if !StoreFamily.isBundleName(name) { return nil }
    for family in StoreFamily.all where family.bundle.split.name == name {
      guard root.metadata(of: family.bundle)?.identity == identity else { continue }
      guard let anchors = try? Directory(family.anchors, in: root) else { return [] }
      defer { anchors.close() }
      return ((try? anchors.names()) ?? []).compactMap { fingerprint(ofAnchor: $0) }
    }
    return nil
  }
}
