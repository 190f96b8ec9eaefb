import Certificates
import Linux
import Text
import Trust

/// Carries out a plan. It makes no decision: the results of attempts go into the snapshot, and a new plan is made.
public struct Applier {
  let root: Root
  let reader: SnapshotReader
  /// The time at which the distribution's tool is killed.
  let toolDeadline: Deadline
  /// The time until which it waits for locks.
  private let lockDeadline: Deadline
  private(set) var facts: [Fact] = []
  private var overtaken: [Path] = []

  /// - Parameter deadline: the end of all waiting for other processes.
  public init(_ reader: SnapshotReader, deadline: Deadline) {
    self.reader = reader
    root = reader.root
    toolDeadline = deadline
    lockDeadline = min(deadline, Deadline(secondsFromNow: 10))
  }

  /// - Returns: the results.
  public mutating func apply(_ plan: Plan, to snapshot: inout Snapshot) -> [Fact] {
    facts = []
    for action in plan.actions {
      switch action {
      case .updateStore(let update): updateStore(update, &snapshot)
      case .writeBundle(let names, let merge): write(names, merge, &snapshot)
      case .removeLeftovers(let path): removeLeftovers(path, &snapshot)
      case .writePrivate(let directory, let text): writePrivate(directory, text, &snapshot)
      case .removePrivate(let directory): removePrivate(directory, &snapshot)
      }
    }
    return facts
  }

  /// Looks at every store once more: another start may have changed one after this one read or wrote it.
  /// - Returns: whether a store differs from the snapshot.
  @inline(never)
  public func lookAgain(_ snapshot: inout Snapshot) -> Bool {
    var hasChanged = false
    if let store = snapshot.system, store.builder != .nobody {
      reread(&snapshot)
      if let current = snapshot.system,
        differs(current, store) || current.text != store.text || current.standing != store.standing
      {
        // The attempts of this start were made on another state of the store.
        snapshot.system?.toolRun = nil
        snapshot.system?.failedAnchors = []
        hasChanged = true
      }
    }
    for bundle in snapshot.bundles {
      guard case .read(let file) = bundle.state else { continue }
      let standing =
        file.contents.text == nil ? StandingBundles(snapshot.mounted, reader.index) : nil
      guard
        let found = try? BundleFile.open(
          bundle.path, in: root, standing, like: file.contents.text ?? [])
      else { continue }
      defer { found.directory.close() }
      if found.contents == file.contents { continue }
      refresh([bundle.path], false, found, &snapshot)
      hasChanged = true
    }
    return hasChanged
  }

  @inline(never)
  mutating func note(_ fact: Fact) { facts.append(fact) }

  /// Locks a directory, and reports if that fails; the work goes on without the lock.
  mutating func lock(_ directory: Directory, _ area: Finding.Area, _ subject: Path) {
    if !directory.lock(until: lockDeadline) { note(Fact(area, .warning, subject.shown, .lockPassedOver)) }
  }
}

// MARK: Bundles

extension Applier {
  @inline(never)
  private mutating func write(_ names: [Path], _ merge: BundleMerge, _ snapshot: inout Snapshot) {
    guard let path = names.first, let text = merge.text else { return }
    let isStore = snapshot.system?.family.bundle == path && !snapshot.bundles.contains { $0.path == path }
    let area: Finding.Area = isStore ? .system : .bundle
    var file: BundleFile
    do throws(BundleFile.Failure) {
      file = try BundleFile.open(path, in: root, like: merge.readText)
    } catch {
      return block(path, isStore, Blocker(error), &snapshot)
    }
    defer { file.directory.close() }
    lock(file.directory, area, path)
    // While this start waited, another may have written it, or a package manager, which takes no lock.
    do throws(BundleFile.Failure) { file = try file.reread() } catch {
      return block(path, isStore, Blocker(error), &snapshot)
    }
    if !file.text[...].isEqual(to: merge.readText[...]) { return refresh(names, isStore, file, &snapshot) }
    if merge.isRepair {
      do throws(Errno) { try file.keepOriginal() } catch {
        return block(path, isStore, .originalNotKept(error), &snapshot)
      }
    }
    let replacement = Replacement(
      mode: file.metadata.mode, owner: (file.metadata.user, file.metadata.group), expected: file.metadata)
    do throws(Replacement.Failure) {
      try replacement.replace(file.name, in: file.directory, with: text, check: merge.isWhole)
    } catch {
      if error == .overtaken && overtaken.count(where: { $0 == path }) < 3 {
        overtaken.append(path)
        if let newer = try? file.reread() { return refresh(names, isStore, newer, &snapshot) }
      }
      return block(path, isStore, Blocker(error), &snapshot)
    }
    let kind: StoreChange.Kind = isStore ? .system : .bundle
    note(
      Fact(
        area, .info, path.shown,
        .updated(kind, added: merge.added.count, removed: merge.removed.count, isRepaired: merge.isRepair)))
    if let written = try? file.reread() {
      refresh(names, isStore, written, &snapshot)
      linkOthers(Array(names.dropFirst()), to: written, replacing: file.metadata.identity)
    }
  }

  /// Links the other names of a file to its replacement, so that none keeps the old contents.
  @inline(never)
  private func linkOthers(_ names: [Path], to file: BundleFile, replacing former: FileIdentity) {
    for name in names {
      guard let other = try? BundleFile.open(name, in: root, like: file.text) else {
        continue
      }
      defer { other.directory.close() }
      if other.metadata.identity != former { continue }
      let temporary = Replacement.temporaryName(for: other.name)
      do throws(Errno) {
        try file.directory.link(file.name, to: temporary, in: other.directory)
        try other.directory.rename(temporary, to: other.name)
      } catch {
        try? other.directory.remove(temporary)
      }
    }
  }

  /// Updates the snapshot with the new contents of the file.
  private func refresh(_ names: [Path], _ isStore: Bool, _ file: BundleFile, _ snapshot: inout Snapshot) {
    if isStore { reread(&snapshot) }
    for index in snapshot.bundles.indices where names.contains(snapshot.bundles[index].path) {
      var state = BundleSnapshot.File(identity: file.metadata.identity, contents: file.contents)
      if case .read(let former) = snapshot.bundles[index].state {
        state.replaceability = former.replaceability
      }
      snapshot.bundles[index].state = .read(state)
    }
  }

  private func block(_ path: Path, _ isStore: Bool, _ blocker: Blocker, _ snapshot: inout Snapshot) {
    if isStore {
      snapshot.system?.replaceability = .blocked(blocker)
      snapshot.system?.blockedPath = path
    }
    for index in snapshot.bundles.indices where snapshot.bundles[index].path == path {
      guard case .read(var file) = snapshot.bundles[index].state else { continue }
      file.replaceability = .blocked(blocker)
      snapshot.bundles[index].state = .read(file)
    }
  }

  @inline(never)
  private mutating func removeLeftovers(_ path: Path, _ snapshot: inout Snapshot) {
    if snapshot.system?.family.bundle == path { snapshot.system?.hasLeftovers = false }
    for index in snapshot.bundles.indices where snapshot.bundles[index].path == path {
      guard case .read(var state) = snapshot.bundles[index].state else { continue }
      state.hasLeftovers = false
      snapshot.bundles[index].state = .read(state)
    }
    guard let file = try? BundleFile.open(path, in: root) else { return }
    defer { file.directory.close() }
    // Without the lock, another process may still be writing them.
    if file.directory.lock(until: lockDeadline) {
      file.removeLeftovers()
    } else {
      note(Fact(.bundle, .warning, path.shown, .lockPassedOver))
    }
  }
}

// MARK: The private bundle

extension Applier {
  @inline(never)
  private mutating func writePrivate(_ path: Path, _ text: [UInt8], _ snapshot: inout Snapshot) {
    func set(_ change: (inout StateDirectorySnapshot) -> Void) {
      guard var directories = snapshot.stateDirectories else { return }
      for index in directories.indices where directories[index].path == path { change(&directories[index]) }
      snapshot.stateDirectories = directories
    }
    let user = reader.request.user.user
    do throws(StateDirectory.Failure) {
      guard let directory = try StateDirectory.open(path, in: root, make: true, for: user) else { return }
      defer { directory.close() }
      lock(directory, .bundle, path)
      // Another start may have written it while this one waited for the lock.
      if StateDirectory.text(in: directory, of: user) != text {
        let names = (try? directory.descriptor.unsortedNames()) ?? []
        Replacement.removeLeftovers(of: privateBundleName, in: directory, among: names)
        let contents = BundleContents(reading: text)
        do throws(Replacement.Failure) {
          try Replacement(mode: 0o644, owner: nil, expected: directory.metadata(of: privateBundleName))
            .replace(privateBundleName, in: directory, with: text) { $0 == text && contents.damage == nil }
        } catch {
          return set { $0.failure = .notWritten(Blocker(error)) }
        }
        let mounted = ManagedSection.locate(in: text).range.map { certificates(in: text[$0]).count } ?? 0
        note(
          Fact(
            .bundle, .info, path.appending(privateBundleName).shown,
            .written(count: contents.certificates.count, mounted: mounted)))
      }
      set { $0.text = text }
    } catch {
      let failure: StateDirectorySnapshot.Failure =
        switch error {
        case .system(let error): .system(error)
        case .foreign: .foreign
        }
      set { $0.failure = failure }
    }
  }

  @inline(never)
  private mutating func removePrivate(_ path: Path, _ snapshot: inout Snapshot) {
    if let directory = try? StateDirectory.open(path, in: root, make: false, for: reader.request.user.user) {
      defer { directory.close() }
      if (try? directory.remove(privateBundleName)) != nil {
        note(Fact(.bundle, .info, path.appending(privateBundleName).shown, .removed))
      }
    }
    for index in (snapshot.stateDirectories ?? []).indices
    where snapshot.stateDirectories?[index].path == path {
      snapshot.stateDirectories?[index].text = nil
    }
  }
}
