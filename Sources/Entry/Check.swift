import Certificates
import Clients
import Linux
import Proxies
import Text
import Trust

/// One result of `check`.
struct Check {
  enum Name: Equatable {
    case input, bundle, system, variable, client, proxy, noProxy, connect

    var text: Text {
      switch self {
      case .input: "input"
      case .bundle: "bundle"
      case .system: "system"
      case .variable: "variable"
      case .client: "client"
      case .proxy: "proxy"
      case .noProxy: "no_proxy"
      case .connect: "connect"
      }
    }
  }

  let name: Name
  let target: Text
  let level: Level
  let detail: Text
  /// The duration of each part of a connection.
  var steps: [Step] = []
  /// What the client will do, if the check is about a client.
  var verdict: ClientVerdict?

  var isOK: Bool { level != .error }

  /// Whether it is about a client whose default behavior may surprise.
  var differs: Bool { verdict.map { $0.trust == .ownRoots || $0.proxy == .unused } ?? false }
}

/// `psm-entry check`: checks the stores as they are, and the environment as a start would leave it. Suitable for
/// HEALTHCHECK.
/// - Returns: the exit status: 1 if there are errors.
func check(
  _ context: StartContext, _ commandLine: CommandLine
) throws(CommandLine.UsageError) -> Int32 {
  let planned = PlannedStart(context)
  let asJSON = commandLine.flags.contains(.json)
  // Unfinished work is not judged. A store can be unfinished only if it is out of date, so a check that succeeds does
  // not search for processes. Under another root no start of this container is at work.
  if context.root.isSystem, planned.decision.plan.isOutOfDate, let process = preparingProcess() {
    let problem = report(preparing: process)
    let line: Text = "not ok: \(problem.subject): \(problem.message)\n"
    _ = Output.write(
      asJSON ? json(of: problemChecks(.system, [problem])) : line.utf8, context.settings.basics.log)
    return ExitStatus.failure
  }
  let reading = ClientReading(planned, hasStrictFault: context.inputs.problems.contains { isStrictFault($0) })
  if commandLine.flags.contains(.clients) && !asJSON {
    return Output.write(clientTable(reading.verdicts()).utf8, context.settings.basics.log)
  }
  var checks =
    inputChecks(context, strictPython: reading.strictPython) + storeChecks(planned.decision, context)
  checks += problemChecks(
    .variable,
    context.settings.problems + problems(planned.decision.plan, .variable)
      + (planned.userProblem.map { [$0] } ?? []))
  checks += clientChecks(reading, planned)
  checks += proxyChecks(context)
  if commandLine.connects {
    let targets = try connectTargets(commandLine, context.environment)
    checks += connectChecks(
      connectRoutes(context, commandLine), targets, context, bundle: planned.decision.bundleInUse)
  }
  let written = Output.write(
    asJSON ? json(of: checks) : text(of: checks, inForce: inForce(context, planned.decision.plan)).utf8,
    context.settings.basics.log)
  if written != 0 { return written }
  return checks.allSatisfy { $0.isOK } ? 0 : ExitStatus.failure
}

private func problems(_ plan: Plan, _ area: Finding.Area) -> [Problem] {
  report(plan.findings.filter { $0.area == area })
}

private func problemChecks(_ name: Check.Name, _ problems: [Problem]) -> [Check] {
  problems.filter { $0.level <= .warning }.map {
    Check(name: name, target: $0.subject, level: $0.level, detail: $0.message)
  }
}

private func connectTargets(
  _ commandLine: CommandLine, _ environment: Environment
) throws(CommandLine.UsageError) -> [ConnectTarget] {
  var targets: [ConnectTarget] = []
  for url in commandLine.targets.isEmpty ? [defaultTarget(environment)] : commandLine.targets {
    guard let target = ConnectTarget(url) else {
      throw CommandLine.UsageError(message: "--target: expected https://HOST[:PORT][/PATH], or http://")
    }
    targets.append(target)
  }
  return targets
}

/// The default target: the package channel in conda's own setting, otherwise Anaconda's.
/// - Source: conda's "channel_alias".
private func defaultTarget(_ environment: Environment) -> [UInt8] {
  if let alias = environment.value(of: "CONDA_CHANNEL_ALIAS"), let target = ConnectTarget(alias) {
    return ("\(target.isTLS ? "https" as Text : "http")://\(target.authority)" as Text).utf8
  }
  return ("https://repo.anaconda.com" as StaticString).bytes
}

// MARK: Inputs

/// - Parameter strictPython: a Python of the image that sets VERIFY_X509_STRICT.
@inline(never)
private func inputChecks(_ context: StartContext, strictPython: Path?) -> [Check] {
  let inputs = context.inputs
  var checks = problemChecks(
    .input,
    inputs.problems.map { problem in
      guard let strictPython, isStrictFault(problem) else { return problem }
      return report(refused: problem, by: strictPython)
    })
  let now = Clock.secondsSinceEpoch
  let soon = now + 30 * 86400
  for found in inputs.found where found.certificate.notAfter >= now && found.certificate.notAfter < soon {
    let certificate = found.certificate
    checks.append(
      Check(
        name: .input, target: found.source.shown, level: .warning,
        detail:
          "\(certificate.shownSubject): expires on \(RFC3339.day(certificate.notAfter)); replace it"
      ))
  }
  if checks.isEmpty {
    let count = inputs.found.count
    var targets = context.settings.inputs.map { $0.path.shown }
    if context.settings.certificateData != nil { targets.append("\(Setting.certsData.variable)") }
    for target in targets {
      checks.append(
        Check(
          name: .input, target: target, level: .info,
          detail: "\(certificates(count)) in all"))
    }
  }
  return checks
}

// MARK: Stores

/// Reports what a start would still change.
@inline(never)
private func storeChecks(_ decision: Decision, _ context: StartContext) -> [Check] {
  let plan = decision.plan
  var checks: [Check] = []
  let areas: [(area: Finding.Area, name: Check.Name)] = [
    (.input, .input), (.system, .system), (.bundle, .bundle),
  ]
  for (area, name) in areas {
    for problem in report(plan.findings.filter { $0.area == area && $0.level <= .info }, isPlanned: true) {
      checks.append(
        Check(name: name, target: problem.subject, level: problem.level, detail: problem.message))
    }
  }
  for change in plan.changes {
    let isComplete = change.added.isEmpty && change.removed.isEmpty
    // Damage is a finding already.
    if change.isRepair && isComplete { continue }
    checks.append(
      Check(
        name: change.kind == .system ? .system : .bundle, target: change.store.shown,
        level: isComplete ? .warning : .error, detail: change.diagnostic))
  }
  let troubled = checks.map { $0.target }
  if let store = decision.snapshot.system, store.builder != .nobody,
    !troubled.contains(store.family.bundle.shown),
    !checks.contains(where: { $0.name == .system })
  {
    checks.append(
      Check(name: .system, target: store.family.bundle.shown, level: .info, detail: "up to date"))
  }
  // A problem with a file concerns all its names.
  let wrong = decision.snapshot.bundles.filter { troubled.contains($0.path.shown) }.compactMap { $0.identity }
  for bundle in decision.snapshot.bundles where !troubled.contains(bundle.path.shown) {
    guard let identity = bundle.identity, !wrong.contains(identity) else { continue }
    checks.append(Check(name: .bundle, target: bundle.path.shown, level: .info, detail: "up to date"))
  }
  return checks
}

extension Plan {
  /// Whether a store lacks certificates or has too many, as during a start.
  fileprivate var isOutOfDate: Bool {
    !changes.isEmpty
      || findings.contains { $0.level == .error && ($0.area == .bundle || $0.area == .system) }
  }
}

extension StoreChange {
  fileprivate var diagnostic: Text {
    var parts: [Text] = []
    if !added.isEmpty {
      parts.append("lacks \(added.count) mounted certificate\(added.count == 1 ? "" : "s")")
    }
    if !removed.isEmpty {
      parts.append("still trusts \(removed.count) removed certificate\(removed.count == 1 ? "" : "s")")
    }
    if parts.isEmpty { parts.append("out of date") }
    return "\(parts.joined(by: ", ")); restart the container"
  }
}

// MARK: Proxies

@inline(never)
private func proxyChecks(_ context: StartContext) -> [Check] {
  var checks: [Check] = []
  for problem in context.proxyProblems where problem.level <= .warning {
    let isNoProxy =
      problem.subject.utf8.count == 8 && problem.subject.utf8.first.map { $0 | 0x20 } == UInt8(ascii: "n")
    checks += problemChecks(isNoProxy ? .noProxy : .proxy, [problem])
  }
  let troubled = checks.map { $0.target }
  for proxy in context.proxies.proxies where !troubled.contains(proxy.source) {
    if let url = proxy.url {
      checks.append(
        Check(
          name: .proxy, target: "\(proxy.variable.upperCase)", level: .info, detail: url.redacted))
    }
  }
  for entry in context.proxies.noProxy {
    let portability = portability(of: entry)
    checks.append(
      Check(
        name: .noProxy, target: entry.shown, level: portability.deservesWarning ? .warning : .info,
        detail: portability.text))
  }
  return checks
}

extension NoProxyPortability {
  /// Which clients honor the entry, and what to write instead.
  fileprivate var text: Text {
    if isPortable { return "honored by every client; \(advice)" }
    let ignored = ignoredBy.names.joinedByAnd
    if honoredBy.names.isEmpty { return "ignored by every client; \(advice)" }
    return "honored by \(honoredBy.names.joinedByAnd); ignored by \(ignored); \(advice)"
  }
}

extension [Text] {
  /// Joined as in a sentence: `a, b and c`.
  var joinedByAnd: Text {
    guard count > 1, let last else { return joined(by: "") }
    return "\(Array(dropLast()).joined(by: ", ")) and \(last)"
  }
}
