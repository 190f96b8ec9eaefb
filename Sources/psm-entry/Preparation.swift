import Certificates
import Linux
import Proxies
import Text
import TrustStores

/// What the stores are to become, and the environment that comes of it.
///
/// A start applies it as it goes and logs what it finds as it finds it, so that a preparation that is
/// killed has said what it had done. A trial goes the same way and changes nothing: `plan` prints
/// what it has found, `check` judges it.
struct Preparation {
  enum Purpose {
    /// - Parameter deadline: when all waiting for others ends.
    case start(deadline: Deadline)
    case trial
  }

  /// A store that is changed, or would be.
  struct Change {
    enum Kind: Equatable { case system, bundle, privateBundle }

    let store: Path
    let kind: Kind
    /// Fingerprints in hex digits.
    let added: [Text]
    let removed: [Text]
    let isRepair: Bool
  }

  let circumstances: Circumstances
  private(set) var changes: [Change] = []
  /// What was found, and what it belongs to.
  private(set) var findings: [(area: Check.Name, problem: Problem)] = []
  private(set) var environment: Environment
  /// The bundle of the system store, where there is one that is looked after.
  private(set) var systemBundle: Path?
  /// Whether a store could not be read, so that nothing can be said of it.
  private(set) var isUncertain = false

  private let deadline: Deadline
  private let lockDeadline: Deadline
  private let isTrial: Bool
  /// The file to export: found good.
  private var exportPath: Path?
  private var servesPrivately = false
  /// Of the bundle before: images often bring the same one twice.
  private var lastMerge: BundleMerge?
  /// A text that nobody needs any more: the next one is read into its memory.
  private var spareText: [UInt8] = []
  /// In a trial: whether a start would bring the system store to trust all that is wanted.
  private var storeWillTrustAll = false
  /// Files that have been seen to, whatever names lead to them.
  private var settledFiles: [Metadata.Identity] = []
  /// Files that were to be changed and were left as they are.
  private var unwrittenFiles: [Metadata.Identity] = []
  /// Fingerprints of our anchors in the system store, in hex digits.
  private var anchored: [[UInt8]] = []
  /// What the private bundle holds, where it serves.
  private var privateText: [UInt8] = []

  private var settings: Settings { circumstances.settings }
  private var root: Root { circumstances.root }
  private var wanted: Wanted { circumstances.wanted }

  init(_ circumstances: Circumstances, for purpose: Purpose) {
    self.circumstances = circumstances
    environment = circumstances.environment
    switch purpose {
    case .start(let deadline):
      self.deadline = deadline
      isTrial = false
    case .trial:
      deadline = Deadline(secondsFromNow: 0)
      isTrial = true
    }
    lockDeadline = min(deadline, Deadline(secondsFromNow: 10))

    reach(.system, circumstances.environment)
    settleSystem()
    reach(.bundles, circumstances.environment)
    settleBundles()
    reach(.environment, circumstances.environment)
    let (environment, problems) = serviceEnvironment(
      circumstances, exporting: exportPath, isPrivate: servesPrivately, redirecting: redirected)
    self.environment = environment
    for problem in problems { say(.variable, problem) }
    if isTrial { foreseeUser() }
  }

  /// The file that a client of the service would read: the one exported, else the first bundle there.
  var bundleInUse: Path? {
    if let exportPath, root.exists(exportPath) { return exportPath }
    return bundlePaths(settings.bundles, in: root).first { root.exists($0.path) }?.path
  }

  /// Whether there is anything here that certificates can be put into.
  var hasStore: Bool { systemBundle != nil || !settledFiles.isEmpty }

  /// All that was found, in order: settings, inputs and proxies first.
  var problems: [Problem] { circumstances.problems + findings.map { $0.problem } }

  @inline(never)
  private mutating func say(_ area: Check.Name, _ problem: Problem) {
    findings.append((area, problem))
    if !isTrial { settings.essentials.log.write(problem) }
  }
}

extension Preparation {
  /// What becoming the user will do to the environment. In a start the first process does it itself.
  private mutating func foreseeUser() {
    guard let user = settings.essentials.user else { return }
    do throws(Problem) {
      let account = try findAccount(user, in: root)
      if !account.isCurrent { environment.set(("HOME" as StaticString).bytes, to: account.home) }
    } catch {
      say(.variable, error)
    }
  }
}

// MARK: The system store

extension Preparation {
  private mutating func settleSystem() {
    guard var store = SystemStore(in: root, runsTool: settings.system == .auto) else { return }
    if settings.system == .off {
      // Its clients may be redirected to the private bundle all the same.
      anchored = store.anchoredFingerprints(in: root)
      return
    }
    systemBundle = store.bundle
    if let tool = store.tool, wanted.certificates.count > SystemStore.toolLimit(seconds: toolSeconds) {
      say(.system, tooManyProblem(tool, wanted.certificates.count))
      store = store.native
    }
    let state: SystemStore.State
    do throws(ReadError) { state = try store.state(in: root, reusing: &spareText) } catch {
      isUncertain = true
      say(.system, .error(store.bundle.shown, "the system store \(error.text) and is left alone"))
      return
    }
    anchored = state.anchoredFingerprints(of: store)
    let plan = store.plan(state, wanted: wanted)
    spareText = state.bundle ?? []
    if let problem = plan.distrustProblem { say(.system, problem) }
    if store.tool == nil { settleNatively(store, plan) } else { settleByTool(store, plan) }
  }

  /// The tool's share of the preparation's time: a fifth is left to say what came of it.
  private var toolSeconds: Int { Int(settings.essentials.timeout) * 4 / 5 }

  private mutating func settleByTool(_ store: SystemStore, _ plan: SystemStore.Plan) {
    let update = update(store, plan)
    // A bundle that the tool builds is not merged into as well.
    if let built = root.metadata(of: store.bundle)?.identity { settledFiles.append(built) }
    if let blocker = update.blocker { return leaveAlone(store, plan, blocker) }
    if !update.isChanged { return }
    storeWillTrustAll = isTrial && plan.distrusted.isEmpty && !wanted.certificates.isEmpty
    changes.append(
      Change(
        store: store.bundle, kind: .system, added: update.plan.added.map { $0.hex },
        removed: update.plan.removed.map { escaped($0) }, isRepair: false))
  }

  /// The bundle first: the anchors are what tells later which of its certificates are ours.
  private mutating func settleNatively(_ store: SystemStore, _ plan: SystemStore.Plan) {
    if plan.needsChange, let blocker = store.blocker(of: plan, in: root) {
      if let bundle = root.metadata(of: store.bundle)?.identity { settledFiles.append(bundle) }
      return leaveAlone(store, plan, blocker)
    }
    let (merge, blocker) = settleNativeBundle(store, plan)
    if let blocker { return leaveAlone(store, plan, blocker) }
    let update = update(store, plan)
    if let blocker = update.blocker { return leaveAlone(store, plan, blocker) }
    if !update.isChanged && merge?.text == nil { return }
    let willHoldAll = merge.map { $0.refusal == nil && ($0.text != nil || $0.trustsAllWanted) } ?? false
    storeWillTrustAll =
      isTrial && willHoldAll && plan.distrusted.isEmpty && !wanted.certificates.isEmpty
    changes.append(
      Change(
        store: store.bundle, kind: .system, added: (merge?.added ?? update.plan.added).map { $0.hex },
        removed: merge?.removed.map { $0.hex } ?? update.plan.removed.map { escaped($0) },
        isRepair: merge?.isRepair ?? false))
  }

  private mutating func update(_ store: SystemStore, _ plan: SystemStore.Plan) -> SystemUpdate {
    let update = store.update(
      to: plan, wanted: wanted, in: root, isTrial: isTrial, toolDeadline: deadline,
      lockDeadline: lockDeadline, clientPaths: userVariables(circumstances).map { Path($0.value) })
    for problem in update.problems(of: store) { say(.system, problem) }
    return update
  }

  private mutating func leaveAlone(
    _ store: SystemStore, _ plan: SystemStore.Plan, _ blocker: SystemStore.Blocker
  ) {
    if let bundle = root.metadata(of: store.bundle)?.identity { unwrittenFiles.append(bundle) }
    say(.system, blockerProblem(blocker, stillTrusts: plan.removed.count))
  }

  /// Merges into the store's bundle as into any other.
  private mutating func settleNativeBundle(
    _ store: SystemStore, _ plan: SystemStore.Plan
  ) -> (merge: BundleMerge?, blocker: SystemStore.Blocker?) {
    let nativeWanted = Wanted(certificates: plan.wanted, keepsRemoved: wanted.keepsRemoved)
    do throws(BundleFile.Failure) {
      let update = try BundleFile.update(
        store.bundle, in: root, wanted: nativeWanted, like: nil, less: plan.removed, reusing: &spareText,
        isTrial: isTrial, lockDeadline: lockDeadline)
      lastMerge = update.merge
      settledFiles.append(update.identity)
      if update.passedOverLock { say(.system, lockProblem(store.bundle)) }
      if case .irreplaceable(let failure) = update.outcome {
        return (nil, SystemStore.Blocker(path: store.bundle, reason: .replacing(failure)))
      }
      for problem in update.problems(at: store.bundle) { say(.system, problem) }
      if case .originalNotKept = update.outcome { return (nil, nil) }
      return (update.merge, nil)
    } catch {
      // A store without a bundle is none: there is nothing to be merged into.
      if case .unreadable(let reason) = error {
        isUncertain = true
        say(.system, unreadableProblem(store.bundle, reason))
      }
      return (nil, nil)
    }
  }
}

// MARK: Bundles

extension Preparation {
  private mutating func settleBundles() {
    var isTheBundle = true
    var failures: [(pattern: Path, reason: PatternFailure)] = []
    let bundles = bundlePaths(settings.bundles, in: root) { failures.append(($0, $1)) }
    for failure in failures { say(.bundle, patternProblem(failure.pattern, failure.reason)) }
    for bundle in bundles {
      do throws(BundleFile.Failure) {
        try settleBundle(bundle.path, isTheBundle: isTheBundle)
        isTheBundle = false
      } catch .unreadable(let reason) {
        isUncertain = true
        isTheBundle = false
        say(.bundle, unreadableProblem(bundle.path, reason))
      } catch {
        let isMissed = bundle.isPlain && (settings.namesBundles || !wanted.certificates.isEmpty)
        if isMissed { say(.bundle, missingBundleProblem(bundle.path)) }
      }
    }
  }

  private mutating func settleBundle(_ path: Path, isTheBundle: Bool) throws(BundleFile.Failure) {
    if let identity = root.metadata(of: path)?.identity, settledFiles.contains(identity) {
      // Another name for a file that has been seen to serves under this name too.
      if isTheBundle { try exportSettledBundle(path) }
      return
    }
    let update = try BundleFile.update(
      path, in: root, wanted: wanted, like: lastMerge, reusing: &spareText, isTrial: isTrial,
      lockDeadline: lockDeadline)
    lastMerge = update.merge
    settledFiles.append(update.identity)
    if update.passedOverLock { say(.bundle, lockProblem(path)) }
    if case .irreplaceable(let failure) = update.outcome {
      for problem in update.merge.problems(at: path, isRepaired: false) { say(.bundle, problem) }
      unwrittenFiles.append(update.identity)
      if isTheBundle { servesPrivately = servePrivately(beside: update.file) }
      say(
        .bundle,
        irreplaceableProblem(path, failure, update.merge, servedBy: servesPrivately ? exportPath : nil))
      return
    }
    for problem in update.problems(at: path) { say(.bundle, problem) }
    if case .originalNotKept = update.outcome {
      unwrittenFiles.append(update.identity)
      if isTheBundle { servesPrivately = servePrivately(beside: update.file) }
      return
    }
    if update.outcome == .replaced { note(update.merge, path, .bundle) }
    if isTheBundle { exportTheBundle(update, path) }
  }

  @inline(never)
  private mutating func note(_ merge: BundleMerge, _ path: Path, _ kind: Change.Kind) {
    changes.append(
      Change(
        store: path, kind: kind, added: merge.added.map { $0.hex }, removed: merge.removed.map { $0.hex },
        isRepair: merge.isRepair))
  }

  /// What is to be exported, now that the bundle itself is as it should be.
  private mutating func exportTheBundle(_ update: BundleUpdate, _ path: Path) {
    let isGood = update.outcome == .replaced || update.merge.trustsAllWanted
    if isGood && (update.merge.managedCount > 0 || !wanted.certificates.isEmpty) {
      exportPath = path
    } else if wanted.keepsRemoved {
      servesPrivately = servePrivately(beside: update.file)
    } else if wanted.certificates.isEmpty && !isTrial {
      for folder in settings.stateFolders { PrivateBundle.remove(at: folder, in: root) }
    }
  }

  /// Exports the bundle that is another name of a file seen to before; the private one where that could not
  /// be brought to trust all that is wanted, as a store that only root may change.
  private mutating func exportSettledBundle(_ path: Path) throws(BundleFile.Failure) {
    if storeWillTrustAll || trustsAllWanted(path) {
      exportPath = path
      return
    }
    if wanted.certificates.isEmpty && !wanted.keepsRemoved { return }
    let file = try BundleFile.open(path, in: root, reusing: &spareText)
    defer { file.folder.close() }
    servesPrivately = servePrivately(beside: file)
    if !wanted.certificates.isEmpty {
      say(.bundle, settledBundleProblem(path, servedBy: servesPrivately ? exportPath : nil))
    }
  }

  /// Writes the private bundle into the first state folder that serves, and exports it.
  /// - Returns: whether it serves.
  private mutating func servePrivately(beside file: BundleFile) -> Bool {
    let own = BundleContents(reading: ManagedSection.base(of: file.text))
    if own.certificates.isEmpty { return false }
    guard let texts = redirectedTexts(beside: file) else { return false }
    let base = PrivateBundle.commonBase(of: texts)
    let guarded = settings.stateFolders.filter { PrivateBundle.isGuarded($0, in: root) }
    let unguarded = settings.stateFolders.filter { !guarded.contains($0) }
    for folder in guarded + unguarded {
      let merge = PrivateBundle.merge(of: base, wanted: wanted, at: folder, in: root)
      let isNeeded = merge.managedCount > 0 || !wanted.certificates.isEmpty
      if merge.refusal != nil || !isNeeded { continue }
      let path = folder.appending(PrivateBundle.name)
      do throws(PrivateBundle.Failure) {
        let written = try PrivateBundle.write(
          merge, into: folder, in: root, isTrial: isTrial, lockDeadline: lockDeadline)
        if written.passedOverLock { say(.bundle, lockProblem(path)) }
        if written.isChanged {
          say(
            .bundle,
            .info(path.shown, "written: \(merge.count) certificates, \(merge.managedCount) of them mounted"))
          note(merge, path, .privateBundle)
        }
        if unguarded.contains(folder) { say(.bundle, unguardedProblem(folder)) }
        exportPath = path
        privateText = merge.privateText
        return true
      } catch {
        say(.bundle, error.problem(at: folder, isNamed: settings.namesStateFolders))
      }
    }
    return false
  }

  /// What the clients that the private bundle's variables redirect have trusted: every bundle's base and the
  /// system store, without what psm-entry has added.
  /// - Returns: nil where one of them cannot be read: its clients would lose what it holds.
  private mutating func redirectedTexts(beside file: BundleFile) -> [[UInt8]]? {
    var texts = [ManagedSection.base(of: file.text)]
    var identities = [file.metadata.identity]
    let store = SystemStore(in: root, runsTool: false)?.bundle
    var isKnown = true
    let bundles = bundlePaths(settings.bundles, in: root) { if $1 != .tooMany { isKnown = false } }
    if !isKnown { return nil }
    for path in bundles.map({ $0.path }) + (store.map { [$0] } ?? []) {
      do throws(ReadError) {
        let (text, metadata) = try root.readFile(path, limit: BundleFile.sizeLimit)
        if identities.contains(metadata.identity) { continue }
        identities.append(metadata.identity)
        texts.append(baseWithoutOurs(text))
      } catch .system(.noSuchFile), .system(.notDirectory), .system(.accessDenied) {
        // What this user may not read, its clients do not read either.
        continue
      } catch {
        say(
          .bundle,
          .error(path.shown, "\(error.text): what it trusts is not known, so no private bundle is used"))
        return nil
      }
    }
    return texts
  }

  private func baseWithoutOurs(_ text: [UInt8]) -> [UInt8] {
    let base = ManagedSection.base(of: text)
    if anchored.isEmpty { return base }
    let order = ByteOrder(anchored)
    let contents = BundleContents(reading: base)
    return contents.text { order.contains(Fingerprint(of: contents.der(of: $0)).hex.utf8) }
  }

  /// The CA variables that name a file which was left unwritten, and all of whose certificates the private bundle
  /// holds: they are pointed to it.
  private var redirected: [[UInt8]] {
    if !servesPrivately { return [] }
    let held = ByteOrder(ders(in: privateText))
    return userVariables(circumstances).filter { variable in
      let path = Path(variable.value)
      guard let identity = root.metadata(of: path)?.identity, unwrittenFiles.contains(identity),
        let text = try? root.read(path, limit: BundleFile.sizeLimit)
      else { return false }
      return ders(in: baseWithoutOurs(text)).allSatisfy { held.contains($0) }
    }.map { $0.name }
  }

  private func trustsAllWanted(_ path: Path) -> Bool {
    guard let text = try? root.read(path, limit: BundleFile.sizeLimit) else { return false }
    return missing(wanted.certificates, in: text).isEmpty && !wanted.certificates.isEmpty
  }
}

private func ders(in text: [UInt8]) -> [[UInt8]] {
  let contents = BundleContents(reading: text)
  return contents.certificates.filter { $0.isTrustedForServers }.map { contents.der(of: $0) }
}

/// Those of `certificates` that a client which reads `text` would not trust.
func missing(_ certificates: [Certificate], in text: [UInt8]) -> [Certificate] {
  let contents = BundleContents(reading: text)
  if contents.damage != nil { return certificates }
  let isTrusted = CertificateIndex(certificates).trusted(by: contents)
  return untrusted(of: certificates, isTrusted)
}
