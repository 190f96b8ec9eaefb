import Certificates
import Linux
import Proxies
import Text
import Trust

/// `psm-entry plan`.
/// - Returns: the exit status.
@inline(never)
func printPlan(_ context: StartContext, asJSON: Bool) -> Int32 {
  let planned = PlannedStart(context)
  let log = context.settings.basics.log
  let written = Output.write(asJSON ? planned.json : planned.text.utf8, log)
  return written == 0 ? planned.exitStatus : written
}

/// The part of a fingerprint that is enough to tell it from others.
func shortened(_ digits: Text) -> Text { digits.prefix(16) }

extension PlannedStart {
  /// 0: nothing to do; 2: a store would change; 1: it could not tell.
  fileprivate var exitStatus: Int32 {
    isUncertain || endsBeforeService ? 1 : changes.isEmpty ? 0 : 2
  }

  private var isUncertain: Bool { decision.plan.isUncertain }

  private var difference: EnvironmentDifference {
    EnvironmentDifference(from: context.environment, to: environment)
  }

  @inline(never)
  fileprivate var json: [UInt8] {
    let difference = difference
    var json = JSON()
    json.object { plan in
      plan.name("changes")
      plan.array { list in
        for change in changes {
          list.object { object in
            object.member("store", change.store.shown)
            object.member("kind", change.kind.name)
            object.member("add", change.added.map { $0.hex })
            object.member("remove", change.removed.map { $0.hex })
            object.member("repair", change.isRepair)
          }
        }
      }
      plan.name("environment")
      plan.object { environment in
        environment.name("set")
        environment.object { set in
          for (name, value) in difference.set { set.member(escaped(name), shownValue(name, value)) }
        }
        environment.member("unset", difference.unset.map { escaped($0) })
      }
      plan.name("problems")
      plan.array { list in
        for problem in shownProblems {
          list.object { object in
            object.member("level", problem.level.name)
            object.member("subject", problem.subject)
            object.member("message", problem.message)
          }
        }
      }
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }

  /// Errors and warnings; information is not a problem.
  private var shownProblems: [Problem] { problems.filter { $0.level <= .warning } }

  @inline(never)
  fileprivate var text: Text {
    let difference = difference
    let found = context.inputs.found
    let order = SortedBytes(of: found.fingerprints)
    var table = Table(endsInSentences: true)
    for change in changes {
      for fingerprint in change.added {
        let digits = shortened(fingerprint.hex)
        let subject = order.number(of: fingerprint.bytes).map { found[$0].certificate.shownSubject }
        table.row([
          "+ add", change.kind.name, change.store.shown, subject.map { "\($0) (\(digits))" } ?? digits,
        ])
      }
      for fingerprint in change.removed {
        table.row(["- remove", change.kind.name, change.store.shown, shortened(fingerprint.hex)])
      }
      if change.isRepair { table.row(["~ repair", change.kind.name, change.store.shown]) }
      if change.added.isEmpty && change.removed.isEmpty && !change.isRepair {
        table.row(["~ rewrite", change.kind.name, change.store.shown])
      }
    }
    for (name, value) in difference.set { table.row(["= set", escaped(name), shownValue(name, value)]) }
    for name in difference.unset { table.row(["= unset", escaped(name)]) }
    for problem in shownProblems { table.row(["! \(problem.level.name)", problem.subject, problem.message]) }
    let status: Text =
      endsBeforeService
      ? "--strict: the service would not be started because of the errors above"
      : isUncertain
        ? "not every store could be read (see above)"
        : changes.isEmpty ? "no store would change" : "a start would change the stores"
    return table.text + status + "\n"
  }

  /// A value without its password.
  private func shownValue(_ name: [UInt8], _ value: [UInt8]) -> Text {
    context.proxies.redactedValue(of: name) ?? escaped(value)
  }
}

extension StoreChange.Kind {
  fileprivate var name: Text {
    switch self {
    case .system: "system"
    case .bundle: "bundle"
    case .privateBundle: "private"
    }
  }
}
