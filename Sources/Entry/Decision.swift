import Linux
import Stores
import Text
import Trust

/// What to do about the stores, and the facts it is based on: `plan` prints it, `check` judges it, a start carries it
/// out.
final class Decision {
  let context: StartContext
  let reader: SnapshotReader
  private(set) var snapshot: Snapshot
  private(set) var plan: Plan
  /// Whether a store had to be changed, by this start or by one that was faster.
  private(set) var hasChangedStores = false
  /// Findings that are reported once the private bundle is written.
  private var held: [Finding] = []

  /// Reads the stores and plans.
  /// - Parameter user: the user that starts the service.
  static func made(_ context: StartContext, for user: Credentials.Effective) -> Decision {
    var reader = SnapshotReader(context.root, context.request(for: user))
    injectFault(at: .system, context.environment)
    var snapshot = reader.read()
    injectFault(at: .bundles, context.environment)
    let plan = answeredPlan(reader, &snapshot)
    return Decision(context, reader, snapshot, plan)
  }

  private init(_ context: StartContext, _ reader: SnapshotReader, _ snapshot: Snapshot, _ plan: Plan) {
    self.context = context
    self.reader = reader
    self.snapshot = snapshot
    self.plan = plan
  }

  /// Carries out the plan, and plans again with the results: once more after a tool built a bundle, after the kernel
  /// refused a step, and so on.
  /// - Parameter say: receives problems as they become known.
  func apply(until deadline: Deadline, say: (Problem) -> Void) {
    tell(plan.findings, say)
    var applier = Applier(reader, deadline: deadline)
    for _ in 0..<Self.lookLimit {
      for _ in 0..<Self.roundLimit where !plan.actions.isEmpty {
        if plan.actions.contains(where: { $0.changesTrust }) { hasChangedStores = true }
        planAgain(after: applier.apply(plan, to: &snapshot), say)
      }
      // If two starts run at once, each may have overwritten a store of the other, so a start that wrote checks all of
      // them again.
      if !hasChangedStores || deadline.hasPassed || !applier.lookAgain(&snapshot) { return }
      planAgain(after: [], say)
    }
  }

  private func planAgain(after facts: [Fact], _ say: (Problem) -> Void) {
    let known = plan.findings
    plan = answeredPlan(reader, &snapshot)
    let confirmed = held.filter { plan.findings.contains($0) }
    for problem in report(confirmed) { say(problem) }
    for fact in facts { say(report(fact)) }
    tell(plan.findings.filter { !known.contains($0) }, say)
  }

  /// Reports findings, but holds those that name a private bundle until that is written: a full state directory is
  /// known only then.
  private func tell(_ findings: [Finding], _ say: (Problem) -> Void) {
    let isPending = plan.actions.contains {
      if case .writePrivate = $0 { return true }
      return false
    }
    var ready: [Finding] = []
    held = []
    for finding in findings {
      if isPending && finding.kind.namesSubstitute { held.append(finding) } else { ready.append(finding) }
    }
    for problem in report(ready) { say(problem) }
  }

  /// Another program may replace a file again and again.
  private static let roundLimit = 6
  /// The same applies to the stores as a whole.
  private static let lookLimit = 8

  /// The file that a client of the service would read: the exported one, otherwise the first existing bundle, otherwise
  /// the system store's.
  var bundleInUse: Path? {
    if let exported = plan.exported, context.root.exists(exported) { return exported }
    let paths = snapshot.bundles.map { $0.path } + (snapshot.system.map { [$0.family.bundle] } ?? [])
    return paths.first { context.root.exists($0) }
  }
}

/// A plan without open questions.
@inline(never)
private func answeredPlan(_ reader: SnapshotReader, _ snapshot: inout Snapshot) -> Plan {
  var plan = plan(snapshot)
  // Each answer leads to at most one more question, and a plan never asks for what it knows.
  for _ in 0..<8 where !plan.questions.isEmpty {
    reader.answer(plan.questions, in: &snapshot)
    plan = Trust.plan(snapshot)
  }
  return plan
}

/// The user that starts the service, as seen by a process beside it: the user of PID 1, or root if that switches to
/// another user.
func startingUser(_ settings: Settings, in root: Root) -> Credentials.Effective {
  if !root.isSystem { return .current }
  var (user, group) = (Credentials.effectiveUser, Credentials.effectiveGroup)
  if settings.basics.user != nil {
    (user, group) = (0, 0)
  } else if let first = root.metadata(of: Path("/proc/1")) {
    (user, group) = (first.user, first.group)
  }
  return user == Credentials.effectiveUser ? .current : .other(user: user, group: group)
}
