import Linux
import Text
import Trust

/// The sources of settings: the command line, then the environment.
final class Source {
  let commandLine: CommandLine
  let environment: Environment

  init(commandLine: CommandLine, environment: Environment) {
    self.commandLine = commandLine
    self.environment = environment
  }

  /// A setting's value, and whether an option gave it. An empty variable counts as unset, because Compose's `${NAME:-}`
  /// produces it; only the list of exports may be empty on purpose. An empty option is a value.
  func value(of setting: Setting) -> (bytes: [UInt8], isOption: Bool)? {
    if let value = commandLine.value(of: setting) { return (value, true) }
    guard let value = environment.value(of: setting.variable), !value.isEmpty || setting == .export else {
      return nil
    }
    return (value, false)
  }

  /// A setting's value, parsed by `parse`.
  /// - Parameter expected: the valid values, for a message. An invalid value of a variable is added to `problems`, and
  ///   the default is used.
  /// - Throws: the problem of an option.
  func read<Value>(
    _ setting: Setting, default defaultValue: Value, _ problems: inout [Problem], expected: StaticString,
    parse: ([UInt8]) -> Value?
  ) throws(CommandLine.UsageError) -> Value {
    guard let (bytes, isOption) = value(of: setting) else { return defaultValue }
    if let value = parse(bytes) { return value }
    let diagnostic: Text = "invalid value (expected \(expected))"
    if isOption { throw CommandLine.UsageError(message: "\(setting.option): \(diagnostic)") }
    problems.append(.error("\(setting.variable)", "\(diagnostic); using the default", "setting.invalid"))
    return defaultValue
  }
}

/// The settings that the first process needs itself, to do what was requested even if the preparation fails.
final class BasicSettings {
  let isStrict: Bool
  /// What to do if an error ends a strict start.
  let strictRemedy: StaticString
  /// The time limit in seconds for the whole preparation.
  let timeout: Int64
  let user: [UInt8]?
  let root: Path?
  /// What sets the root: the option or the variable.
  let rootName: Text
  let log: Log
  /// Whether the service must not run if something requested cannot be done.
  var needsPreparation: Bool { isStrict || user != nil }
  let problems: [Problem]

  init(_ source: Source) throws(CommandLine.UsageError) {
    var problems: [Problem] = []
    isStrict = try source.read(
      .strict, default: false, &problems, expected: "on, off, yes, no, true, false, 1 or 0",
      parse: boolean)
    strictRemedy =
      source.value(of: .strict)?.isOption == true
      ? "correct them, or remove --strict" : "correct them, or set PSM_ENTRY_STRICT=off"
    timeout = try source.read(
      .timeout, default: 60, &problems, expected: "1 to 86400 seconds", parse: seconds)
    let user = source.value(of: .user)
    // A user requested by an invalid variable is not replaced by a default: the start ends with status 70.
    if let user, user.isOption, !Account.isSpecification(user.bytes) {
      throw CommandLine.UsageError(
        message: "\(Setting.user.option): invalid value (expected NAME, UID, NAME:GROUP or UID:GID)")
    }
    self.user = user?.bytes
    rootName = "\(source.value(of: .root)?.isOption == false ? Setting.root.variable : Setting.root.option)"
    root = source.value(of: .root).map { Path($0.bytes) }.flatMap { $0 == Path("/") ? nil : $0 }
    var log = Log()
    log.isJSON = try source.read(
      .logFormat, default: false, &problems, expected: "text or json"
    ) { word($0, [("text", false), ("json", true)]) }
    log.threshold = try source.read(
      .log, default: .info, &problems, expected: "quiet, error, warning, info or debug"
    ) { word($0, Self.thresholds) }
    self.log = log
    self.problems = problems
  }

  private static var thresholds: [(StaticString, Level?)] {
    [("quiet", nil), ("error", .error), ("warning", .warning), ("info", .info), ("debug", .debug)]
  }
}

/// The value that belongs to a word.
func word<Value>(_ bytes: [UInt8], _ values: [(StaticString, Value)]) -> Value? {
  values.first { bytes[...].isEqual(to: $0.0) }?.1
}

private func seconds(_ digits: [UInt8]) -> Int64? {
  guard digits.count <= 5, let number = digits[...].decimal(upTo: 86400), number > 0 else { return nil }
  return Int64(number)
}
