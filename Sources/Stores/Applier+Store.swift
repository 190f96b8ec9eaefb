import Certificates
import Linux
import Text
import Trust

// Carries out a plan for the distribution's store: first the anchors, then the tool. The bundle is read afterwards,
// because the tool's exit status proves nothing.

extension Applier {
  @inline(never)
  mutating func updateStore(_ update: StoreUpdate, _ snapshot: inout Snapshot) {
    guard let store = snapshot.system else { return }
    let family = store.family
    let directory: Directory
    do throws(Errno) { directory = try Directory.making(family.anchors, in: root) } catch {
      snapshot.system?.replaceability = .blocked(.refused(.create, error))
      snapshot.system?.blockedPath = family.anchors
      return
    }
    defer { directory.close() }
    lock(directory, .system, family.anchors)
    // Another start may have done it while this one waited for the lock.
    reread(&snapshot)
    guard let current = snapshot.system, !differs(current, store) else { return }
    var names: ClientNames?
    if update.runsTool {
      let clientPaths = snapshot.variables.map { $0.path }
      let unfinished = unfinished(family, in: root)
      let known = ClientNames(beside: clientPaths, recorded: unfinished.links, in: root)
      if let error = known.failure {
        snapshot.system?.replaceability = .blocked(.refused(.readBack, error))
        return
      }
      let withdrawn = update.remove.compactMap { fingerprint(ofAnchor: $0) }
      // An existing mark is from a killed start, which knew more of the links.
      setUnfinishedMark(
        family, links: unfinished.links.isEmpty ? known.links : unfinished.links, withdrawn: withdrawn)
      names = known
    }
    let failed = changeAnchors(update, in: directory, family, snapshot.mounted)
    if let names {
      removeLeftovers(removing: update.remove, family)
      let isWhole = run(family, names, update, directory, &snapshot)
      // The mark tells the next start what could not be restored.
      if isWhole { clearUnfinishedMark(family) }
    } else {
      reread(&snapshot)
    }
    snapshot.system?.failedAnchors = failed
    note(changed: update, failed, &snapshot, from: store)
  }

  /// Reads the store again. The results of attempts are kept.
  func reread(_ snapshot: inout Snapshot) {
    guard var store = snapshot.system else { return }
    let hadText = store.text != nil
    let standing = store.standing == nil ? nil : StandingBundles(snapshot.mounted, reader.index)
    store.failure = nil
    reader.read(&store, standing)
    if hadText && store.text == nil {
      store.text = try? root.read(store.family.bundle, limit: bundleSizeLimit)
    }
    snapshot.system = store
  }

  func differs(_ one: StoreSnapshot, _ other: StoreSnapshot) -> Bool {
    one.anchors != other.anchors || one.trusted != other.trusted || one.failure != other.failure
  }

  @inline(never)
  private mutating func changeAnchors(
    _ update: StoreUpdate, in directory: Directory, _ family: StoreFamily, _ mounted: MountedCertificates
  ) -> [Path] {
    if let names = try? directory.descriptor.unsortedNames() {
      for name in names where name.bytes.begins(with: Replacement.temporaryPrefix) {
        try? directory.remove(name)
      }
    }
    var failed: [Path] = []
    func fail(_ name: Path, _ blocker: Blocker) {
      failed.append(name)
      note(Fact(.system, .error, family.anchors.appending(name).shown, .anchorFailed(blocker)))
    }
    for name in update.remove {
      do throws(Errno) { try directory.remove(name) } catch {
        // Without the lock, another start may have been faster.
        if error != .noSuchFile { fail(name, .refused(.rename, error)) }
      }
    }
    // Existing anchors are written again, too: the tool reads their contents.
    let order = SortedBytes(of: update.write)
    for certificate in mounted.certificates where order.contains(certificate.fingerprint.bytes) {
      let name = family.anchorName(certificate.fingerprint)
      do throws(Replacement.Failure) { try writeAnchor(certificate, as: name, in: directory) } catch {
        fail(name, Blocker(error))
      }
    }
    return failed
  }

  /// Writes an anchor unless it already has these contents. It is not synced to disk: an anchor emptied by a crash is
  /// missing in the bundle and is written again.
  private func writeAnchor(
    _ certificate: Certificate, as name: Path, in directory: Directory
  ) throws(Replacement.Failure) {
    var text: [UInt8] = []
    appendCanonicalPEM(certificate.der, to: &text)
    if let file = try? directory.descriptor.openFile(name, [.noFollow]) {
      defer { file.close() }
      if (try? file.readAll(limit: text.count))?.contents == text { return }
    }
    try Replacement(mode: 0o644, owner: nil, expected: directory.metadata(of: name))
      .replace(name, in: directory, with: text, isDurable: false) { _ in true }
  }

  /// Removes what would mislead the tool: a bundle half written by a killed run, which Debian's tool would continue,
  /// and links to removed anchors.
  @inline(never)
  private func removeLeftovers(removing anchors: [Path], _ family: StoreFamily) {
    let (directoryPath, name) = family.bundle.split
    guard let directory = try? Directory(directoryPath, in: root) else { return }
    defer { directory.close() }
    try? directory.remove(name.suffixed(".new"))
    if anchors.isEmpty { return }
    let names = (try? directory.descriptor.unsortedNames()) ?? []
    // First the link to the anchor, then the links named by a hash that pointed to that link.
    for _ in 0..<2 {
      for name in names where isDanglingLinkOfOurs(name, in: directory) { try? directory.remove(name) }
    }
  }

  private func isDanglingLinkOfOurs(_ name: Path, in directory: Directory) -> Bool {
    guard let target = try? directory.target(ofLink: name) else { return false }
    return fingerprint(ofAnchor: target.split.name) != nil && !directory.resolves(name)
  }

  /// - Returns: whether everything that existed before still exists.
  @inline(never)
  private mutating func run(
    _ family: StoreFamily, _ names: ClientNames, _ update: StoreUpdate, _ anchors: Directory,
    _ snapshot: inout Snapshot
  ) -> Bool {
    let former = update.remove.compactMap { fingerprint(ofAnchor: $0) }
    let before = names.trusted(in: family.bundle, in: root) ?? []
    let run = ToolRun.run(family.tool, until: toolDeadline)
    let losses = names.restore(less: former, in: root)
    for loss in losses {
      let level: Level = loss.failure == nil ? .info : .error
      note(Fact(.system, level, loss.path.shown, .lost(loss.failure.map { Blocker($0) })))
    }
    let isKept =
      (!update.givesBack && run.ending == .ended(.exited(0)))
      || keep(before, less: former, family, snapshot.system?.blocklist ?? [])
    reread(&snapshot)
    let isWhole = isKept && losses.allSatisfy { $0.failure == nil }
    guard let store = snapshot.system else { return isWhole }
    let text = try? root.read(family.bundle, limit: bundleSizeLimit)
    let contents = text.map { BundleContents(reading: $0) }
    var missing: [Certificate] = []
    let order = SortedBytes(of: update.expected)
    for (number, certificate) in snapshot.mounted.certificates.enumerated()
    where order.contains(certificate.fingerprint.bytes)
      && !store.trusts(number)
    {
      missing.append(certificate)
    }
    let remaining = contents.map { self.remaining(former, in: $0) } ?? 0
    let isRebuilt = (store.bundleModified ?? 0) >= (store.anchorsModified ?? 0)
    snapshot.system?.toolRun = StoreSnapshot.ToolRun(
      ending: StoreSnapshot.ToolRun.Ending(run.ending), missing: missing, remaining: remaining,
      isRebuilt: isRebuilt,
      isUnreadable: contents == nil, isDamaged: contents?.damage != nil)
    let remains = !isRebuilt && remaining > 0
    let isWrong = contents == nil || contents?.damage != nil || !missing.isEmpty || remains
    for line in run.output[...].parts(between: "\n") {
      note(Fact(.system, isWrong ? .warning : .debug, family.tool.shown, .toolOutput, detail: escaped(line)))
    }
    return isWhole && !remains
  }

  /// Adds to the bundle what clients trusted before and the tool has left out: from a source that the tool could not
  /// read, or from none, like a CA that someone appended to the bundle. What an administrator has blocklisted stays
  /// out.
  /// - Returns: whether nothing is missing any more.
  @inline(never)
  private mutating func keep(
    _ before: [[UInt8]], less former: [Fingerprint], _ family: StoreFamily, _ blocklist: [Certificate]
  ) -> Bool {
    if before.isEmpty { return true }
    let file: BundleFile
    do throws(BundleFile.Failure) {
      file = try BundleFile.open(family.bundle, in: root)
    } catch {
      note(Fact(.system, .error, family.bundle.shown, .lost(Blocker(error))))
      return false
    }
    defer { file.directory.close() }
    let held = SortedBytes(trustedDERs(in: file.text))
    let unwanted = SortedBytes(of: former)
    let distrusted = SortedBytes((blocklist + deselected(family)).map { $0.der })
    let lost = before.filter { der in
      !held.contains(der) && !distrusted.contains(der) && !unwanted.contains(Fingerprint(of: der).bytes)
    }
    if lost.isEmpty { return true }
    var text = file.text
    if let last = text.last, last != newline { text.append(newline) }
    for der in lost { appendCanonicalPEM(der, to: &text) }
    let replacement = Replacement(
      mode: file.metadata.mode, owner: (file.metadata.user, file.metadata.group), expected: file.metadata)
    do throws(Replacement.Failure) {
      try replacement.replace(file.name, in: file.directory, with: text) { $0 == text }
      note(Fact(.system, .warning, family.bundle.shown, .kept(lost.count)))
      return true
    } catch {
      note(Fact(.system, .error, family.bundle.shown, .leftOut(lost.count, Blocker(error))))
      return false
    }
  }

  /// Certificates of the distribution that the administrator has deselected, in Debian's family.
  /// - Source: update-ca-certificates(8): a line of ca-certificates.conf that begins with `!`.
  private func deselected(_ family: StoreFamily) -> [Certificate] {
    if family.isExtracted { return [] }
    let text = (try? root.read(Path("/etc/ca-certificates.conf"), limit: 1 << 20)) ?? []
    var certificates: [Certificate] = []
    for line in text[...].parts(between: "\n") where line.first == UInt8(ascii: "!") {
      let path = Path("/usr/share/ca-certificates").appending(line.dropFirst())
      certificates += CertificateFile(reading: (try? root.read(path, limit: 1 << 20)) ?? []).certificates
    }
    return certificates
  }

  private func remaining(_ former: [Fingerprint], in contents: BundleContents) -> Int {
    if former.isEmpty { return 0 }
    let order = SortedBytes(of: former)
    return contents.certificates.count { certificate in
      certificate.isTrustedForServers
        && order.contains(Fingerprint(of: contents.der(of: certificate)).bytes)
    }
  }

  private mutating func note(
    changed update: StoreUpdate, _ failed: [Path], _ snapshot: inout Snapshot, from former: StoreSnapshot
  ) {
    guard failed.isEmpty, let store = snapshot.system else { return }
    if let run = store.toolRun, update.runsTool {
      if run.isUnreadable || !run.missing.isEmpty || (run.remaining > 0 && !run.isRebuilt) { return }
    }
    let added = snapshot.mounted.certificates.enumerated().count { number, certificate in
      let name = former.family.anchorName(certificate.fingerprint)
      let isAnchored = !former.anchors.contains(name) && store.anchors.contains(name)
      return isAnchored || (store.trusts(number) && !former.trusts(number))
    }
    let path = update.runsTool ? store.family.bundle : store.family.anchors
    note(
      Fact(
        .system, .info, path.shown,
        .updated(.system, added: added, removed: update.remove.count, isRepaired: false))
    )
  }
}

// MARK: The mark of an unfinished run

extension Applier {
  @inline(never)
  private func setUnfinishedMark(
    _ family: StoreFamily, links: [ClientNames.Link], withdrawn: [Fingerprint]
  ) {
    let (directoryPath, name) = family.unfinishedMark.split
    guard let directory = try? Directory(directoryPath, in: root) else { return }
    defer { directory.close() }
    let mark = UnfinishedMark(links: links, withdrawn: withdrawn)
    try? Replacement(mode: 0o600, owner: nil, expected: directory.metadata(of: name))
      .replace(name, in: directory, with: mark.bytes, isDurable: false) { _ in true }
  }

  private func clearUnfinishedMark(_ family: StoreFamily) {
    let (directoryPath, name) = family.unfinishedMark.split
    guard let directory = try? Directory(directoryPath, in: root) else { return }
    defer { directory.close() }
    try? directory.remove(name)
  }
}

extension StoreSnapshot.ToolRun.Ending {
  init(_ ending: ToolRun.Ending) {
    switch ending {
    case .ended(.exited(let status)): self = .exited(status)
    case .ended(.signalled(let signal)): self = .signalled(signal)
    case .late: self = .late
    case .notStarted(let error): self = .notStarted(error)
    }
  }
}
