import Certificates
import Text

/// Plans what a start does: a pure function of what was read.
@inline(never)
public func plan(_ snapshot: Snapshot) -> Plan {
  var planner = Planner(snapshot)
  planner.planStore()
  planner.planBundles()
  planner.findMissingIssuers()
  planner.planVariables()
  planner.countStores()
  return planner.plan
}

/// A plan in the making.
struct Planner {
  let snapshot: Snapshot
  var plan = Plan()
  /// The certificates that the clients of each file will not trust once the plan is carried out.
  var outlooks: [(identity: FileIdentity, lacking: [Certificate])] = []
  /// Files that should have been changed and stay unchanged.
  var unwritten: [FileIdentity] = []
  /// Bundles that could not be read. They are not known to trust anything.
  var unreadableCount = 0
  /// The merge of the previous bundle: images often contain the same bundle twice.
  var lastMerge: BundleMerge?

  init(_ snapshot: Snapshot) { self.snapshot = snapshot }

  var mounted: MountedCertificates { snapshot.mounted }

  mutating func find(_ area: Finding.Area, _ level: Level, _ subject: Text, _ kind: Finding.Kind) {
    plan.findings.append(Finding(area: area, level: level, subject: subject, kind: kind))
  }

  @inline(never)
  mutating func ask(_ question: Question) {
    if !plan.questions.contains(question) { plan.questions.append(question) }
  }

  func lacking(_ identity: FileIdentity) -> [Certificate]? {
    for outlook in outlooks where outlook.identity == identity { return outlook.lacking }
    return nil
  }

  /// The private bundle counts as a store.
  mutating func countStores() {
    let privateCount = plan.isPrivate ? 1 : 0
    plan.storeCount = outlooks.count + unreadableCount + privateCount
    plan.trustingStoreCount = outlooks.count { $0.lacking.isEmpty } + privateCount
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
        if bundle.isRequired { find(.bundle, .error, bundle.path.shown, .missing) }
        continue
      case .unreadable(let reason):
        plan.isUncertain = true
        unreadableCount += 1
        find(.bundle, .error, bundle.path.shown, .unreadable(reason))
        // No client reads a directory. Whatever else cannot be read here, a client may trust.
        if reason == .notRegular { continue }
      case .read(let file):
        let isTheBundle = isTheBundle && !file.isEmpty
        if let lacking = lacking(file.identity) {
          planOtherName(bundle.path, file, lacking: lacking, isTheBundle: isTheBundle)
        } else {
          planBundle(bundle.path, file, isTheBundle: isTheBundle)
        }
        planLeftovers(bundle.path, file)
      }
      isTheBundle = isTheBundle && bundle.file?.isEmpty == true
    }
    if isTheBundle { planStoreAsTheBundle() }
    if mounted.isEmpty && mounted.isComplete && plan.exported == nil { planRemovalOfPrivate() }
  }

  private mutating func planLeftovers(_ path: Path, _ file: BundleSnapshot.File) {
    if !file.hasLeftovers { return }
    if file.replaceability == .unknown { return ask(.replaceability(path)) }
    let names = names(of: file.identity)
    let isFirst = names.first == path
    if file.replaceability != .replaceable || !isFirst { return }
    plan.actions.append(.removeLeftovers(path))
    if !plan.changes.contains(where: { names.contains($0.store) }) {
      plan.changes.append(StoreChange(store: path, kind: .bundle))
    }
  }

  @inline(never)
  private mutating func planBundle(_ path: Path, _ file: BundleSnapshot.File, isTheBundle: Bool) {
    let text: [UInt8]
    switch file.contents {
    case .text(let known): text = known
    case .standing(let bundle): return planStanding(path, file, bundle, isTheBundle: isTheBundle)
    }
    let merge = BundleMerge.merge(of: text, mounted: mounted, like: lastMerge)
    lastMerge = merge
    if merge.text == nil {
      outlooks.append((file.identity, merge.untrustedNow))
      findProblems(of: merge, path, isRepaired: false)
      if isTheBundle { export(path, merge) }
      return
    }
    let names = names(of: file.identity)
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
      let stillTrusted = merge.removed.count
      find(
        .bundle, substitute == nil ? .error : stillTrusted > 0 ? .warning : .info, path.shown,
        .blocked(
          blocker, substitute: substitute, onlyRemoves: merge.managedCount == 0 && stillTrusted > 0,
          stillTrusted: stillTrusted))
    }
  }

  /// Plans a bundle that is up to date.
  private mutating func planStanding(
    _ path: Path, _ file: BundleSnapshot.File, _ bundle: StandingBundle, isTheBundle: Bool
  ) {
    outlooks.append((file.identity, []))
    findFault(of: bundle, path, area: .bundle)
    if isTheBundle && !mounted.isEmpty { plan.exported = path }
  }

  mutating func findFault(of bundle: StandingBundle, _ path: Path, area: Finding.Area) {
    guard let fault = bundle.fault else { return }
    find(area, .warning, path.shown, .refusedBySome(line: fault.line, fault.reason))
  }

  /// Whether the text of every bundle that psm-entry writes is known. Asks for those that are missing.
  mutating func hasBundleTexts() -> Bool {
    let areKnown = snapshot.bundles.allSatisfy { $0.file.map { $0.text != nil } ?? true }
    if !areKnown { ask(.bundleTexts) }
    if snapshot.system?.standing == nil { return areKnown }
    ask(.storeText)
    return false
  }

  private func names(of identity: FileIdentity) -> [Path] {
    snapshot.bundles.filter { $0.file?.identity == identity }.map { $0.path }
  }

  /// The private bundle, if it is used.
  private var privatePath: Path? { plan.isPrivate ? plan.exported : nil }

  /// A file can be replaced if it can be under each of its names.
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

  /// Plans another name of a file that is already planned.
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

  /// Exports the bundle.
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

  mutating func findProblems(
    of merge: BundleMerge, _ path: Path, isRepaired: Bool, area: Finding.Area = .bundle
  ) {
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

// MARK: Issuers

extension Planner {
  /// Reports intermediate CAs whose issuer is neither mounted nor in a store: curl trusts them, older Pythons do not.
  mutating func findMissingIssuers() {
    var orphans = mounted.orphans
    func leaveOut(issuedBy subjects: [[UInt8]]) {
      orphans = mounted.leavingOut(orphans, issuedBy: subjects)
    }
    if orphans.isEmpty || !hasBundleTexts() { return }
    if let lastMerge { leaveOut(issuedBy: lastMerge.baseSubjects) }
    if !orphans.isEmpty {
      let texts = snapshot.bundles.compactMap { $0.file?.text } + (snapshot.system?.text.map { [$0] } ?? [])
      if texts.isEmpty, snapshot.system?.identity != nil, snapshot.system?.failure == nil { ask(.storeText) }
      leaveOut(issuedBy: texts.flatMap { BundleContents(reading: $0).subjects })
    }
    for number in orphans {
      let certificate = mounted.certificates[number]
      let source = number < mounted.origins.count ? mounted.origins[number].source.shown : ""
      find(
        .input, .warning, source,
        .issuerMissing(
          certificate.fingerprint, subject: certificate.shownSubject,
          issuer: certificate.issuerText.cut(to: 256)))
    }
  }
}
