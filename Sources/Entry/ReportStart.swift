import Certificates
import Linux
import Proxies
import Text
import Trust

// Messages of a start about itself rather than about the stores.

/// What is in effect: the number of mounted CAs, the number of stores that trust them all, and the proxies, redacted.
/// The last line of a start, and of a `check` without errors.
func inForce(_ context: StartContext, _ plan: Plan) -> Text {
  "version \(Build.version); \(shownCertificates(context, plan)); \(shownProxies(context.proxies.proxies))"
}

private func shownCertificates(_ context: StartContext, _ plan: Plan) -> Text {
  let found = context.inputs.found
  guard let first = found.first?.certificate else { return "no CA mounted" }
  let subject = first.shownSubject.cut(to: 128)
  let more: Text = found.count == 1 ? "" : ", and \(found.count - 1) more"
  let expiry = RFC3339.day(first.notAfter)
  let count: Text = found.count == 1 ? "1 CA" : "\(found.count) CAs"
  let stores: Text =
    switch plan.storeCount {
    case 0: "no store"
    case 1: "\(plan.trustingStoreCount) of 1 store"
    default: "\(plan.trustingStoreCount) of \(plan.storeCount) stores"
    }
  return "\(count) mounted (\(subject), valid until \(expiry)\(more)), trusted by \(stores)"
}

/// The last line of a start.
/// - Parameter names: the variables that this start sets to a bundle's path.
@inline(never)
func report(inForce context: StartContext, _ plan: Plan, setting names: [[UInt8]]) -> Problem {
  Problem(
    level: .info, subject: "", message: inForce(context, plan), event: "start.in_force",
    fields: context.settings.basics.log.isJSON ? inForceFields(context, plan, names) : [])
}

/// The same for machines. With the message it is shorter than what a pipe accepts as a whole.
@inline(never)
private func inForceFields(_ context: StartContext, _ plan: Plan, _ names: [[UInt8]]) -> [Problem.Field] {
  let limit = 100
  let found = context.inputs.found
  var fields = [
    Problem.Field("version", .text(Build.version)), Problem.Field("certificates", .number(found.count)),
  ]
  if let expiry = found.map({ $0.certificate.notAfter }).min() {
    fields.append(Problem.Field("earliest_expiry", .text(RFC3339.text(expiry))))
  }
  fields.append(Problem.Field("stores", .number(plan.storeCount)))
  fields.append(Problem.Field("trusting_stores", .number(plan.trustingStoreCount)))
  for proxy in context.proxies.proxies {
    guard let url = proxy.url else { continue }
    fields.append(Problem.Field(proxy.variable.lowerCase, .text(url.redacted.cut(to: limit))))
  }
  if plan.isPrivate, let path = plan.exported {
    fields.append(Problem.Field("private_bundle", .text(path.shown.cut(to: limit))))
  }
  // Each name takes at most 40 bytes; only names that the user chose can be longer.
  let variables = names.prefix(12).map { escaped($0).cut(to: 40) }
  if !variables.isEmpty { fields.append(Problem.Field("variables", .texts(Array(variables)))) }
  return fields
}

/// The message about a certificate that was read.
func report(read found: Inputs.Found) -> Problem {
  let certificate = found.certificate
  return Problem(
    level: .debug, subject: found.source.shown,
    message:
      "read \(certificate.shownSubject.cut(to: 256)), valid until \(RFC3339.day(certificate.notAfter))",
    event: "certificate.read",
    fields: [
      Problem.Field("sha256", .text(certificate.fingerprint.hex)),
      Problem.Field("not_after", .text(RFC3339.text(certificate.notAfter))),
    ])
}

/// Groups variables with the same value.
@inline(never)
private func shownProxies(_ proxies: [ProxyOutcome.Proxy]) -> Text {
  if proxies.isEmpty { return "no proxy" }
  var groups: [(names: [Text], value: Text)] = []
  for proxy in proxies {
    let value = proxy.url?.redacted ?? "(invalid URL)"
    let name: Text = "\(proxy.variable.upperCase)"
    if let index = groups.firstIndex(where: { $0.value == value }) {
      groups[index].names.append(name)
    } else {
      groups.append(([name], value))
    }
  }
  return groups.map { "\($0.names.joinedByAnd) \($0.value)" as Text }.joined(by: ", ")
}

/// - Parameter names: the variables that a start sets to the bundle's path.
func report(privateBundle path: Path, setIn names: [[UInt8]]) -> Problem {
  let list = names.map { escaped($0) }.joined(by: ", ")
  let variables: Text = names.count == 1 ? "1 variable" : "\(names.count) variables"
  return Problem(
    level: .info, subject: path.shown,
    message:
      "set in \(variables) of the service (\(list)); put 'psm-entry --' before the command of 'docker exec', which does not see them otherwise",
    event: "private_bundle.exported")
}

/// Why a command was not run.
enum CommandFault: Equatable {
  case missing, notExecutable, directory
  case interpreterMissing
  case refused(Errno)

  var status: Int32 { self == .missing ? ExitStatus.notFound : ExitStatus.notExecutable }
}

func report(command: [UInt8], _ fault: CommandFault) -> Problem {
  let hasSlash = command.contains(UInt8(ascii: "/"))
  let message: Text =
    switch fault {
    case .missing where hasSlash: "command not found; correct its path, or install it in the image"
    case .missing: "command not found in PATH; \(remedy(ofMistyped: command))"
    case .notExecutable: "permission denied: not executable; run chmod +x on it in the image's build"
    case .directory: "is a directory; write the path of a program in it"
    case .interpreterMissing:
      "cannot execute: its interpreter (the #! line or the dynamic loader) is missing; install it in the image"
    case .refused(let error): "cannot execute: \(lowerCased(error))"
    }
  return .error(shownCommand(command), message, "command.not_executed")
}

/// A word that is similar to a sub-command was probably meant as one.
private func remedy(ofMistyped command: [UInt8]) -> Text {
  let near = CommandLine.words.first {
    distance(command[...], $0.word.bytes[...]) <= 2 && $0.word.utf8CodeUnitCount > 3
  }
  return near.map { "did you mean 'psm-entry \($0.word)'?" } ?? "correct its name, or write its full path"
}

/// A command's name, unless it looks like a misplaced value that may contain a password.
private func shownCommand(_ command: [UInt8]) -> Text {
  command.contains(UInt8(ascii: "@")) || command.contains(UInt8(ascii: ":")) ? "command" : escaped(command)
}

/// - Parameter process: a psm-entry that has not become its service yet.
func report(preparing process: RunningProcess) -> Problem {
  .error(
    "psm-entry",
    "process \(process.id.rawValue) is still preparing this container; run check again when it has ended",
    "start.preparing")
}
