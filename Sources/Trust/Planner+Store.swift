import Certificates
import Text

// The changes to the distribution's store.

extension Planner {
  mutating func planStore() {
    guard let store = snapshot.system else { return }
    if let reason = store.failure {
      if store.builder == .nobody { return }
      plan.isUncertain = true
      return find(.system, .error, store.family.bundle.shown, .storeUnreadable(reason))
    }
    switch store.builder {
    case .nobody: return
    case .tool(let limit):
      if mounted.certificates.count > limit {
        find(.system, .warning, store.family.tool.shown, .tooMany(mounted.certificates.count))
        planNatively(store)
      } else {
        planByTool(store)
      }
    case .ourselves:
      planNatively(store)
    }
  }

  // MARK: As the bundle

  /// If the image has no bundle of its own, CA variables name the system store's bundle, or a private one if that would
  /// not trust the mounted certificates.
  mutating func planStoreAsTheBundle() {
    guard let store = snapshot.system else {
      // If every bundle has an error, the log already says so.
      let isSaid = plan.findings.contains { $0.area == .bundle && $0.level == .error }
      if !mounted.isEmpty && !isSaid { find(.bundle, .error, "PSM_ENTRY_BUNDLES", .noStore) }
      return
    }
    let isLeftAlone = store.builder == .nobody
    let isWanted = !mounted.isEmpty || (!mounted.isComplete && !store.anchors.isEmpty && !isLeftAlone)
    if !isWanted || (store.failure != nil && !isLeftAlone) { return }
    // A bundle that the tool is about to build does not exist yet.
    let lacking = store.identity.map { self.lacking($0) } ?? (runsTool ? [] : nil)
    if lacking?.isEmpty == true {
      plan.exported = store.family.bundle
      return
    }
    if let identity = store.identity, isLeftAlone { unwritten.append(identity) }
    let substitute = planPrivate(beside: nil)
    find(
      .system, substitute == nil ? .error : .info, store.family.bundle.shown,
      .storeLacks(substitute: substitute))
  }

  private var runsTool: Bool {
    plan.actions.contains {
      if case .updateStore(let update) = $0 { return update.runsTool }
      return false
    }
  }

  // MARK: With the distribution's tool

  @inline(never)
  private mutating func planByTool(_ store: StoreSnapshot) {
    let need = StoreNeed(store, mounted)
    findIgnored(need, store)
    if let run = store.toolRun {
      findProblems(of: run, store)
      return note(store, lacking: untrusted(of: mounted.certificates, store.trusted))
    }
    // Outdated modification times alone need no write permission.
    if !need.needsBuild { return note(store, lacking: need.ignoredInBundle) }
    if need.isTooLarge { return leave(store, .storeTooLarge, .error, matters: true) }
    switch store.replaceability {
    case .unknown: ask(.storeReplaceability(byTool: true, changesAnchors: need.changesAnchors))
    case .blocked(let blocker):
      leave(store, blocker, stillTrusted: need.removed.count, matters: need.isMoreThanDates)
    case .replaceable:
      plan.actions.append(need.update(runsTool: true))
      plan.changes.append(
        StoreChange(store: store.family.bundle, kind: .system, added: need.added, removed: need.removed))
      note(store, lacking: need.ignoredInBundle)
    }
  }

  /// The only place where the result of the tool is judged; its exit status decides nothing.
  private mutating func findProblems(of run: StoreSnapshot.ToolRun, _ store: StoreSnapshot) {
    let bundle = store.family.bundle.shown
    if run.isUnreadable { return find(.system, .error, bundle, .builtUnreadable(run.ending)) }
    if run.isDamaged { find(.system, .error, bundle, .builtMalformed(run.ending)) }
    if let first = run.missing.first {
      let more = run.missing.count - 1
      find(.system, .error, bundle, .notBuilt(subject: first.shownSubject, more: more, run.ending))
    }
    if run.remaining == 0 { return }
    if run.isRebuilt {
      find(.system, .warning, bundle, .trustedOtherwise(run.remaining))
    } else {
      find(.system, .error, bundle, .notRemoved(run.remaining, run.ending))
    }
  }

  // MARK: Without a tool

  /// The bundle is written first: later the anchors tell which of its certificates psm-entry added.
  private mutating func planNatively(_ store: StoreSnapshot) {
    var need = StoreNeed(store, mounted)
    findIgnored(need, store)
    if let bundle = store.standing, need.ignored.isEmpty && !need.changesAnchors,
      !store.isUnfinished && !store.hasLeftovers
    {
      findFault(of: bundle, store.family.bundle, area: .system)
      return note(store, lacking: [])
    }
    if store.identity != nil && store.text == nil { return ask(.storeText) }
    let ours = MountedCertificates(certificates: need.trusted, isComplete: mounted.isComplete)
    let merge = store.text.map { BundleMerge(of: $0, mounted: ours, less: need.removed) }
    // A certificate that the distribution trusts gets no anchor: the anchor would seem to be the reason why it is in
    // the bundle.
    if let merge { need.limitAnchors(to: merge.managed, store) }
    let isChanged = merge?.text != nil || need.changesAnchors || store.isUnfinished || store.hasLeftovers
    if let merge, !isChanged {
      lastMerge = need.ignored.isEmpty ? merge : nil
      findProblems(of: merge, store.family.bundle, isRepaired: false, area: .system)
      return note(store, lacking: missing(mounted.certificates, in: store.text ?? []))
    }
    if !isChanged { return }
    if let merge, merge.refusal != nil {
      findProblems(of: merge, store.family.bundle, isRepaired: false, area: .system)
      return note(store, lacking: missing(mounted.certificates, in: store.text ?? []))
    }
    switch store.replaceability {
    case .unknown:
      return ask(
        .storeReplaceability(byTool: false, changesAnchors: need.changesAnchors || store.isUnfinished))
    case .blocked(let blocker):
      let removed = max(need.removed.count, merge?.removed.count ?? 0)
      return leave(store, blocker, stillTrusted: removed, matters: merge?.text != nil || need.isMoreThanDates)
    case .replaceable: break
    }
    if let merge {
      findProblems(of: merge, store.family.bundle, isRepaired: true, area: .system)
      if merge.text != nil {
        plan.actions.append(.writeBundle([store.family.bundle], merge))
      }
    }
    if store.hasLeftovers { plan.actions.append(.removeLeftovers(store.family.bundle)) }
    if need.changesAnchors || store.isUnfinished { plan.actions.append(need.update(runsTool: false)) }
    plan.changes.append(
      StoreChange(
        store: store.family.bundle, kind: .system, added: merge?.added ?? need.added,
        removed: merge?.removed ?? need.removed, isRepair: merge?.isRepair ?? false))
    note(store, lacking: need.ignoredInBundle)
  }

  // MARK: Left unchanged

  /// - Parameter matters: whether certificates are missing or superfluous, rather than one file older than another.
  @inline(never)
  private mutating func leave(
    _ store: StoreSnapshot, _ blocker: Blocker, stillTrusted count: Int, matters: Bool
  ) {
    leave(
      store, .storeBlocked(blocker, stillTrusted: count), count == 0 ? .warning : .error, matters: matters)
  }

  @inline(never)
  private mutating func leave(
    _ store: StoreSnapshot, _ kind: Finding.Kind, _ level: Level, matters: Bool
  ) {
    if let identity = store.identity { unwritten.append(identity) }
    note(store, lacking: untrusted(of: mounted.certificates, store.trusted))
    if matters { find(.system, level, (store.blockedPath ?? store.family.bundle).shown, kind) }
  }

  private mutating func note(_ store: StoreSnapshot, lacking: [Certificate]) {
    if let identity = store.identity { outlooks.append((identity, lacking)) }
  }

  /// Reports everything that this store will not trust in one line.
  private mutating func findIgnored(_ need: StoreNeed, _ store: StoreSnapshot) {
    guard let first = need.ignored.first else { return }
    let subject = first.certificate.shownSubject
    let isOneReason = need.ignored.allSatisfy { $0.reason == first.reason }
    let kind = Finding.Kind.ignored(
      subject: subject, first.reason, more: need.ignored.count - 1, isOneReason: isOneReason)
    find(.system, .warning, store.family.tool.shown, kind)
  }
}
