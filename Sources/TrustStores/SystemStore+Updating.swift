import Certificates
import Linux
import Text

/// What became of the system store.
public struct SystemUpdate: Sendable {
  /// What was to change once the lock was had: another start may have done it meanwhile.
  public fileprivate(set) var plan: SystemStore.Plan
  /// Whether anything was written or the tool was run.
  public fileprivate(set) var isChanged = false
  /// Why the store was left alone.
  public var blocker: SystemStore.Blocker?
  public var failedAnchors: [(name: Path, failure: Replacement.Failure)] = []
  public var tool: ToolRun?
  /// Wanted, and not in the bundle that the tool has built.
  public var missing: [Certificate] = []
  /// Taken out of the anchors, and still in that bundle.
  public var remaining = 0
  /// Whether the tool has built the bundle since the anchors changed: what remains in it is somebody else's then.
  public var isBuiltAnew = false
  public var isBundleDamaged = false
  public var isBundleUnreadable = false
  /// Names under which clients reach the store that the tool has lost.
  public var losses: [ClientNames.Loss] = []
  public var passedOverLock = false
}

extension SystemStore {
  /// Brings the store to `plan`: the anchors, then the tool's bundle, which is read afterwards
  /// because the tool's exit status proves nothing.
  /// - Parameters:
  ///   - isTrial: whether nothing is to be written or run, and only said what would be.
  ///   - toolDeadline: when the tool is killed.
  ///   - lockDeadline: until when the lock on the anchors folder is waited for.
  ///   - clientPaths: what the CA variables name: the tool must not lose it.
  public func update(
    to plan: Plan, wanted: Wanted, in root: Root, isTrial: Bool, toolDeadline: Deadline,
    lockDeadline: Deadline, clientPaths: [Path]
  ) -> SystemUpdate {
    var update = SystemUpdate(plan: plan)
    if !plan.needsChange { return update }
    if let blocker = blocker(of: plan, in: root) {
      // What is only a matter of dates needs nobody who could write.
      if plan.isMoreThanDates { update.blocker = blocker }
      return update
    }
    if isTrial {
      update.isChanged = true
      return update
    }
    let folder: Folder
    do throws(Errno) { folder = try Folder.making(anchors, in: root) } catch {
      update.blocker = Blocker(path: anchors, reason: .system(error))
      return update
    }
    defer { folder.close() }
    update.passedOverLock = !folder.lock(until: lockDeadline)
    var none: [UInt8] = []
    let plan = (try? state(in: root, reusing: &none)).map { self.plan($0, wanted: wanted) } ?? plan
    update.plan = plan
    if !plan.needsChange { return update }
    update.isChanged = true
    guard let tool else {
      changeAnchors(plan, in: folder, &update)
      return update
    }
    let names = ClientNames(beside: clientPaths, recorded: recordedLinks(in: root), in: root)
    setUnfinishedMark(names.links, in: root)
    changeAnchors(plan, in: folder, &update)
    removeLeftovers(of: plan, in: root)
    update.tool = ToolRun.run(tool, until: toolDeadline)
    update.losses = names.restore(less: plan.removed, in: root)
    verify(plan, folder, in: root, &update)
    clearUnfinishedMark(in: root)
    return update
  }

  private func changeAnchors(_ plan: Plan, in folder: Folder, _ update: inout SystemUpdate) {
    if let names = try? folder.descriptor.unsortedNames() {
      for name in names where name.bytes.begins(with: Replacement.temporaryPrefix) {
        try? folder.remove(name)
      }
    }
    for name in plan.staleAnchors {
      do throws(Errno) { try folder.remove(name) } catch {
        update.failedAnchors.append((name, .system(.rename, error)))
      }
    }
    // Also those whose names stand there: what is in them is what the tool will read.
    for certificate in plan.wanted {
      let name = anchorName(certificate.fingerprint)
      do throws(Replacement.Failure) { try write(certificate, as: name, in: folder) } catch {
        update.failedAnchors.append((name, error))
      }
    }
  }

  /// Writes an anchor unless it stands there already. It need not be on disk at once: one that a
  /// crash has emptied is missed in the bundle, and written again.
  private func write(_ certificate: Certificate, as name: Path, in folder: Folder) throws(Replacement.Failure)
  {
    var text: [UInt8] = []
    appendCanonicalPEM(certificate.der, to: &text)
    if let file = try? folder.descriptor.openFile(name, [.noFollow]) {
      defer { file.close() }
      if (try? file.readAll(limit: text.count))?.contents == text { return }
    }
    try Replacement(mode: 0o644, owner: nil, expected: folder.metadata(of: name))
      .replace(name, in: folder, with: text, isDurable: false) { _ in true }
  }

  /// Removes what would mislead the tool: a bundle that a killed run has half written, which
  /// Debian's would go on with, and links to anchors of ours that are gone.
  private func removeLeftovers(of plan: Plan, in root: Root) {
    let (folderPath, name) = bundle.split
    guard let folder = try? Folder(folderPath, in: root) else { return }
    defer { folder.close() }
    try? folder.remove(name.suffixed(".new"))
    if family != .debian || plan.staleAnchors.isEmpty { return }
    let names = (try? folder.descriptor.unsortedNames()) ?? []
    // A link to the anchor first; then those, named by a hash, that led to that link.
    for _ in 0..<2 {
      for name in names where isDanglingLinkOfOurs(name, in: folder) { try? folder.remove(name) }
    }
  }

  private func isDanglingLinkOfOurs(_ name: Path, in folder: Folder) -> Bool {
    guard let target = try? folder.target(ofLink: name) else { return false }
    return fingerprintDigits(inAnchorName: target.split.name.bytes) != nil && !folder.leadsSomewhere(name)
  }

  private func verify(_ plan: Plan, _ anchors: Folder, in root: Root, _ update: inout SystemUpdate) {
    var none: [UInt8] = []
    guard let built = try? readBundle(in: root, reusing: &none) else {
      update.isBundleUnreadable = true
      update.missing = plan.wanted
      return
    }
    let contents = BundleContents(reading: built.text)
    update.isBundleDamaged = contents.damage != nil
    let isTrusted = CertificateIndex(plan.wanted).trusted(by: contents)
    update.missing = untrusted(of: plan.wanted, isTrusted)
    if plan.removed.isEmpty { return }
    update.isBuiltAnew = (try? anchors.descriptor.metadata()).map { built.modified >= $0.modified } ?? false
    for certificate in contents.certificates where certificate.isTrustedForServers {
      let fingerprint = Fingerprint(of: contents.der(of: certificate))
      if fingerprint.hex.utf8.isElement(of: plan.removed) { update.remaining += 1 }
    }
  }

  private func setUnfinishedMark(_ links: [ClientNames.Link], in root: Root) {
    let (folderPath, name) = unfinishedMark.split
    guard let folder = try? Folder(folderPath, in: root) else { return }
    defer { folder.close() }
    // One that stands there is of a start that was killed, and knew more.
    guard let file = try? folder.descriptor.open(name, [.writeOnly, .createNew, .noFollow], mode: 0o600)
    else { return }
    defer { file.close() }
    try? file.write(ClientNames.Link.record(links))
  }

  /// The links that a start knew which was killed before it saw the tool's end.
  private func recordedLinks(in root: Root) -> [ClientNames.Link] {
    (try? root.read(unfinishedMark, limit: 65536)).map { ClientNames.Link.recorded(in: $0) } ?? []
  }

  private func clearUnfinishedMark(in root: Root) {
    let (folderPath, name) = unfinishedMark.split
    guard let folder = try? Folder(folderPath, in: root) else { return }
    defer { folder.close() }
    try? folder.remove(name)
  }
}

extension SystemStore {
  /// Why the store is left alone as a whole.
  public struct Blocker: Equatable, Sendable {
    public enum Reason: Equatable, Sendable {
      case system(Errno)
      /// Something is mounted on the bundle itself: no other file can be renamed over it.
      case mounted
      case replacing(Replacement.Failure)
      /// The bundle would have more than ``BundleFile/sizeLimit`` bytes.
      case tooLarge
    }

    public let path: Path
    public let reason: Reason
    /// Where the read-only file system that holds it is mounted.
    public let mountPoint: Path?

    public init(path: Path, reason: Reason, mountPoint: Path? = nil) {
      self.path = path
      self.reason = reason
      self.mountPoint = mountPoint
    }
  }

  /// Why the store cannot be changed, as far as that can be known without trying: the anchors, and what is built
  /// from them.
  public func blocker(of plan: Plan, in root: Root) -> Blocker? {
    if plan.isTooLarge { return Blocker(path: bundle, reason: .tooLarge) }
    if let error = refusal(of: anchors, in: root) { return blocker(anchors, error, in: root) }
    let (folderPath, name) = bundle.split
    // A native bundle may be a link to where it can be written, and is looked at there.
    if tool == nil {
      var none: [UInt8] = []
      guard let file = try? BundleFile.open(bundle, in: root, reusing: &none) else { return nil }
      defer { file.folder.close() }
      return file.obstacle.map { obstacle in
        if case .system(_, let error) = obstacle, error != .busy { return blocker(bundle, error, in: root) }
        return Blocker(path: bundle, reason: .mounted)
      }
    }
    if let error = refusal(of: folderPath, in: root) { return blocker(bundle, error, in: root) }
    guard let folder = try? Folder(folderPath, in: root) else { return nil }
    defer { folder.close() }
    return folder.isMountPoint(name) ? Blocker(path: bundle, reason: .mounted) : nil
  }

  private func blocker(_ path: Path, _ error: Errno, in root: Root) -> Blocker {
    var parent = path
    while error == .readOnlyFileSystem && parent != Path("/") {
      let (folderPath, name) = parent.split
      if let folder = try? Folder(folderPath, in: root) {
        defer { folder.close() }
        if folder.isMountPoint(name) {
          return Blocker(path: path, reason: .system(error), mountPoint: parent)
        }
      }
      parent = folderPath
    }
    return Blocker(path: path, reason: .system(error))
  }

  /// Why names in the folder at `path` cannot be changed; nil where they can, or where it is missing and can be made.
  private func refusal(of path: Path, in root: Root) -> Errno? {
    var path = path
    while true {
      do throws(Errno) {
        let folder = try Folder(path, in: root)
        defer { folder.close() }
        try folder.allowsChanges()
        return nil
      } catch {
        // A missing folder is made, if the one that is to hold it allows.
        if error != .noSuchFile || path == Path("/") { return error }
        path = path.split.folder
      }
    }
  }
}

extension SystemStore.Plan {
  /// Whether something is missing or too much, and not only a file older than another.
  fileprivate var isMoreThanDates: Bool {
    !missingAnchors.isEmpty || !staleAnchors.isEmpty || !missingInBundle.isEmpty
  }
}

/// A bundle's text without the certificates of these fingerprints, in hex digits.
func without(_ fingerprints: [[UInt8]], _ text: [UInt8]) -> [UInt8] {
  if fingerprints.isEmpty { return text }
  let order = ByteOrder(fingerprints)
  let contents = BundleContents(reading: text)
  return contents.text { order.contains(Fingerprint(of: contents.der(of: $0)).hex.utf8) }
}
