import Linux
import Text
import Trust

/// Where settings come from: the command line, then the environment.
final class Source {
  let commandLine: CommandLine
  let environment: Environment

  init(commandLine: CommandLine, environment: Environment) {
    self.commandLine = commandLine
    self.environment = environment
  }

  /// A setting's value and whether an option gave it. An empty variable counts as unset, as
  /// Compose's `${NAME:-}` leaves it, but for the list of exports, which somebody may want empty;
  /// an empty option is a value.
  func value(of setting: Setting) -> (bytes: [UInt8], isOption: Bool)? {
    if let value = commandLine.value(of: setting) { return (value, true) }
    guard let value = environment.value(of: setting.variable), !value.isEmpty || setting == .export else {
      return nil
    }
    return (value, false)
  }

  /// A setting's value as `parse` reads it.
  /// - Parameter diagnostic: what is wrong with a value that it cannot read. A variable's is added
  ///   to `problems` and the default holds.
  /// - Throws: the diagnostic about an option.
  func read<Value>(
    _ setting: Setting, default defaultValue: Value, _ problems: inout [Problem], diagnostic: StaticString,
    parse: ([UInt8]) -> Value?
  ) throws(CommandLine.UsageError) -> Value {
    guard let (bytes, isOption) = value(of: setting) else { return defaultValue }
    if let value = parse(bytes) { return value }
    if isOption { throw CommandLine.UsageError(message: "\(setting.option): the value \(diagnostic)") }
    problems.append(.error("\(setting.variable)", "the value \(diagnostic); the default holds"))
    return defaultValue
  }
}

/// What the first process needs to know itself, to do what was asked even if the preparation
/// fails.
final class BasicSettings {
  let isStrict: Bool
  /// Seconds that the preparation may take in all.
  let timeout: Int64
  let user: [UInt8]?
  let root: Path?
  let log: Log
  /// Whether the service must not run with less than was asked for.
  var needsPreparation: Bool { isStrict || user != nil }
  let problems: [Problem]

  init(_ source: Source) throws(CommandLine.UsageError) {
    var problems: [Problem] = []
    isStrict = try source.read(
      .strict, default: false, &problems, diagnostic: "is none of 1 0 on off true false yes no",
      parse: boolean)
    timeout = try source.read(
      .timeout, default: 60, &problems, diagnostic: "is no number of seconds from 1 to 86400", parse: seconds)
    user = source.value(of: .user)?.bytes
    root = source.value(of: .root).map { Path($0.bytes) }.flatMap { $0 == Path("/") ? nil : $0 }
    var log = Log()
    log.isJSON = try source.read(
      .logFormat, default: false, &problems, diagnostic: "is neither text nor json"
    ) { word($0, [("text", false), ("json", true)]) }
    log.threshold = try source.read(
      .log, default: .info, &problems, diagnostic: "is none of quiet, error, warning, info, debug"
    ) { word($0, Self.thresholds) }
    self.log = log
    self.problems = problems
  }

  private static var thresholds: [(StaticString, Level?)] {
    [("quiet", nil), ("error", .error), ("warning", .warning), ("info", .info), ("debug", .debug)]
  }
}

/// The value that stands beside the word given.
func word<Value>(_ bytes: [UInt8], _ values: [(StaticString, Value)]) -> Value? {
  values.first { bytes[...].isEqual(to: $0.0) }?.1
}

private func seconds(_ digits: [UInt8]) -> Int64? {
  guard digits.count <= 5, let number = digits[...].decimal(upTo: 86400), number > 0 else { return nil }
  return Int64(number)
}
