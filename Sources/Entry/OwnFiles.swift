import Certificates
import Linux
import Text
import Trust

/// What psm-entry has written itself, wherever it is and through whatever link: it is never an input. A certificate
/// that came back that way would be trusted forever.
struct OwnFiles {
  private let root: Root
  /// Private bundles in state directories that somebody has named.
  private let privateBundles: [Path]

  init(_ root: Root, stateDirectories: [Path]) {
    self.root = root
    privateBundles = stateDirectories.map { $0.appending(privateBundleName) }
  }

  /// Whether a name in a directory is an anchor's or a kept original's.
  static func isOurs(_ name: Path) -> Bool {
    fingerprint(ofAnchor: name) != nil || name.bytes.contains(".psm-entry-damaged")
  }

  /// What of a file is not psm-entry's.
  struct OthersPart {
    let text: [UInt8]
    /// Fingerprints of certificates that are in it because of anchors of ours.
    var anchored = SortedBytes([])
    /// Whether the distribution trusts what is in it.
    var isOfStore = false
  }

  /// A file without what psm-entry has put into it.
  /// - Parameter path: what it was opened by; a link leads to its real name.
  /// - Returns: nil where all of it is ours.
  func othersPart(
    of contents: [UInt8], _ file: FileDescriptor, _ path: Path, _ identity: FileIdentity
  ) -> OthersPart? {
    let realPath = file.realPath ?? path
    let (directory, name) = realPath.split
    if Self.isOurs(name) || isPrivateBundle(name, in: directory, identity) { return nil }
    var text = contents
    while let range = ManagedSection.locate(in: text).range {
      text.removeSubrange(range)
    }
    var part = OthersPart(text: text)
    if let anchored = ownAnchors(builtInto: name, identity) {
      part.anchored = SortedBytes(anchored.map { $0.bytes })
      part.isOfStore = true
    } else {
      // Debian's bundle is built from the files there.
      part.isOfStore = directory.bytes.contains("/usr/share/ca-certificates/")
    }
    return part
  }

  /// Whether it is the private bundle of a state directory: of a named one, or of one that a start takes by itself.
  /// A directory of the same name elsewhere is anybody's.
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

  /// The anchors of ours that the system store's bundle was built from; nil where the file is not that bundle.
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
