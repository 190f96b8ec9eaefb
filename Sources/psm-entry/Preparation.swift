import Certificates
import Linux
import Proxies
import Text
import TrustStores

/// A start's work on the stores, and the environment that comes of it.
///
/// Store after store is read, decided on and written; what was found is logged as it is found, so
/// that a preparation that is killed has said what it had done.
struct Preparation {
  private let circumstances: Circumstances
  private let deadline: Deadline
  private let lockDeadline: Deadline
  private(set) var hasErrors: Bool
  /// Whether nothing was changed, and nothing said that needs a person's eye.
  private var isQuiet: Bool
  /// The file to export: read back in this start and found good.
  private var exportPath: Path?
  private var servesPrivately = false
  /// Files that have been seen to, whatever names lead to them.
  private var settledFiles: [Metadata.Identity] = []

  private var settings: Settings { circumstances.settings }
  private var root: Root { circumstances.root }
  private var wanted: Wanted { circumstances.wanted }

  /// - Parameter deadline: when all waiting for others ends.
  init(_ circumstances: Circumstances, deadline: Deadline) {
    self.circumstances = circumstances
    self.deadline = deadline
    lockDeadline = min(deadline, Deadline(secondsFromNow: 10))
    hasErrors = circumstances.problems.hasErrors
    isQuiet = !circumstances.problems.contains { $0.level <= .info }
  }

  /// Brings all stores to what is wanted.
  /// - Returns: the environment for the service.
  mutating func run() -> Environment {
    let obstacle = updateSystem()
    reach(.bundles, circumstances.environment)
    updateBundles()
    // Whether this is worth more than a note depends on what serves instead.
    if let obstacle { say(obstacle.problem(servesPrivately: servesPrivately)) }
    reach(.environment, circumstances.environment)
    let (environment, problems) = serviceEnvironment(
      circumstances, exporting: exportPath, isPrivate: servesPrivately)
    for problem in problems { say(problem) }
    if isQuiet { say(.info("", summary)) }
    return environment
  }

  private mutating func say(_ problem: Problem) {
    if problem.level == .error { hasErrors = true }
    if problem.level <= .info { isQuiet = false }
    settings.essentials.log.write(problem)
  }

  private var summary: Text {
    let count = wanted.certificates.count
    if count == 0 { return "no certificates to add; nothing to change" }
    return "\(count) certificate\(count == 1 ? "" : "s") in place; nothing to change"
  }
}

// MARK: The system store

extension Preparation {
  /// - Returns: why the store was left alone, where it was.
  private mutating func updateSystem() -> SystemObstacle? {
    guard settings.system != .off, let store = SystemStore(in: root, runsTool: settings.system == .auto)
    else {
      return nil
    }
    let state: SystemStore.State
    do throws(ReadError) { state = try store.state(in: root) } catch {
      say(.error(store.bundle.shown, "the system store \(error.text) and is left alone"))
      return nil
    }
    let plan = store.plan(state, wanted: wanted)
    if let problem = plan.distrustProblem { say(problem) }
    let update = store.update(to: plan, in: root, toolDeadline: deadline, lockDeadline: lockDeadline)
    reach(.system, circumstances.environment)
    for problem in update.problems(of: store, plan) { say(problem) }
    let obstacle = update.obstacle.map { SystemObstacle(path: store.anchors, reason: $0.text) }
    if store.tool == nil { return updateNativeBundle(store, plan) ?? obstacle }
    // A bundle that the tool builds is not merged into as well.
    if let built = root.metadata(of: store.bundle)?.identity { settledFiles.append(built) }
    return obstacle
  }

  /// Merges into the store's bundle as into any other.
  private mutating func updateNativeBundle(_ store: SystemStore, _ plan: SystemStore.Plan) -> SystemObstacle?
  {
    do throws(BundleFile.Failure) {
      let update = try BundleFile.update(
        store.bundle, in: root, wanted: Wanted(certificates: plan.wanted, keepsRemoved: wanted.keepsRemoved),
        lockDeadline: lockDeadline)
      settledFiles.append(update.identity)
      if case .irreplaceable(let failure) = update.outcome {
        return SystemObstacle(path: store.bundle, reason: failure.text)
      }
      for problem in update.problems(at: store.bundle) { say(problem) }
    } catch {
      // A store without a bundle is none: there is nothing to be merged into.
      if case .unreadable(let reason) = error { say(.error(store.bundle.shown, "the bundle \(reason.text)")) }
    }
    return nil
  }
}

// MARK: Bundles

extension Preparation {
  private mutating func updateBundles() {
    var isTheBundle = true
    for bundle in bundlePaths(settings.bundles, in: root) {
      do throws(BundleFile.Failure) {
        try updateBundle(bundle.path, isTheBundle: isTheBundle)
        isTheBundle = false
      } catch .unreadable(let reason) {
        say(
          .error(
            bundle.path.shown,
            "the bundle \(reason.text): clients that read it do not trust the mounted certificates"))
        isTheBundle = false
      } catch {
        let isMissed = bundle.isPlain && (settings.namesBundles || !wanted.certificates.isEmpty)
        if isMissed { say(missingBundleProblem(bundle.path)) }
      }
    }
  }

  private mutating func updateBundle(_ path: Path, isTheBundle: Bool) throws(BundleFile.Failure) {
    if let identity = root.metadata(of: path)?.identity, settledFiles.contains(identity) {
      // Another name for a file that has been seen to serves under this name too.
      if isTheBundle && trustsAllWanted(path) { exportPath = path }
      return
    }
    let update = try BundleFile.update(path, in: root, wanted: wanted, lockDeadline: lockDeadline)
    settledFiles.append(update.identity)
    if update.passedOverLock { say(lockProblem(path)) }
    if case .irreplaceable(let failure) = update.outcome {
      for problem in update.merge.problems(at: path, isRepaired: false) { say(problem) }
      if isTheBundle { servesPrivately = servePrivately(beside: update.file) }
      say(irreplaceableProblem(path, failure, servedBy: servesPrivately ? exportPath : nil))
      return
    }
    for problem in update.problems(at: path) { say(problem) }
    if isTheBundle { settleTheBundle(update, path) }
  }

  /// What is to be exported, now that the bundle itself is as it should be.
  private mutating func settleTheBundle(_ update: BundleUpdate, _ path: Path) {
    let isGood = update.outcome == .replaced || update.merge.trustsAllWanted
    if isGood && (update.merge.managedCount > 0 || !wanted.certificates.isEmpty) {
      exportPath = path
    } else if wanted.certificates.isEmpty && !wanted.keepsRemoved {
      for folder in settings.stateFolders { PrivateBundle.remove(at: folder, in: root) }
    } else if wanted.keepsRemoved {
      servesPrivately = servePrivately(beside: update.file)
    }
  }

  /// Writes the private bundle into the first state folder that serves, and exports it.
  /// - Returns: whether it serves.
  private mutating func servePrivately(beside file: BundleFile) -> Bool {
    for folder in settings.stateFolders {
      let merge = PrivateBundle.merge(of: file, wanted: wanted, at: folder, in: root)
      if merge.refusal != nil || merge.managedCount == 0 { continue }
      let path = folder.appending(PrivateBundle.name)
      do throws(PrivateBundle.Failure) {
        if try PrivateBundle.write(merge, into: folder, in: root) {
          say(
            .info(path.shown, "written: \(merge.count) certificates, \(merge.managedCount) of them mounted"))
        }
        exportPath = path
        return true
      } catch {
        say(error.problem(at: folder))
      }
    }
    return false
  }

  private func trustsAllWanted(_ path: Path) -> Bool {
    guard let text = try? root.read(path, limit: BundleFile.sizeLimit) else { return false }
    return missing(wanted.certificates, in: text).isEmpty && !wanted.certificates.isEmpty
  }
}

/// Those of `certificates` that a client which reads `text` would not trust.
func missing(_ certificates: [Certificate], in text: [UInt8]) -> [Certificate] {
  let contents = BundleContents(reading: text)
  if contents.damage != nil { return certificates }
  let isTrusted = CertificateIndex(certificates).trusted(by: contents)
  return zip(certificates, isTrusted).filter { !$0.1 }.map { $0.0 }
}
