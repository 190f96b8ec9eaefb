import Linux
import Proxies
import Text

/// `psm-entry plan`.
/// - Returns: the exit status.
func printPlan(_ circumstances: Circumstances, asJSON: Bool) -> Int32 {
  let plan = Preparation(circumstances, for: .trial)
  let difference = EnvironmentDifference(from: circumstances.environment, to: plan.environment)
  let written = Output.write(
    asJSON ? plan.json(difference) : plan.text(difference).utf8, circumstances.settings.essentials.log)
  return written == 0 ? plan.exitStatus : written
}

/// What one environment has that another has not, in the order of its entries.
struct EnvironmentDifference {
  let set: [(name: [UInt8], value: [UInt8])]
  let unset: [[UInt8]]

  init(from old: Environment, to new: Environment) {
    let oldEntries = ByteOrder(old.entries)
    let newNames = ByteOrder(new.entries.compactMap { name(ofEntry: $0).map { Array($0) } })
    set = new.entries.filter { !oldEntries.contains($0) }.compactMap { entry in
      name(ofEntry: entry).map { (Array($0), Array(entry[($0.count + 1)...])) }
    }
    let gone = old.entries.compactMap { name(ofEntry: $0).map { Array($0) } }.filter {
      !newNames.contains($0)
    }
    unset = ByteOrder(gone).firsts.map { gone[$0] }
  }
}

/// Enough of a fingerprint to tell it from others.
func shortened(_ digits: Text) -> Text { digits.prefix(16) }

extension Preparation {
  /// 0 nothing to do, 2 a store would change, 1 it could not tell.
  fileprivate var exitStatus: Int32 { isUncertain ? 1 : changes.isEmpty ? 0 : 2 }

  fileprivate func json(_ difference: EnvironmentDifference) -> [UInt8] {
    var json = JSON()
    json.object { plan in
      plan.name("changes")
      plan.array { list in
        for change in changes {
          list.object { object in
            object.member("store", change.store.shown)
            object.member("kind", change.kind.name)
            object.member("add", change.added)
            object.member("remove", change.removed)
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

  /// Errors and warnings: what is only worth a note is no problem.
  private var shownProblems: [Problem] { problems.filter { $0.level <= .warning } }

  fileprivate func text(_ difference: EnvironmentDifference) -> Text {
    var table = Table(endsInSentences: true)
    for change in changes {
      for digits in change.added {
        table.row(["+ add", change.kind.name, change.store.shown, shortened(digits)])
      }
      for digits in change.removed {
        table.row(["- remove", change.kind.name, change.store.shown, shortened(digits)])
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
      isUncertain
      ? "could not tell for every store"
      : changes.isEmpty ? "no store would change" : "a start would change the stores"
    return table.text + status + "\n"
  }

  /// A value without its password.
  private func shownValue(_ name: [UInt8], _ value: [UInt8]) -> Text {
    circumstances.proxies.redactedValue(of: name) ?? escaped(value)
  }
}

extension Preparation.Change.Kind {
  fileprivate var name: Text {
    switch self {
    case .system: "system"
    case .bundle: "bundle"
    case .privateBundle: "private"
    }
  }
}
