import Certificates
import Linux
import Text
import Trust

// Reads the distribution's store.

extension SnapshotReader {
  /// - Parameter standing: reads a native store in pieces if it is up to date; nil to get its text in any case.
  /// - Returns: nil if there is no store.
  func readStore(_ standing: StandingBundles?) -> StoreSnapshot? {
    guard let (family, hasTool) = findFamily() else { return nil }
    var builder = request.builder
    // Without the tool, or under another root, psm-entry writes the store itself.
    if case .tool = builder, !hasTool || !root.isSystem { builder = .ourselves }
    var store = StoreSnapshot(family: family, builder: builder)
    read(&store, standing)
    return store
  }

  /// The first family whose tool and layout exist; otherwise the first whose bundle exists.
  private func findFamily() -> (family: StoreFamily, hasTool: Bool)? {
    let families = StoreFamily.all
    // Two tool names serve all families.
    var missing: [Path] = []
    for family in families where !missing.contains(family.tool) {
      if !root.exists(family.tool) {
        missing.append(family.tool)
      } else if root.exists(family.layout) {
        return (family, true)
      }
    }
    for family in families where root.exists(family.bundle) { return (family, false) }
    return nil
  }

  /// Reads anchors and bundle again.
  func read(_ store: inout StoreSnapshot, _ standing: StandingBundles?) {
    do throws(ReadError) {
      try readAnchors(&store)
      if store.builder == .nobody {
        store.identity = root.metadata(of: store.family.bundle)?.identity
        return
      }
      try readStoreBundle(&store, standing)
      store.blocklist = readBlocklist(store.family)
    } catch {
      store.failure = error
    }
  }

  private func readAnchors(_ store: inout StoreSnapshot) throws(ReadError) {
    store.anchors = []
    store.anchorsModified = nil
    store.anchorDirectories = []
    store.isUnfinished = false
    store.withdrawn = []
    do throws(Errno) {
      let directory = try Directory(store.family.anchors, in: root)
      defer { directory.close() }
      let names = try directory.names()
      store.anchors = names.filter { fingerprint(ofAnchor: $0) != nil }
      store.isUnfinished = names.contains { $0.bytes.begins(with: Replacement.temporaryPrefix) }
      let metadata = try directory.descriptor.metadata()
      store.anchorsModified = metadata.modified
      store.anchorDirectories = [metadata.identity]
    } catch {
      if error != .noSuchFile && error != .notDirectory { throw .system(error) }
    }
    for path in store.family.otherAnchors {
      guard let metadata = root.metadata(of: path) else { continue }
      store.anchorDirectories.append(metadata.identity)
      store.anchorsModified = max(store.anchorsModified ?? 0, metadata.modified)
    }
    if case .tool = store.builder, root.exists(store.family.unfinishedMark) {
      store.isUnfinished = true
      store.withdrawn = unfinished(store.family, in: root).withdrawn
    }
  }

  private func readStoreBundle(
    _ store: inout StoreSnapshot, _ standing: StandingBundles?
  ) throws(ReadError) {
    store.trusted = [Bool](repeating: false, count: request.mounted.certificates.count)
    store.hasLeftovers = false
    (store.identity, store.text, store.standing, store.bundleModified, store.size) = (nil, nil, nil, nil, 0)
    do throws(BundleFile.Failure) {
      // A bundle that a tool builds is not merged into, so its text is not needed.
      if case .tool = store.builder {
        try readBuilt(&store)
      } else {
        let file = try BundleFile.open(store.family.bundle, in: root, standing)
        defer { file.directory.close() }
        store.text = file.contents.text
        var trusted = store.trusted.map { _ in true }
        if let text = store.text { trusted = index.trusted(in: text) }
        note(file.metadata, trusted, &store)
        if case .standing(let bundle) = file.contents { store.standing = bundle }
        store.hasLeftovers = file.hasLeftovers()
      }
    } catch .unreadable(let reason) {
      throw reason
    } catch {
      // The store has no bundle.
    }
  }

  @inline(never)
  private func readBuilt(_ store: inout StoreSnapshot) throws(BundleFile.Failure) {
    do throws(ReadError) {
      let file = try root.openFile(store.family.bundle)
      defer { file.close() }
      let metadata: Metadata
      do throws(Errno) { metadata = try file.metadata() } catch { throw .system(error) }
      if let trusted = trustedInPieces(of: file, metadata) { return note(metadata, trusted, &store) }
      do throws(Errno) { try file.rewind() } catch { throw .system(error) }
      let text = try file.readAll(metadata, limit: bundleSizeLimit).contents
      note(metadata, index.trusted(in: text), &store)
    } catch {
      throw BundleFile.failure(error)
    }
  }

  /// Which mounted certificates a bundle trusts; nil if it has to be read as a whole.
  private func trustedInPieces(of file: FileDescriptor, _ metadata: Metadata) -> [Bool]? {
    if metadata.kind != .regular || metadata.size > bundleSizeLimit { return nil }
    var reader = TrustReader(index)
    return file.readPieces(metadata.size) { reader.read($0) } ? reader.trusted : nil
  }

  @inline(never)
  private func note(_ metadata: Metadata, _ trusted: [Bool], _ store: inout StoreSnapshot) {
    store.identity = metadata.identity
    store.bundleModified = metadata.modified
    store.size = metadata.size
    store.trusted = trusted
  }

  private func readBlocklist(_ family: StoreFamily) -> [Certificate] {
    var blocked: [Certificate] = []
    for path in family.blocklists {
      guard let directory = try? Directory(path, in: root) else { continue }
      defer { directory.close() }
      for name in (try? directory.names()) ?? [] {
        guard let text = try? root.read(path.appending(name), limit: 1 << 20) else { continue }
        blocked += CertificateFile(reading: text).certificates
        // Here a TRUSTED CERTIFICATE is distrusted whatever its settings.
        let contents = BundleContents(reading: text)
        for certificate in contents.certificates where !certificate.isTrustedForServers {
          if let certificate = Certificate(der: contents.der(of: certificate)) { blocked.append(certificate) }
        }
      }
    }
    return blocked
  }

  /// The anchors and what is built from them can be changed together, or not at all.
  func answerStoreReplaceability(byTool: Bool, changesAnchors: Bool, _ snapshot: inout Snapshot) {
    guard let store = snapshot.system else { return }
    let (blocker, path) = storeBlocker(store.family, byTool: byTool, changesAnchors: changesAnchors)
    snapshot.system?.replaceability = blocker.map { .blocked($0) } ?? .replaceable
    snapshot.system?.blockedPath = path
  }

  private func storeBlocker(
    _ family: StoreFamily, byTool: Bool, changesAnchors: Bool
  ) -> (Blocker?, Path?) {
    if changesAnchors, let blocker = directoryBlocker(family.anchors, request.user, in: root) {
      return (blocker, family.anchors)
    }
    let (directoryPath, name) = family.bundle.split
    if byTool {
      if let blocker = directoryBlocker(directoryPath, request.user, in: root) {
        return (blocker, family.bundle)
      }
      guard let directory = try? Directory(directoryPath, in: root) else { return (nil, nil) }
      defer { directory.close() }
      return directory.isMountPoint(name) ? (.mountPoint, family.bundle) : (nil, nil)
    }
    // A native bundle may be a link to a writable location, so the target is checked.
    guard let file = try? BundleFile.open(family.bundle, in: root) else { return (nil, nil) }
    defer { file.directory.close() }
    if case .blocked(let blocker) = file.replaceability(for: request.user, in: root) {
      return (blocker, family.bundle)
    }
    return (nil, nil)
  }
}
