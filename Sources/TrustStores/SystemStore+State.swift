import Certificates
import Linux

extension SystemStore {
  /// The store as it stands.
  public struct State: Sendable {
    /// Names of ours in the anchors folder.
    let anchors: [Path]
    let anchorsModified: Metadata.Nanoseconds?
    /// The text of the bundle that the tool has built.
    public let bundle: [UInt8]?
    let bundleModified: Metadata.Nanoseconds?
    /// Whether a start began to change the store and did not see the end of it.
    let isUnfinished: Bool
    /// Certificates that the distribution's administrator distrusts.
    let blocklist: [Certificate]

    /// Fingerprints of our anchors, in hex digits.
    public func anchoredFingerprints(of store: SystemStore) -> [[UInt8]] {
      anchors.compactMap { store.fingerprintDigits(inAnchorName: $0.bytes).map { Array($0) } }
    }
  }

  /// Fingerprints of our anchors, in hex digits.
  public func anchoredFingerprints(in root: Root) -> [[UInt8]] {
    guard let folder = try? Folder(anchors, in: root) else { return [] }
    defer { folder.close() }
    let names = (try? folder.descriptor.unsortedNames()) ?? []
    return names.compactMap { fingerprintDigits(inAnchorName: $0.bytes).map { Array($0) } }
  }

  /// Reads the store.
  /// - Parameter spare: a text that nobody needs any more.
  /// - Throws: why its bundle or its anchors could not be read. A missing one is an empty one.
  public func state(in root: Root, reusing spare: inout [UInt8]) throws(ReadError) -> State {
    var anchorNames: [Path] = []
    var anchorsModified: Metadata.Nanoseconds?
    var isUnfinished = false
    do throws(Errno) {
      let folder = try Folder(anchors, in: root)
      defer { folder.close() }
      let names = try folder.names()
      anchorNames = names.filter { fingerprintDigits(inAnchorName: $0.bytes) != nil }
      isUnfinished = names.contains { $0.bytes.starts(with: Path(Replacement.temporaryPrefix).bytes) }
      anchorsModified = try folder.descriptor.metadata().modified
    } catch {
      if error != .noSuchFile && error != .notDirectory { throw .system(error) }
    }
    // Without a tool the bundle is merged into like any other, and read then.
    let built = tool == nil ? nil : try readBundle(in: root, reusing: &spare)
    return State(
      anchors: anchorNames, anchorsModified: anchorsModified, bundle: built?.text,
      bundleModified: built?.modified,
      isUnfinished: isUnfinished || (tool != nil && root.exists(unfinishedMark)),
      blocklist: blocklist(in: root))
  }

  /// The store's bundle, and when it was built; nil where there is none.
  func readBundle(
    in root: Root, reusing spare: inout [UInt8]
  ) throws(ReadError) -> (text: [UInt8], modified: Metadata.Nanoseconds)? {
    let file: FileDescriptor
    do throws(ReadError) { file = try root.openFile(bundle) } catch {
      if error == .system(.noSuchFile) || error == .system(.notDirectory) { return nil }
      throw error
    }
    defer { file.close() }
    let (text, metadata) = try file.readAll(limit: BundleFile.sizeLimit, like: [], reusing: &spare)
    return (text, metadata.modified)
  }

  /// Stands while anchors are being changed and the tool has not been seen to finish. Beside the
  /// bundle and not among the anchors, where a tool might read it.
  var unfinishedMark: Path { bundle.split.folder.appending(".psm-entry-unfinished") }

  private func blocklist(in root: Root) -> [Certificate] {
    if family != .redHat { return [] }
    var blocked: [Certificate] = []
    for parent in ["/etc/pki/ca-trust/source/", "/usr/share/pki/ca-trust-source/"] as [StaticString] {
      for name in ["blocklist", "blacklist"] as [StaticString] {
        guard let folder = try? Folder(Path(parent).appending(name), in: root) else { continue }
        defer { folder.close() }
        for file in (try? folder.names()) ?? [] {
          guard let text = try? root.read(folder.path.appending(file), limit: 1 << 20) else { continue }
          blocked += CertificateFile(reading: text).certificates
          // In a TRUSTED CERTIFICATE here, no setting makes it trusted.
          let contents = BundleContents(reading: text)
          for certificate in contents.certificates where !certificate.isTrustedForServers {
            if let certificate = Certificate(der: contents.der(of: certificate)) {
              blocked.append(certificate)
            }
          }
        }
      }
    }
    return blocked
  }
}
