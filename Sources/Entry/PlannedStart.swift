import Linux
import Text
import Trust

/// What a start would do: its plan, the resulting environment, and the messages about both.
final class PlannedStart {
  let context: StartContext
  let decision: Decision
  let environment: Environment
  let userProblem: Problem?

  init(_ context: StartContext) {
    self.context = context
    decision = Decision.made(context, for: startingUser(context.settings, in: context.root))
    var account: Account?
    var problem: Problem?
    if let user = context.settings.basics.user {
      do throws(Problem) { account = try findAccount(user, in: context.root) } catch { problem = error }
    }
    userProblem = problem
    environment = serviceEnvironment(context, decision.plan, account)
  }

  /// Problems of settings, inputs and proxies first, then those of the stores.
  var problems: [Problem] {
    context.problems + report(decision.plan.findings, isPlanned: true) + (userProblem.map { [$0] } ?? [])
  }

  /// Whether a strict start would end before its first write.
  var isRefused: Bool {
    isStrict
      && (context.problems.hasErrors || userProblem != nil
        || decision.plan.findings.contains { $0.isErrorOfSettings })
  }

  /// Whether a strict start would end without becoming the service.
  var endsBeforeService: Bool { isStrict && problems.hasErrors }

  private var isStrict: Bool { context.settings.basics.isStrict }

  /// What the stores would gain and lose: nothing if a start would end before.
  var changes: [StoreChange] { isRefused ? [] : decision.plan.changes }
}

/// The differences between two environments, in the order of their entries.
struct EnvironmentDifference {
  let set: [(name: [UInt8], value: [UInt8])]
  let unset: [[UInt8]]

  init(from old: Environment, to new: Environment) {
    let oldEntries = SortedBytes(old.entries)
    let newNames = SortedBytes(new.entries.compactMap { name(ofEntry: $0).map { Array($0) } })
    set = new.entries.filter { !oldEntries.contains($0) }.compactMap { entry in
      name(ofEntry: entry).map { (Array($0), Array(entry[($0.count + 1)...])) }
    }
    let gone = old.entries.compactMap { name(ofEntry: $0).map { Array($0) } }.filter {
      !newNames.contains($0)
    }
    unset = SortedBytes(gone).firsts.map { gone[$0] }
  }
}
