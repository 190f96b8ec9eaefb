import Linux
import Text
import Trust

/// Reads bundles about which there is mostly nothing to do: in pieces, of which none is kept.
struct StandingBundles {
  private let mounted: MountedCertificates
  private let index: CertificateIndex
  /// The last one that stands as it should. Images often bring the same one twice.
  private var last: (file: FileDescriptor, metadata: Metadata, bundle: StandingBundle)?

  init(_ mounted: MountedCertificates, _ index: CertificateIndex) {
    self.mounted = mounted
    self.index = index
  }

  func close() { last?.file.close() }

  /// Whether the file is kept open, to compare another one with it.
  func keeps(_ file: FileDescriptor) -> Bool { last?.file == file }

  /// - Parameter file: opened just now.
  /// - Returns: nil where it is to be changed, or has to be read as a whole to tell: it is at its start then.
  mutating func bundle(
    in file: FileDescriptor, _ metadata: Metadata
  ) throws(Errno) -> StandingBundle? {
    if metadata.kind != .regular || metadata.size > bundleSizeLimit || !mounted.isComplete { return nil }
    // A first start reads the text once.
    let ending = (try? file.ending(of: metadata.size, count: ManagedSection.endingSize)) ?? []
    if ManagedSection.mayEnd(with: ending) == mounted.isEmpty { return nil }
    if let last, last.metadata.size == metadata.size {
      // Nobody has written the other one meanwhile. An error may be the other one's, and says nothing.
      let isAlike = (try? file.hasContents(of: last.file, size: metadata.size)) ?? false
      if isAlike && (try? last.file.metadata()) == last.metadata { return last.bundle }
      try file.rewind()
    }
    if let bundle = read(file, metadata) {
      close()
      last = (file, metadata, bundle)
      return bundle
    }
    try file.rewind()
    return nil
  }

  private func read(_ file: FileDescriptor, _ metadata: Metadata) -> StandingBundle? {
    var reader = StandingBundleReader(mounted, index)
    // Of one that cannot be read, or grows meanwhile, whoever reads the whole text says what is wrong.
    guard file.readPieces(metadata.size, take: { reader.read($0) }), case .standing(let bundle) = reader.state
    else { return nil }
    return bundle
  }
}
