import Certificates
import Linux
import Text
import Trust

/// Reads bundles in pieces without keeping them: usually they are up to date.
final class StandingBundles {
  private let mounted: MountedCertificates
  private let index: CertificateIndex
  /// The last bundle that was up to date. Images often contain the same one twice, or another version of it.
  private var last: Last?

  private final class Last {
    let file: FileDescriptor
    let metadata: Metadata
    let bundle: StandingBundle
    let blocks: [KnownBundle.Block]

    init(
      _ file: FileDescriptor, _ metadata: Metadata, _ bundle: StandingBundle, _ blocks: [KnownBundle.Block]
    ) {
      self.file = file
      self.metadata = metadata
      self.bundle = bundle
      self.blocks = blocks
    }

    deinit { file.close() }
  }

  init(_ mounted: MountedCertificates, _ index: CertificateIndex) {
    self.mounted = mounted
    self.index = index
  }

  /// Whether the file is kept open, to compare another one with it.
  func keeps(_ file: FileDescriptor) -> Bool { last?.file == file }

  /// - Parameter file: newly opened.
  /// - Returns: nil if the bundle has to be changed or read as a whole; the file is at its start then.
  @inline(never)
  func bundle(in file: FileDescriptor, _ metadata: Metadata) throws(Errno) -> StandingBundle? {
    if metadata.kind != .regular || metadata.size > bundleSizeLimit || !mounted.isComplete { return nil }
    // A first start reads the text only once.
    let ending = (try? file.ending(of: metadata.size, count: ManagedSection.endingSize)) ?? []
    if ManagedSection.mayEnd(with: ending) == mounted.isEmpty { return nil }
    if let last, last.metadata.size == metadata.size {
      // The other file was not changed in the meantime. An error may come from it, so it says nothing about this one.
      let isAlike = (try? file.hasContents(of: last.file, size: metadata.size)) ?? false
      if isAlike && (try? last.file.metadata()) == last.metadata { return last.bundle }
      try file.rewind()
    }
    if let new = read(file, metadata) {
      last = new
      return new.bundle
    }
    try file.rewind()
    return nil
  }

  private func read(_ file: FileDescriptor, _ metadata: Metadata) -> Last? {
    let known = last?.bundle.fault == nil ? last : nil
    var reader = StandingBundleReader(
      mounted, index,
      beside: known.map { known in
        KnownBundle(known.blocks) { (try? known.file.bytes(at: $0, count: $1)) ?? [] }
      })
    // If it cannot be read, or grows while it is read, reading the whole text reports the error.
    guard file.readPieces(metadata.size, take: { reader.read($0) }), case .standing(let bundle) = reader.state
    else { return nil }
    // The other bundle must not have been changed in the meantime.
    if let known, (try? known.file.metadata()) != known.metadata { return nil }
    return Last(file, metadata, bundle, reader.blocks)
  }
}
