import Linux
import Text

/// Becomes the command: switches to the requested user, if any, and executes the program.
func becomeService(
  _ arguments: CStrings, environment: Environment, original: CStrings, _ basics: BasicSettings,
  _ signals: SignalGuard
) -> Never {
  var environment = environment
  if let user = basics.user {
    if let problem = becomeUser(user, in: basics.root, &environment) {
      signals.write(problem, to: basics.log)
      ProcessID.exit(ExitStatus.preparationFailed)
    }
  }
  let command = arguments[0]
  let candidates = paths(of: command, in: environment)
  let strings = CStrings(copying: environment.entries)
  var signals = signals
  var outcome = Errno.argumentListTooLong
  if !isTooLarge(candidates.first ?? Path("."), arguments: arguments, environment: strings) {
    signals.restore()
    outcome = executeFirst(of: candidates, arguments, strings)
    signals = SignalGuard()
  }
  if outcome == .argumentListTooLong {
    let tooLarge: Text = "too large for the kernel with the variables that psm-entry adds"
    if basics.needsPreparation {
      signals.write(
        .error("environment", "\(tooLarge); the service is not started", "environment.too_large"),
        to: basics.log)
      ProcessID.exit(ExitStatus.preparationFailed)
    }
    signals.write(
      .error(
        "environment", "\(tooLarge); the service starts with its original environment",
        "environment.too_large"),
      to: basics.log)
    signals.restore()
    outcome = executeFirst(of: candidates, arguments, original)
    signals = SignalGuard()
  }
  let fault: CommandFault =
    switch outcome {
    case .noSuchFile, .notDirectory: .missing
    case .noSuchInterpreter: .interpreterMissing
    default: .refused(outcome)
    }
  signals.write(report(command: command, fault), to: basics.log)
  ProcessID.exit(fault.status)
}

/// Tries each path in turn, as `execvp` does: "permission denied" is remembered and reported at the end, and a script
/// without an interpreter line is run by the shell.
/// - Returns: why no path could be executed.
/// - Source: POSIX exec, "Description" and "Errors".
private func executeFirst(of candidates: [Path], _ arguments: CStrings, _ environment: CStrings) -> Errno {
  var outcome = Errno.noSuchFile
  for path in candidates {
    let error = executeOrInterpret(path, arguments, environment)
    switch error {
    case .noSuchFile where exists(path):
      // The script exists, but its interpreter does not.
      if outcome != .accessDenied { outcome = .noSuchInterpreter }
    case .noSuchFile, .notDirectory, .nameTooLong, .noSuchDevice, .timedOut: break
    case .accessDenied: outcome = .accessDenied
    default: return error
    }
  }
  return outcome
}

private func executeOrInterpret(_ path: Path, _ arguments: CStrings, _ environment: CStrings) -> Errno {
  let error = execute(path, arguments: arguments, environment: environment)
  if error != .execFormat { return error }
  let shell = CStrings(copying: [("sh" as StaticString).bytes, Array(path.bytes)]).appending(
    arguments.dropFirst())
  return execute(Path("/bin/sh"), arguments: shell, environment: environment)
}

/// - Returns: why this process could not switch to the user.
@inline(never)
private func becomeUser(_ user: [UInt8], in rootPath: Path?, _ environment: inout Environment) -> Problem? {
  do throws(Errno) {
    let account: Account
    let root = try openRoot(rootPath)
    do throws(Problem) { account = try findAccount(user, in: root) } catch { return error }
    if account.isCurrent { return nil }
    try account.become()
    return nil
  } catch {
    return .error(
      userSubject,
      "cannot become \(shownUser(user)) (\(lowerCased(error))), so the service is not started; start as root with the capabilities SETUID and SETGID",
      "user.refused"
    )
  }
}

private var userSubject: Text { "PSM_ENTRY_USER" }

/// The account of the requested user.
func findAccount(_ user: [UInt8], in root: Root) throws(Problem) -> Account {
  let passwd = try readAccounts("/etc/passwd", in: root)
  let groups = try readAccounts("/etc/group", in: root)
  do throws(Account.Failure) {
    return try Account(user, passwd: passwd, groups: groups)
  } catch {
    throw .error(
      userSubject, "\(shownUser(user)): \(error.text), so the service is not started; \(error.remedy)",
      "user.refused")
  }
}

/// A user's name, unless it looks like a URL that was put there by mistake.
private func shownUser(_ user: [UInt8]) -> Text {
  let colons = user.count { $0 == UInt8(ascii: ":") }
  return colons > 1 || user.contains(UInt8(ascii: "@")) || user.contains(UInt8(ascii: "/"))
    ? "the user" : escaped(user)
}

/// The text of passwd or group; empty if the file does not exist. A file that exists but cannot be read may contain the
/// user's groups: without them the service would run with other rights than requested.
private func readAccounts(_ path: StaticString, in root: Root) throws(Problem) -> [UInt8] {
  do throws(ReadError) { return try root.read(Path(path), limit: 16 << 20) } catch {
    if error == .system(.noSuchFile) { return [] }
    throw .error(
      userSubject,
      "cannot read \(path) (\(error.shortText)), so the service is not started; mount a readable file",
      "user.refused")
  }
}

extension Account.Failure {
  fileprivate var text: Text {
    switch self {
    case .unknownUser: "no such user in /etc/passwd"
    case .unknownGroup: "no such group in /etc/group"
    case .malformed: "invalid value"
    }
  }

  fileprivate var remedy: Text {
    switch self {
    case .unknownUser, .unknownGroup: "correct the name, or use numbers: UID:GID"
    case .malformed: "expected NAME, UID, NAME:GROUP or UID:GID"
    }
  }
}
