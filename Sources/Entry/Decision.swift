import Linux
import Stores
import Text
import Trust

/// What is to be done about the stores, and what that rests on: `plan` prints it, `check` judges it, a start
/// applies it.
final class Decision {
  let context: StartContext
  let reader: SnapshotReader
  private(set) var snapshot: Snapshot
  private(set) var plan: Plan
  /// Whether a store was to be changed: by this start, or by one that was faster.
  private(set) var hasChangedStores = false

  /// Reads the stores and plans.
  /// - Parameter user: who starts the service.
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

  /// Does what the plan says, and makes it again with what came of that: once more where a tool built a bundle or the
  /// kernel refused, and so on.
  /// - Parameter say: takes what is worth knowing as it becomes known.
  func apply(until deadline: Deadline, say: (Problem) -> Void) {
    for problem in report(plan.findings) { say(problem) }
    var applier = Applier(reader, deadline: deadline)
    for _ in 0..<Self.lookLimit {
      for _ in 0..<Self.roundLimit where !plan.actions.isEmpty {
        if plan.actions.contains(where: { $0.changesTrust }) { hasChangedStores = true }
        for fact in applier.apply(plan, to: &snapshot) { say(report(fact)) }
        planAnew(say)
      }
      // Of two at once one has written last in every store: whoever writes looks at all of them afterwards.
      if !hasChangedStores || deadline.hasPassed || !applier.lookAgain(&snapshot) { return }
      planAnew(say)
    }
  }

  private func planAnew(_ say: (Problem) -> Void) {
    let known = plan.findings
    plan = answeredPlan(reader, &snapshot)
    for problem in report(plan.findings.filter { !known.contains($0) }) { say(problem) }
  }

  /// A file may be replaced by others again and again.
  private static let roundLimit = 6
  /// So may every store.
  private static let lookLimit = 8

  /// The file that a client of the service would read: the one exported, else the first bundle there, else the system
  /// store's.
  var bundleInUse: Path? {
    if let exported = plan.exported, context.root.exists(exported) { return exported }
    let paths = snapshot.bundles.map { $0.path } + (snapshot.system.map { [$0.family.bundle] } ?? [])
    return paths.first { context.root.exists($0) }
  }
}

/// A plan that has no more questions.
private func answeredPlan(_ reader: SnapshotReader, _ snapshot: inout Snapshot) -> Plan {
  var plan = plan(snapshot)
  // Each answer asks for at most one thing more; a plan never asks for what it knows.
  for _ in 0..<8 where !plan.questions.isEmpty {
    reader.answer(plan.questions, in: &snapshot)
    plan = Trust.plan(snapshot)
  }
  return plan
}

/// Who starts the service, seen from a process beside it: whoever PID 1 is, or root where that is to become somebody
/// else.
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
