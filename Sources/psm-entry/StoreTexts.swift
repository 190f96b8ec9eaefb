import Certificates
import Linux
import Text
import TrustStores

// What became of the stores, in words: the one place where outcomes turn into text.

extension BundleUpdate {
  func problems(at path: Path) -> [Problem] {
    var problems = merge.problems(at: path, isRepaired: outcome == .replaced)
    switch outcome {
    case .untouched, .irreplaceable: break
    case .replaced: problems.append(.info(path.shown, merge.change))
    case .originalNotKept(let error):
      problems.append(
        .error(
          path.shown,
          "damaged, and its original cannot be kept as \(file.keptName.shown) (\(error.text)): it is left alone"
        ))
    }
    return problems
  }
}

extension BundleMerge {
  /// What was wrong with the bundle before.
  func problems(at path: Path, isRepaired: Bool) -> [Problem] {
    var problems: [Problem] = []
    if hasStrayMarks {
      problems.append(
        .warning(
          path.shown, "holds marks of psm-entry's that belong to no managed section: they are left as text"))
    }
    switch refusal {
    case .empty where text == nil:
      problems.append(.error(path.shown, "the bundle is empty and is left alone: restore it from the image"))
    case .tooLarge:
      problems.append(
        .error(
          path.shown,
          "would have more than 64 MiB: left unchanged, nothing is added or removed; mount fewer CAs"))
    case .noCertificates where text == nil:
      problems.append(
        .error(path.shown, "the bundle holds no certificate and is left alone: restore it from the image"))
    case .empty, .noCertificates:
      problems.append(
        .error(path.shown, "the bundle holds no certificate but those taken out: restore it from the image"))
    case nil:
      if let damage { problems.append(problem(damage, at: path, isRepaired: isRepaired)) }
      if let fault {
        problems.append(
          .warning(
            path.shown, "line \(fault.line): \(fault.reason.finding); remove this certificate from the bundle"
          ))
      }
    }
    return problems
  }

  /// What is broken in a base that holds certificates. Where nothing is wanted of it, nobody has asked for its repair.
  private func problem(_ damage: BundleContents.Damage, at path: Path, isRepaired: Bool) -> Problem {
    let place: Text = "line \(damage.line): \(damage.text)"
    if !isRepair {
      return .warning(
        path.shown,
        "no client can read it (\(place)); restore it from the image, or mount a CA and it is repaired")
    }
    let outcome: Text =
      isRepaired
      ? "repaired; the first damaged original is kept beside it as *.psm-entry-damaged" : "not repaired"
    return .error(path.shown, "no client could read it (\(place)); \(outcome)")
  }

  /// What the merge changes.
  var change: Text {
    var parts: [Text] = []
    if !added.isEmpty { parts.append("\(added.count) added") }
    if !removed.isEmpty { parts.append("\(removed.count) removed") }
    if isRepair { parts.append("repaired") }
    if parts.isEmpty { parts.append("managed section rewritten") }
    return parts.joined(by: ", ")
  }
}

func unreadableProblem(_ path: Path, _ reason: ReadError) -> Problem {
  if reason == .tooLarge {
    return .error(
      path.shown, "larger than 64 MiB: not read, nothing is added or removed; restore it from the image")
  }
  return .error(
    path.shown, "the bundle \(reason.text): clients that read it do not trust the mounted certificates")
}

func missingBundleProblem(_ path: Path) -> Problem {
  .error(path.shown, "the bundle is missing: name those that there are in PSM_ENTRY_BUNDLES")
}

func patternProblem(_ pattern: Path, _ reason: PatternFailure) -> Problem {
  if case .unreadable(let error) = reason {
    return .error(pattern.shown, "a folder of the pattern cannot be read (\(error.text)); check the mount")
  }
  return .error(
    pattern.shown,
    "the pattern matches more than \(entryLimit) entries and is not used; name the bundles, or write fewer '*'"
  )
}

func lockProblem(_ path: Path) -> Problem {
  .warning(
    path.shown,
    "cannot lock the directory in time (another process holds the lock, or the file system has none); continuing without the lock"
  )
}

/// - Parameters:
///   - merge: what it was to become.
///   - substitute: the private bundle that serves instead.
func irreplaceableProblem(
  _ path: Path, _ failure: Replacement.Failure, _ merge: BundleMerge, servedBy substitute: Path?
) -> Problem {
  let leftAlone: Text = "cannot be replaced (\(failure.text)) and is left alone"
  if let substitute { return .info(path.shown, "\(leftAlone); \(substitute.shown) serves instead") }
  let effect: Text =
    merge.managedCount == 0 && !merge.removed.isEmpty
    ? "clients that read it still trust what was taken out"
    : "clients that read it do not trust the mounted certificates"
  return .error(path.shown, "\(leftAlone): \(effect); make it and its folder writable")
}

/// - Parameter substitute: the private bundle that serves instead.
func settledBundleProblem(_ path: Path, servedBy substitute: Path?) -> Problem {
  let lacks: Text = "the same file as a bundle before it, which lacks mounted certificates"
  if let substitute { return .info(path.shown, "\(lacks); \(substitute.shown) serves instead") }
  return .error(path.shown, "\(lacks): clients that read it do not trust them; see what is said of that one")
}

extension PrivateBundle.Failure {
  /// - Parameter isNamed: whether the settings name the folder; of the default ones, each may fail.
  func problem(at folder: Path, isNamed: Bool) -> Problem {
    let reason: Text
    switch self {
    case .foreign:
      return .warning(folder.shown, "the state folder is not ours, or is a link or no folder: it is not used")
    case .system(let error): reason = error.text
    case .notWritten(let failure): reason = failure.text
    }
    return Problem(
      level: isNamed ? .warning : .debug, subject: folder.shown,
      message: "the state folder does not serve (\(reason))")
  }
}

extension Replacement.Failure {
  var text: Text {
    switch self {
    case .notWhole: "what was written was not read back whole"
    case .overtaken: "another program keeps replacing it"
    case .system(let step, let error):
      switch step {
      case .create: "no new file beside it: \(error.text)"
      case .owner: "its owner cannot be given to the new file: \(error.text)"
      case .mode: "its mode cannot be given to the new file: \(error.text)"
      case .write: "writing: \(error.text)"
      case .readBack: "reading back: \(error.text)"
      case .rename where error == .busy: "it is mounted as a single file"
      case .rename: "renaming: \(error.text)"
      }
    }
  }
}

/// Why the system store was left alone.
/// - Parameter count: how many certificates that are no longer mounted it still trusts.
func blockerProblem(_ blocker: SystemStore.Blocker, stillTrusts count: Int) -> Problem {
  let reason: Text =
    switch blocker.reason {
    case .system(let error): error.text
    case .mounted: "it is mounted as a single file"
    case .replacing(let failure): failure.text
    case .tooLarge: "it would have more than 64 MiB"
    }
  let place: Text = blocker.mountPoint.map { ", mounted at \($0.shown)" } ?? ""
  let what: Text = "cannot write the system store (\(reason)\(place)); left unchanged"
  if case .tooLarge = blocker.reason { return .error(blocker.path.shown, "\(what); mount fewer CAs") }
  if count > 0 {
    return .error(
      blocker.path.shown,
      "\(what), and \(count) removed certificate\(count == 1 ? " is" : "s are") still trusted; make it writable"
    )
  }
  return .warning(
    blocker.path.shown,
    "\(what): clients that read only this store (wget, aria2) do not trust the mounted certificates; make it writable, or set PSM_ENTRY_SYSTEM=off"
  )
}

func tooManyProblem(_ tool: Path, _ count: Int) -> Problem {
  .warning(
    tool.shown,
    "\(count) certificates are too many for it within PSM_ENTRY_TIMEOUT: the bundle of the system store is written without it"
  )
}

func unguardedProblem(_ folder: Path) -> Problem {
  .warning(
    folder.shown,
    "other users may replace this directory, since they may write to one that contains it; set PSM_ENTRY_STATE_DIR to one that only root or this user may write to"
  )
}

extension SystemStore.Plan {
  /// One line for all that this store would not trust.
  var distrustProblem: Problem? {
    guard let first = distrusted.first else { return nil }
    let reason: Text =
      switch first.reason {
      case .notAuthority: "is not a CA"
      case .otherUsage: "is for other uses than TLS servers"
      case .blocked: "is on the system's blocklist"
      }
    let others: Text = distrusted.count > 1 ? "; so with \(distrusted.count - 1) more" : ""
    return .warning(
      "system store",
      "would not trust \(first.certificate.shownSubject), which \(reason): it goes to the bundles only\(others)"
    )
  }
}

extension SystemUpdate {
  func problems(of store: SystemStore) -> [Problem] {
    var problems: [Problem] = []
    if passedOverLock { problems.append(lockProblem(store.anchors)) }
    var anchorProblems = ProblemList()
    for (name, failure) in failedAnchors {
      let path = store.anchors.appending(name)
      anchorProblems.append(.error(path.shown, "the anchor was not changed: \(failure.text)"), of: path)
    }
    problems += anchorProblems.problems
    if let tool, let path = store.tool { problems += toolProblems(tool, path, store) }
    for loss in losses {
      problems.append(
        loss.failure.map { failure in
          .error(loss.path.shown, "lost by the system's tool and cannot be restored: \(failure.text)")
        } ?? .info(loss.path.shown, "lost by the system's tool; restored"))
    }
    if isChanged && failedAnchors.isEmpty && missing.isEmpty && (remaining == 0 || isBuiltAnew) {
      var change: Text = "built anew"
      if !plan.added.isEmpty || !plan.removed.isEmpty {
        change = "\(plan.added.count) added, \(plan.removed.count) removed"
      }
      problems.append(.info(store.tool == nil ? store.anchors.shown : store.bundle.shown, change))
    }
    return problems
  }

  private func toolProblems(_ run: ToolRun, _ path: Path, _ store: SystemStore) -> [Problem] {
    var problems: [Problem] = []
    let bundle: Text = store.bundle.shown
    if isBundleUnreadable {
      problems.append(.error(bundle, "missing or not readable after \(path.shown) \(run.ending.text)"))
    }
    if isBundleDamaged {
      problems.append(.error(bundle, "no client can read it after \(path.shown) \(run.ending.text)"))
    }
    if let first = missing.first, !isBundleUnreadable {
      let others: Text = missing.count > 1 ? "; so with \(missing.count - 1) more" : ""
      problems.append(
        .error(
          bundle, "\(first.shownSubject) is not in it although \(path.shown) \(run.ending.text)\(others)"))
    }
    if remaining > 0 && !isBuiltAnew {
      let what: Text =
        remaining == 1
        ? "a certificate that was taken out is" : "\(remaining) certificates that were taken out are"
      problems.append(.error(bundle, "\(what) still in it although \(path.shown) \(run.ending.text)"))
    }
    let isWrong = !problems.isEmpty
    for line in run.output[...].parts(between: "\n") {
      problems.append(
        Problem(level: isWrong ? .warning : .debug, subject: path.shown, message: escaped(line)))
    }
    if remaining > 0 && isBuiltAnew {
      let what: Text = remaining == 1 ? "a certificate that was" : "\(remaining) certificates that were"
      problems.append(
        .warning(
          bundle, "\(what) taken out stay trusted: the distribution or another anchor brings them as well"))
    }
    return problems
  }
}

extension ToolRun.Ending {
  /// Fits behind the tool's name.
  var text: Text {
    switch self {
    case .ended(.exited(let status)): "ended with status \(status)"
    case .ended(.signalled(let signal)): "was killed by signal \(signal)"
    case .late: "was killed because its time was up"
    case .notStarted(let error): "could not be started (\(error.text))"
    }
  }
}
