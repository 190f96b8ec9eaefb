import Certificates
import Linux
import Proxies
import Text
import TrustStores

/// What a start would change, found without changing anything.
struct Plan {
  enum Kind: Equatable {
    case system, bundle, privateBundle

    var name: Text {
      switch self {
      case .system: "system"
      case .bundle: "bundle"
      case .privateBundle: "private"
      }
    }
  }

  struct Change {
    let store: Path
    let kind: Kind
    /// Fingerprints in hex digits.
    let added: [Text]
    let removed: [Text]
    let isRepair: Bool
  }

  private(set) var changes: [Change] = []
  private(set) var systemProblems: [Problem] = []
  private(set) var bundleProblems: [Problem] = []
  private(set) var variableProblems: [Problem] = []
  private(set) var environment: Environment
  /// The bundle of the system store, where there is one that is looked after.
  private(set) var systemStore: Path?
  /// Whether a store could not be judged.
  private(set) var isUncertain = false

  private let circumstances: Circumstances
  private var exportPath: Path?
  private var servesPrivately = false
  private var settledFiles: [Metadata.Identity] = []

  private var root: Root { circumstances.root }
  private var wanted: Wanted { circumstances.wanted }

  init(_ circumstances: Circumstances) {
    self.circumstances = circumstances
    environment = circumstances.environment
    let obstacle = planSystem()
    planBundles()
    if let obstacle { systemProblems.append(obstacle.problem(servesPrivately: servesPrivately)) }
    (environment, variableProblems) = serviceEnvironment(
      circumstances, exporting: exportPath, isPrivate: servesPrivately)
  }

  var proxies: ProxyOutcome { circumstances.proxies }
  var problems: [Problem] { circumstances.problems + systemProblems + bundleProblems + variableProblems }

  /// 0 nothing to do, 2 a store would change, 1 it could not tell.
  var exitStatus: Int32 { isUncertain ? 1 : changes.isEmpty ? 0 : 2 }

  // MARK: The system store

  private mutating func planSystem() -> SystemObstacle? {
    let mode = circumstances.settings.system
    guard mode != .off, let store = SystemStore(in: root, runsTool: mode == .auto) else { return nil }
    let state: SystemStore.State
    do throws(ReadError) { state = try store.state(in: root) } catch {
      systemProblems.append(.error(store.bundle.shown, "the system store \(error.text)"))
      isUncertain = true
      return nil
    }
    systemStore = store.bundle
    let plan = store.plan(state, wanted: wanted)
    if let problem = plan.distrustProblem { systemProblems.append(problem) }
    var merge: BundleMerge?
    if store.tool == nil {
      merge = planNativeBundle(store, plan)
    } else if let built = root.metadata(of: store.bundle)?.identity {
      settledFiles.append(built)
    }
    if !plan.needsChange && merge?.text == nil { return nil }
    if let obstacle = store.obstacle(in: root), plan.needsChange {
      return SystemObstacle(path: store.anchors, reason: obstacle.text)
    }
    changes.append(
      Change(
        store: store.bundle, kind: .system, added: (merge?.added ?? plan.added).map { $0.hex },
        removed: merge?.removed.map { $0.hex } ?? plan.removed.map { escaped($0) },
        isRepair: merge?.isRepair ?? false))
    return nil
  }

  private mutating func planNativeBundle(_ store: SystemStore, _ plan: SystemStore.Plan) -> BundleMerge? {
    guard let file = try? BundleFile.open(store.bundle, in: root) else { return nil }
    file.folder.close()
    settledFiles.append(file.metadata.identity)
    let merge = BundleMerge(
      of: file.text, wanted: Wanted(certificates: plan.wanted, keepsRemoved: wanted.keepsRemoved))
    systemProblems += merge.problems(at: store.bundle, isRepaired: true)
    return merge
  }

  // MARK: Bundles

  private mutating func planBundles() {
    var isTheBundle = true
    for bundle in bundlePaths(circumstances.settings.bundles, in: root) {
      do throws(BundleFile.Failure) {
        try planBundle(bundle.path, isTheBundle: isTheBundle)
        isTheBundle = false
      } catch .unreadable(let reason) {
        bundleProblems.append(.error(bundle.path.shown, "the bundle \(reason.text)"))
        isUncertain = true
        isTheBundle = false
      } catch {
        let isMissed = bundle.isPlain && (circumstances.settings.namesBundles || !wanted.certificates.isEmpty)
        if isMissed { bundleProblems.append(missingBundleProblem(bundle.path)) }
      }
    }
  }

  private mutating func planBundle(_ path: Path, isTheBundle: Bool) throws(BundleFile.Failure) {
    let file = try BundleFile.open(path, in: root)
    defer { file.folder.close() }
    if settledFiles.contains(file.metadata.identity) {
      if isTheBundle && !wanted.certificates.isEmpty { exportPath = path }
      return
    }
    settledFiles.append(file.metadata.identity)
    let merge = BundleMerge(of: file.text, wanted: wanted)
    bundleProblems += merge.problems(at: path, isRepaired: true)
    if merge.text != nil, let obstacle = file.obstacle {
      if isTheBundle { servesPrivately = planPrivateBundle(beside: file) }
      bundleProblems.append(
        irreplaceableProblem(path, obstacle, servedBy: servesPrivately ? exportPath : nil))
      return
    }
    if merge.text != nil {
      changes.append(
        Change(
          store: path, kind: .bundle, added: merge.added.map { $0.hex },
          removed: merge.removed.map { $0.hex },
          isRepair: merge.isRepair))
    }
    if !isTheBundle { return }
    if merge.managedCount > 0 || (!wanted.certificates.isEmpty && merge.refusal == nil) {
      exportPath = path
    } else if wanted.keepsRemoved {
      servesPrivately = planPrivateBundle(beside: file)
    }
  }

  private mutating func planPrivateBundle(beside file: BundleFile) -> Bool {
    for folder in circumstances.settings.stateFolders {
      let merge = PrivateBundle.merge(of: file, wanted: wanted, at: folder, in: root)
      if merge.refusal != nil || merge.managedCount == 0 { continue }
      guard let standing = PrivateBundle.standing(at: folder, in: root) else { continue }
      exportPath = folder.appending(PrivateBundle.name)
      if case .text(let text) = standing, text == merge.privateText { return true }
      var before: [Text] = []
      if case .text(let text) = standing { before = managedFingerprints(in: text).map { $0.hex } }
      let after = merge.managedFingerprints.map { $0.hex }
      changes.append(
        Change(
          store: folder.appending(PrivateBundle.name), kind: .privateBundle,
          added: after.filter { !before.contains($0) }, removed: before.filter { !after.contains($0) },
          isRepair: false))
      return true
    }
    return false
  }
}
