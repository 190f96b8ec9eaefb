import Certificates
import Linux
import Proxies
import Text
import Trust

// What a start says of itself, beside what it says of the stores.

/// What is in force: how many CAs are mounted, how many stores trust them all, and the proxies, redacted. The last line
/// of a start, and of a `check` without errors.
func inForce(_ context: StartContext, _ plan: Plan) -> Text {
  "version \(Build.version); \(shownCertificates(context, plan)); \(shownProxies(context.proxies.proxies))"
}

private func shownCertificates(_ context: StartContext, _ plan: Plan) -> Text {
  let found = context.inputs.found
  guard let first = found.first?.certificate else { return "no CA mounted" }
  let subject = first.shownSubject.cut(to: 128)
  let more: Text = found.count == 1 ? "" : ", and \(found.count - 1) more"
  let expiry = RFC3339.text(first.notAfter).prefix(10)
  let count: Text = found.count == 1 ? "1 CA" : "\(found.count) CAs"
  let stores: Text =
    switch plan.storeCount {
    case 0: "no store"
    case 1: "\(plan.trustingStoreCount) of 1 store"
    default: "\(plan.trustingStoreCount) of \(plan.storeCount) stores"
    }
  return "\(count) mounted (\(subject), valid until \(expiry)\(more)), trusted by \(stores)"
}

/// Variables of one value together.
private func shownProxies(_ proxies: [ProxyOutcome.Proxy]) -> Text {
  if proxies.isEmpty { return "no proxy" }
  var groups: [(names: [Text], value: Text)] = []
  for proxy in proxies {
    let value = proxy.url?.redacted ?? "a value that cannot be read"
    let name: Text = "\(proxy.variable.upperCase)"
    if let index = groups.firstIndex(where: { $0.value == value }) {
      groups[index].names.append(name)
    } else {
      groups.append(([name], value))
    }
  }
  return groups.map { "\($0.names.joinedByAnd) \($0.value)" as Text }.joined(by: ", ")
}

/// - Parameter names: the variables that a start sets to it.
func report(privateBundle path: Path, setIn names: [[UInt8]]) -> Problem {
  let list = names.map { escaped($0) }.joinedByAnd
  return Problem(
    level: .info, subject: path.shown,
    message:
      "the service gets it in \(list); 'docker exec' does not: put 'psm-entry --' before its command",
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
    case .notExecutable: "cannot be executed: it has no execute permission; run chmod +x on it"
    case .directory: "cannot be executed: it is a directory; write the path of a program in it"
    case .interpreterMissing: "cannot be executed: the interpreter that it names is missing"
    case .refused(let error): "cannot be executed: \(lowerCased(error))"
    }
  return .error(shownCommand(command), message)
}

/// A word close to a sub-command's was probably meant as one.
private func remedy(ofMistyped command: [UInt8]) -> Text {
  let near = CommandLine.words.first {
    distance(command[...], $0.word.bytes[...]) <= 2 && $0.word.utf8CodeUnitCount > 3
  }
  return near.map { "did you mean psm-entry \($0.word)?" } ?? "correct its name, or write its full path"
}

/// A command's name, unless it looks like something that was meant as a value and may hold a password.
private func shownCommand(_ command: [UInt8]) -> Text {
  command.contains(UInt8(ascii: "@")) || command.contains(UInt8(ascii: ":")) ? "command" : escaped(command)
}

/// - Parameter process: a psm-entry that has not become its service yet.
func report(preparing process: RunningProcess) -> Problem {
  .error(
    "psm-entry",
    "process \(process.id.rawValue) is still preparing this container; run check again when it has ended")
}
