import Certificates
import Text

/// What a start does about what was read: a pure function of it.
public func plan(_ snapshot: Snapshot) -> Plan {
  var planner = Planner(snapshot)
  planner.planStore()
  planner.planBundles()
  planner.planVariables()
  return planner.plan
}

/// A plan in the making.
struct Planner {
  let snapshot: Snapshot
  var plan = Plan()
  /// What the clients of each file will not trust when the plan is done.
  var outlooks: [(identity: FileIdentity, lacking: [Certificate])] = []
  /// Files that were to be changed and stay as they are.
  var unwritten: [FileIdentity] = []
  /// Of the bundle before: images often bring the same one twice.
  var lastMerge: BundleMerge?

  init(_ snapshot: Snapshot) { self.snapshot = snapshot }

  var mounted: MountedCertificates { snapshot.mounted }

  mutating func find(_ area: Finding.Area, _ level: Level, _ subject: Text, _ kind: Finding.Kind) {
    plan.findings.append(Finding(area: area, level: level, subject: subject, kind: kind))
  }

  mutating func ask(_ question: Question) {
    if !plan.questions.contains(question) { plan.questions.append(question) }
  }

  func lacking(_ identity: FileIdentity) -> [Certificate]? {
    for outlook in outlooks where outlook.identity == identity { return outlook.lacking }
    return nil
  }
}

// MARK: Bundles

extension Planner {
  mutating func planBundles() {
    for failure in snapshot.patternFailures {
      find(.bundle, .error, failure.pattern.shown, .pattern(failure.reason))
    }
    var isTheBundle = true
    for bundle in snapshot.bundles {
      switch bundle.state {
      case .missing:
        if bundle.isPlain && (bundle.isNamed || !mounted.isEmpty) {
          find(.bundle, .error, bundle.path.shown, .missing)
        }
        continue
      case .unreadable(let reason):
        plan.isUncertain = true
        find(.bundle, .error, bundle.path.shown, .unreadable(reason))
      case .read(let file):
        plan.hasStore = true
        if let lacking = lacking(file.identity) {
          planOtherName(bundle.path, file, lacking: lacking, isTheBundle: isTheBundle)
        } else {
          planBundle(bundle.path, file, isTheBundle: isTheBundle)
        }
        planLeftovers(bundle.path, file)
      }
      isTheBundle = false
    }
    if mounted.isEmpty && mounted.isComplete && plan.exported == nil { planRemovalOfPrivate() }
  }

  private mutating func planLeftovers(_ path: Path, _ file: BundleSnapshot.File) {
    if !file.hasLeftovers { return }
    if file.replaceability == .unknown { return ask(.replaceability(path)) }
    if file.replaceability != .replaceable { return }
    plan.actions.append(.removeLeftovers(path))
    if !plan.changes.contains(where: { $0.store == path }) {
      plan.changes.append(StoreChange(store: path, kind: .bundle))
    }
  }

  private mutating func planBundle(_ path: Path, _ file: BundleSnapshot.File, isTheBundle: Bool) {
    let merge = BundleMerge.merge(of: file.text, mounted: mounted, like: lastMerge)
    lastMerge = merge
    if merge.text == nil {
      outlooks.append((file.identity, merge.untrustedNow))
      findProblems(of: merge, path, isRepaired: false)
      if isTheBundle { export(path, merge) }
      return
    }
    let names = snapshot.bundles.filter { $0.file?.identity == file.identity }.map { $0.path }
    switch replaceability(of: names) {
    case .unknown: ask(.replaceability(path))
    case .replaceable:
      outlooks.append((file.identity, []))
      findProblems(of: merge, path, isRepaired: true)
      plan.actions.append(.writeBundle(names, merge))
      plan.changes.append(
        StoreChange(
          store: path, kind: .bundle, added: merge.added, removed: merge.removed, isRepair: merge.isRepair))
      if isTheBundle && !(merge.managedCount == 0 && mounted.isEmpty) { plan.exported = path }
    case .blocked(let blocker):
      outlooks.append((file.identity, merge.untrustedNow))
      unwritten.append(file.identity)
      findProblems(of: merge, path, isRepaired: false)
      let substitute = isTheBundle ? planPrivate(beside: file) : privatePath
      let onlyRemoves = merge.managedCount == 0 && !merge.removed.isEmpty
      find(
        .bundle, substitute == nil ? .error : .info, path.shown,
        .blocked(blocker, substitute: substitute, onlyRemoves: onlyRemoves))
    }
  }

  /// The private bundle, where it serves.
  private var privatePath: Path? { plan.isPrivate ? plan.exported : nil }

  /// One file can be replaced if it can under each of its names.
  private func replaceability(of names: [Path]) -> Replaceability {
    var all = Replaceability.replaceable
    for bundle in snapshot.bundles where names.contains(bundle.path) {
      switch bundle.file?.replaceability ?? .unknown {
      case .blocked(let blocker): return .blocked(blocker)
      case .unknown: all = .unknown
      case .replaceable: break
      }
    }
    return all
  }

  /// A further name of a file that has been planned.
  private mutating func planOtherName(
    _ path: Path, _ file: BundleSnapshot.File, lacking: [Certificate], isTheBundle: Bool
  ) {
    if mounted.isEmpty { return }
    if lacking.isEmpty {
      if isTheBundle { plan.exported = path }
      return
    }
    let substitute = isTheBundle ? planPrivate(beside: file) : privatePath
    find(.bundle, substitute == nil ? .error : .info, path.shown, .sameFileLacks(substitute: substitute))
  }

  /// Exports the bundle as it stands.
  private mutating func export(_ path: Path, _ merge: BundleMerge) {
    if merge.trustsAllMounted && (merge.managedCount > 0 || !mounted.isEmpty) {
      plan.exported = path
    } else if !mounted.isComplete, let file = file(at: path) {
      _ = planPrivate(beside: file)
    }
  }

  private func file(at path: Path) -> BundleSnapshot.File? {
    for bundle in snapshot.bundles where bundle.path == path { return bundle.file }
    return nil
  }

  mutating func findProblems(of merge: BundleMerge, _ path: Path, isRepaired: Bool, area: Finding.Area = .bundle) {
    if merge.hasStrayMarks { find(area, .warning, path.shown, .strayMarkers) }
    switch merge.refusal {
    case .empty where merge.text != nil, .noCertificates where merge.text != nil:
      find(area, .error, path.shown, .onlyRemoved)
    case .empty: find(area, .error, path.shown, .empty)
    case .noCertificates: find(area, .error, path.shown, .noCertificates)
    case .tooLarge: find(area, .error, path.shown, .tooLarge)
    case nil:
      if let fault = merge.fault {
        find(area, .warning, path.shown, .refusedBySome(line: fault.line, fault.reason))
      }
      guard let damage = merge.damage else { return }
      if merge.isRepair {
        find(area, .error, path.shown, .malformed(damage, isRepaired: isRepaired))
      } else {
        find(area, .warning, path.shown, .malformed(damage, isRepaired: nil))
      }
    }
  }
}

// MARK: The private bundle

extension Planner {
  /// Plans the private bundle that stands in for a file which cannot be replaced.
  /// - Returns: its path; nil where no state directory serves, or where it is not known yet.
  private mutating func planPrivate(beside file: BundleSnapshot.File) -> Path? {
    if BundleContents(reading: ManagedSection.base(of: file.text)).certificates.isEmpty { return nil }
    if let store = snapshot.system, store.identity != nil, store.failure == nil, store.text == nil {
      ask(.storeText)
    }
    guard let directories = snapshot.stateDirectories else {
      ask(.stateDirectories)
      return nil
    }
    if !plan.questions.isEmpty { return nil }
    if !isTrustKnown { return nil }
    let base = commonBase(of: redirectedTexts(beside: file))
    for directory in directories {
      if let failure = directory.failure {
        let level: Level = failure == .foreign || directory.isNamed ? .warning : .debug
        find(.bundle, level, directory.path.shown, .stateDirectoryFailed(failure))
      }
    }
    for isGuarded in [true, false] {
      let choices = directories.filter { $0.isGuarded == isGuarded && $0.failure != .foreign }
        .map { ($0, privateMerge(base, $0)) }
        .filter { $0.1.refusal == nil && ($0.1.managedCount > 0 || !mounted.isEmpty) }
      // One that holds it already is as good as the first.
      let choice = choices.first { $0.0.text == $0.1.privateText } ?? choices.first { $0.0.failure == nil }
      if let (directory, merge) = choice { return use(directory, merge) }
    }
    return nil
  }

  /// Whether all is known that the private bundle is to hold. What this user may not read (EACCES), its clients do not
  /// read either.
  private var isTrustKnown: Bool {
    func isKnown(_ reason: ReadError) -> Bool { reason == .system(Errno(rawValue: 13)) }
    for bundle in snapshot.bundles {
      if case .unreadable(let reason) = bundle.state, !isKnown(reason) { return false }
    }
    for failure in snapshot.patternFailures where failure.reason != .tooMany { return false }
    return snapshot.system?.failure.map { isKnown($0) } ?? true
  }

  private func privateMerge(_ base: [UInt8], _ directory: StateDirectorySnapshot) -> BundleMerge {
    var kept: [Certificate] = []
    if !mounted.isComplete, let old = directory.text, let range = ManagedSection.locate(in: old).range {
      kept = certificates(in: old[range])
    }
    return BundleMerge(of: base, mounted: mounted.adding(kept))
  }

  private mutating func use(_ directory: StateDirectorySnapshot, _ merge: BundleMerge) -> Path {
    let path = directory.path.appending(privateBundleName)
    let text = merge.privateText
    if directory.text != text {
      plan.actions.append(.writePrivate(in: directory.path, text: text))
      var change = StoreChange(store: path, kind: .privateBundle)
      let held = directory.text.map { fingerprints(ofSectionIn: $0) } ?? []
      let new = fingerprints(ofSectionIn: text)
      change.added = difference(of: new, and: held)
      change.removed = difference(of: held, and: new)
      plan.changes.append(change)
    }
    if !directory.isGuarded { find(.bundle, .warning, directory.path.shown, .stateDirectoryUnguarded) }
    plan.exported = path
    plan.isPrivate = true
    redirectVariables(to: path, text)
    return path
  }

  /// What the clients that the private bundle's variables redirect trusted: every bundle's base and the system
  /// store's, without what psm-entry has added.
  private func redirectedTexts(beside file: BundleSnapshot.File) -> [[UInt8]] {
    var texts = [ManagedSection.base(of: file.text)]
    var identities = [file.identity]
    for other in snapshot.bundles.compactMap({ $0.file }) where !identities.contains(other.identity) {
      identities.append(other.identity)
      texts.append(baseWithoutOurs(other.text, isStore: other.identity == snapshot.system?.identity))
    }
    if let store = snapshot.system, let identity = store.identity, let text = store.text,
      !identities.contains(identity)
    {
      texts.append(baseWithoutOurs(text, isStore: true))
    }
    return texts
  }

  private func baseWithoutOurs(_ text: [UInt8], isStore: Bool) -> [UInt8] {
    let base = ManagedSection.base(of: text)
    guard isStore, let store = snapshot.system else { return base }
    return withoutCertificates(store.anchors.compactMap { fingerprint(ofAnchor: $0) }, base)
  }

  /// Points the user's variables to the private bundle that name a file which was left unwritten, and all of whose
  /// certificates it holds.
  private mutating func redirectVariables(to path: Path, _ text: [UInt8]) {
    let held = ByteOrder(trustedDERs(in: text))
    for variable in snapshot.variables {
      guard case .file(let identity, _) = variable.state, unwritten.contains(identity),
        let file = self.text(of: identity)
      else { continue }
      let base = baseWithoutOurs(file, isStore: identity == snapshot.system?.identity)
      if !trustedDERs(in: base).allSatisfy({ held.contains($0) }) { continue }
      plan.redirected.append(variable.name)
      find(.variable, .info, escaped(variable.name), .redirected(from: variable.path, to: path))
    }
  }

  private func text(of identity: FileIdentity) -> [UInt8]? {
    for bundle in snapshot.bundles {
      if let file = bundle.file, file.identity == identity { return file.text }
    }
    return snapshot.system?.identity == identity ? snapshot.system?.text : nil
  }

  /// Where nothing is mounted any more, no private bundle serves anybody.
  private mutating func planRemovalOfPrivate() {
    if snapshot.bundles.allSatisfy({ $0.file == nil }) { return }
    guard let directories = snapshot.stateDirectories else { return ask(.stateDirectories) }
    for directory in directories where directory.failure == nil {
      guard let text = directory.text else { continue }
      plan.actions.append(.removePrivate(in: directory.path))
      var change = StoreChange(store: directory.path.appending(privateBundleName), kind: .privateBundle)
      change.removed = fingerprints(ofSectionIn: text)
      plan.changes.append(change)
    }
  }
}

/// The private bundle's name in a state directory.
public let privateBundleName = Path("cacert.pem")

/// What clients of several files trust, as one text: the certificates of each, in canonical form. What an earlier
/// one holds already is not repeated.
func commonBase(of texts: [[UInt8]]) -> [UInt8] {
  var common: [UInt8] = []
  var trusted: [[UInt8]] = []
  for text in texts {
    let contents = BundleContents(reading: text)
    let known = ByteOrder(trusted)
    common += contents.canonicalText { !known.contains(contents.der(of: $0)) }
    trusted += contents.trustedDERs
  }
  return common
}

private func trustedDERs(in text: [UInt8]) -> [[UInt8]] { BundleContents(reading: text).trustedDERs }

extension BundleContents {
  fileprivate var trustedDERs: [[UInt8]] {
    certificates.filter { $0.isTrustedForServers }.map { der(of: $0) }
  }
}

private func fingerprints(ofSectionIn text: [UInt8]) -> [Fingerprint] {
  guard let range = ManagedSection.locate(in: text).range else { return [] }
  return certificates(in: text[range]).map { $0.fingerprint }
}

// MARK: Variables

extension Planner {
  /// What is wrong with the CA variables that the user has set: they stay, but whoever obeys them may not trust what
  /// is mounted. A file of ours is judged by what it will hold.
  mutating func planVariables() {
    if mounted.isEmpty { return }
    let redirected = ByteOrder(plan.redirected)
    for variable in snapshot.variables where variable.path != plan.exported {
      if redirected.contains(variable.name) { continue }
      let name = escaped(variable.name)
      switch variable.state {
      case .unreadable(let reason): find(.variable, .warning, name, .variableUnreadable(variable.path, reason))
      case .file(let identity, let text):
        let lacking = lacking(identity) ?? text.map { missing(mounted.certificates, in: $0) } ?? []
        guard let first = lacking.first else { continue }
        find(
          .variable, .warning, name,
          .variableLacks(variable.path, subject: first.shownSubject, more: lacking.count - 1))
      }
    }
  }
}
