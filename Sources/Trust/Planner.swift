import Certificates
import Text

/// What a start does about what was read: a pure function of it.
public func plan(_ snapshot: Snapshot) -> Plan {
  var planner = Planner(snapshot)
  planner.planStore()
  planner.planBundles()
  planner.planVariables()
  return planner.plan
}

/// A plan in the making.
struct Planner {
  let snapshot: Snapshot
  var plan = Plan()
  /// What the clients of each file will not trust when the plan is done.
  var outlooks: [(identity: FileIdentity, lacking: [Certificate])] = []
  /// Files that were to be changed and stay as they are.
  var unwritten: [FileIdentity] = []
  /// Of the bundle before: images often bring the same one twice.
  var lastMerge: BundleMerge?

  init(_ snapshot: Snapshot) { self.snapshot = snapshot }

  var mounted: MountedCertificates { snapshot.mounted }

  mutating func find(_ area: Finding.Area, _ level: Level, _ subject: Text, _ kind: Finding.Kind) {
    plan.findings.append(Finding(area: area, level: level, subject: subject, kind: kind))
  }

  mutating func ask(_ question: Question) {
    if !plan.questions.contains(question) { plan.questions.append(question) }
  }

  func lacking(_ identity: FileIdentity) -> [Certificate]? {
    for outlook in outlooks where outlook.identity == identity { return outlook.lacking }
    return nil
  }
}

// MARK: Variables

extension Planner {
  /// What is wrong with the CA variables that the user has set: they stay, but whoever obeys them may not trust what
  /// is mounted. A file of ours is judged by what it will hold.
  mutating func planVariables() {
    if mounted.isEmpty { return }
    let redirected = ByteOrder(plan.redirected)
    for variable in snapshot.variables where variable.path != plan.exported {
      if redirected.contains(variable.name) { continue }
      let name = escaped(variable.name)
      switch variable.state {
      case .unreadable(let reason):
        find(.variable, .warning, name, .variableUnreadable(variable.path, reason))
      case .file(let identity, let text):
        let lacking = lacking(identity) ?? text.map { missing(mounted.certificates, in: $0) } ?? []
        guard let first = lacking.first else { continue }
        find(
          .variable, .warning, name,
          .variableLacks(variable.path, subject: first.shownSubject, more: lacking.count - 1))
      }
    }
  }
}
