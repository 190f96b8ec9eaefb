import Linux
import Text

/// Runs what the command line says: becomes the service, or ends with an exit status.
@inline(never)
public func run(_ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
  let environment = CStrings.environment
  let arguments = argc > 0 ? CStrings(argv, skipping: 1) : CStrings(copying: [])
  do throws(CommandLine.UsageError) {
    if Credentials.areRaised {
      throw CommandLine.UsageError(
        message: "refusing to run set-user-ID or set-group-ID; run chmod ug-s on the binary")
    }
    let commandLine = try CommandLine(arguments.all)
    let source = Source(commandLine: commandLine, environment: Environment(entries: environment.all))
    let basics = try BasicSettings(source)
    if commandLine.verb == .start {
      start(
        source, basics, arguments: arguments.dropFirst(commandLine.operandsStart),
        environment: environment)
    }
    fillStandardDescriptors()
    // A reader that is gone, or a file that may not grow, is an error like any other.
    SignalSet.ignore([SignalSet.brokenPipe, SignalSet.fileSizeExceeded])
    defer { basics.log.finish() }
    return try runSubCommand(source, basics)
  } catch {
    // The log settings are not known yet.
    var log = Log()
    log.isJSON = requestsJSONLog(arguments.all, Environment(entries: environment.all))
    log.write(.error("", "\(error.message); see psm-entry --help", "usage.wrong"))
    return ExitStatus.usage
  }
}

/// Whether the log should be JSON, as far as that can be told from a command line that is wrong.
@inline(never)
private func requestsJSONLog(_ arguments: [[UInt8]], _ environment: Environment) -> Bool {
  var values = environment.value(of: Setting.logFormat.variable).map { [$0] } ?? []
  let (option, prefix) = (Setting.logFormat.option, "--log-format=" as StaticString)
  for (index, argument) in arguments.enumerated() {
    if argument[...].isEqual(to: "--") { break }
    if argument[...].isEqual(to: option) { values += arguments[(index + 1)...].prefix(1) }
    if argument[...].begins(with: prefix) { values.append(Array(argument[prefix.utf8CodeUnitCount...])) }
  }
  return values.last.map { $0[...].isEqual(to: "json") } ?? false
}

private func runSubCommand(_ source: Source, _ basics: BasicSettings) throws(CommandLine.UsageError) -> Int32
{
  let commandLine = source.commandLine
  switch commandLine.verb {
  case .help: return Output.write(helpText(on: commandLine.topic), basics.log)
  case .version: return printVersion(asJSON: commandLine.flags.contains(.json), basics.log)
  case .install: return install(to: Path(commandLine.operands.first ?? []), basics.log)
  case .apply: return apply(source, basics)
  case .start, .plan, .check, .certs, .env, .writeBundle: break
  }
  let settings = try Settings(source, basics)
  let root: Root
  do throws(Errno) { root = try openRoot(basics.root) } catch {
    let problem = rootProblem(error, basics)
    throw CommandLine.UsageError(message: "\(problem.subject): \(problem.message)")
  }
  if commandLine.verb == .certs {
    return listCertificates(commandLine, settings, source.environment, in: root)
  }
  let context = StartContext(settings, source.environment, in: root)
  switch commandLine.verb {
  case .plan: return printPlan(context, asJSON: commandLine.flags.contains(.json))
  case .check: return try check(context, commandLine)
  case .writeBundle: return writeBundle(context, to: commandLine.operands.first)
  default: return printEnvironment(context, commandLine.flags)
  }
}

/// Prints the version and its origin, which a bug report must name.
private func printVersion(asJSON: Bool, _ log: Log) -> Int32 {
  if !asJSON {
    return Output.write("psm-entry \(Build.version) (\(Build.architecture), commit \(Build.commit))\n", log)
  }
  var json = JSON()
  json.object { object in
    object.member("version", Build.version)
    object.member("commit", Build.commit)
    object.member("architecture", Build.architecture)
  }
  return Output.write(json.bytes + [newline], log)
}

/// Standard output, which is reserved for results.
enum Output {
  /// - Returns: the exit status, which reports a failed write.
  static func write(_ text: Text, _ log: Log) -> Int32 { write(text.utf8, log) }

  static func write(_ bytes: [UInt8], _ log: Log) -> Int32 {
    do throws(Errno) {
      try FileDescriptor.standardOutput.write(bytes)
      return 0
    } catch {
      log.write(.error("standard output", "cannot write the result: \(lowerCased(error))", "output.failed"))
      return ExitStatus.failure
    }
  }
}
