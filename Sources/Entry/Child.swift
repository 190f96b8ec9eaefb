import Linux
import Text
import Trust

// The child: it does everything that can fail, and sends the parent an environment.

/// psm-entry's own exit statuses.
enum ExitStatus {
  static let failure: Int32 = 1
  static let usage: Int32 = 64
  static let preparationFailed: Int32 = 70
  static let strictError: Int32 = 78
  static let notExecutable: Int32 = 126
  static let notFound: Int32 = 127
}

/// Prepares the start, sends the answer and exits.
func prepareAsChild(
  _ source: Source, _ basics: BasicSettings, of parent: ProcessID, _ hasClosedStandard: Bool,
  answerTo pipe: FileDescriptor, _ deadline: Deadline
) -> Never {
  injectFault(at: .start, source.environment)
  ProcessID.leadGroup()
  ProcessID.dieWith(parent)
  SignalSet.ignore([SignalSet.brokenPipe, SignalSet.fileSizeExceeded, SignalSet.terminalOutput])
  SignalSet().install()
  if hasClosedStandard { fillStandardDescriptors() }
  prepare(source, basics) { answer in
    basics.log.finish()
    injectFault(at: .answer, source.environment)
    try? pipe.write(answer.bytes)
    ProcessID.exit(0)
  }
}

/// - Parameter answer: sends the answer and exits. The process's memory is released at once, which is cheaper than
///   freeing it piece by piece.
private func prepare(_ source: Source, _ basics: BasicSettings, answer: (Answer) -> Never) -> Never {
  let settings: Settings
  do throws(CommandLine.UsageError) { settings = try Settings(source, basics) } catch {
    basics.log.write(.error("", error.message, "usage.wrong"))
    answer(.refused(ExitStatus.usage))
  }
  let root: Root
  do throws(Errno) { root = try openRoot(basics.root) } catch {
    basics.log.write(rootProblem(error, basics))
    // A root that does not exist is a wrong option. Any other failure is no reason to keep the service from starting.
    if error == .noSuchFile || error == .notDirectory || error == .notImplemented {
      answer(.refused(ExitStatus.usage))
    }
    ProcessID.exit(ExitStatus.failure)
  }
  let context = StartContext(settings, source.environment, in: root)
  if basics.log.threshold == .debug {
    for found in context.inputs.found { basics.log.write(report(read: found)) }
  }
  basics.log.write(context.problems)
  let isApply = source.commandLine.verb == .apply
  var account: Account?
  if let user = basics.user {
    do throws(Problem) { account = try findAccount(user, in: root) } catch {
      if basics.isStrict {
        basics.log.write(error)
        answer(.refused(ExitStatus.preparationFailed))
      }
    }
  }
  if basics.isStrict && context.problems.hasErrors { answer(refuse(basics, isApply, beforeWriting: true)) }
  let decision = Decision.made(context, for: .current)
  let settingsErrors = decision.plan.findings.filter { $0.isErrorOfSettings }
  if basics.isStrict && !settingsErrors.isEmpty {
    for problem in report(settingsErrors) { basics.log.write(problem) }
    answer(refuse(basics, isApply, beforeWriting: true))
  }
  var environment = serviceEnvironment(context, decision.plan, account)
  if !isApply {
    // The command is looked up before the first write, so that a mistyped command changes no store. It is done here,
    // where PATH is known as the service will have it, and where a hanging file server costs no more than the time
    // limit.
    let command = source.commandLine.operands.first ?? []
    if let fault = certainFault(of: command, in: environment) {
      basics.log.write(report(command: command, fault))
      answer(.refused(fault.status))
    }
  }
  var levels: [Level] = []
  // A fifth of the time is kept to report the outcome.
  decision.apply(until: Deadline(nanosecondsFromNow: basics.timeout * 800_000_000)) { problem in
    levels.append(problem.level)
    basics.log.write(problem)
  }
  if isApply { nameOlderProcesses(decision, than: Clock.ticksSinceBoot) }
  if basics.isStrict && levels.contains(.error) { answer(refuse(basics, isApply, beforeWriting: false)) }
  injectFault(at: .environment, source.environment)
  let plan = decision.plan
  let names = plan.exported == nil ? [] : exportedNames(context, plan)
  if plan.isPrivate, let path = plan.exported {
    basics.log.write(report(privateBundle: path, setIn: names))
  }
  basics.log.finish()
  basics.log.write(report(inForce: context, plan, setting: names))
  if isApply {
    levels += context.problems.map { $0.level }
    answer(levels.contains(.error) ? .refused(ExitStatus.failure) : .ready(Environment(entries: [])))
  }
  if decision.hasChangedStores { environment = serviceEnvironment(context, plan, account) }
  withExtendedLifetime((context, decision)) { answer(.ready(environment)) }
}

private func refuse(_ basics: BasicSettings, _ isApply: Bool, beforeWriting: Bool) -> Answer {
  let outcome: Text =
    !isApply
    ? "the service is not started"
    : beforeWriting ? "no store was changed" : "not every store was updated"
  basics.log.write(
    .error("PSM_ENTRY_STRICT", "errors (see above), so \(outcome); \(basics.strictRemedy)", "strict.refused"))
  return .refused(ExitStatus.strictError)
}

@inline(never)
func openRoot(_ path: Path?) throws(Errno) -> Root {
  guard let path else { return .system }
  return try Root(at: path)
}

func rootProblem(_ error: Errno, _ basics: BasicSettings) -> Problem {
  let reason: Text =
    error == .notImplemented
    ? "not supported by this kernel (openat2, Linux 5.6 and later)"
    : "cannot open: \(lowerCased(error)); correct the path"
  return .error(basics.rootName, reason, "root.unusable")
}

extension Answer {
  // Format on the pipe: a status byte, the length of the rest in 8 bytes, then each entry of the environment followed
  // by a NUL. A child that dies in between has sent less than announced.

  init?(_ received: [UInt8]) {
    guard received.count >= 9, let status = received.first else { return nil }
    let length = received[1..<9].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let body = received[9...]
    guard length == UInt64(body.count) else { return nil }
    if status != 0 {
      self = .refused(Int32(status))
      return
    }
    let entries = body.dropLast().parts(between: "\0", keepsEmpty: true).map { Array($0) }
    self = .ready(Environment(entries: body.isEmpty ? [] : entries))
  }

  var bytes: [UInt8] {
    var entries: [[UInt8]] = []
    var status: UInt8 = 0
    switch self {
    case .ready(let environment): entries = environment.entries
    case .refused(let code): status = UInt8(truncatingIfNeeded: code)
    case .failed: status = UInt8(ExitStatus.preparationFailed)
    }
    let length = entries.reduce(0) { $0 + $1.count + 1 }
    var bytes = [status]
    bytes.reserveCapacity(9 + length)
    for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: length >> (56 - 8 * index))) }
    for entry in entries {
      bytes += entry
      bytes.append(0)
    }
    return bytes
  }
}
