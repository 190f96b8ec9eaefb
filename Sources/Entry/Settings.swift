import Linux
import Proxies
import Text

/// What the command line and the environment request; an option overrides its variable.
final class Settings {
  enum System: Equatable { case auto, native, off }

  /// A file or directory that certificates are read from.
  struct Input: Equatable {
    let path: Path
    /// Whether the user named it: then it must exist.
    let isNamed: Bool
    /// Whether ``Setting/repoCustomCACert`` names it.
    let isCustomCACert: Bool

    init(path: Path, isNamed: Bool, isCustomCACert: Bool = false) {
      self.path = path
      self.isNamed = isNamed
      self.isCustomCACert = isCustomCACert
    }

    /// Whether it must be a file: because of the setting, or because of its name.
    var isFile: Bool { isCustomCACert || Self.isFile(path) }

    /// Whether a path has a suffix of certificate files, in any case.
    static func isFile(_ path: Path) -> Bool {
      let name = path.split.name.bytes
      guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return false }
      let ending = name[dot...].map { $0.isLetter ? $0 | 0x20 : $0 }
      let endings: [StaticString] = [".pem", ".crt", ".cer", ".cert", ".der", ".p7b", ".p7c"]
      return endings.contains { ending[...].isEqual(to: $0) }
    }
  }

  let basics: BasicSettings
  let inputs: [Input]
  /// The value of ``Setting/certsData``: an additional input.
  let certificateData: [UInt8]?
  /// Whether a variable names an input by something other than an absolute path: then some input was not read.
  let misnamesInputs: Bool
  /// Paths whose components may contain `*`; the element ``usualBundles`` stands for all the usual places.
  let bundles: [Path]

  static var usualBundles: Path { Path("default") }
  let system: System
  let exports: [[UInt8]]
  /// Which case of a proxy variable wins; nil if it is not set.
  let preference: ProxySettings.Preference?
  let noProxy: [UInt8]
  /// State directories that the user named.
  let namedStateDirectories: [Path]
  /// Problems of variables; a bad option is a usage error instead.
  let problems: [Problem]

  /// - Throws: the problem of an option.
  init(_ source: Source, _ basics: BasicSettings) throws(CommandLine.UsageError) {
    self.basics = basics
    var problems = basics.problems
    system = try source.read(
      .system, default: .auto, &problems, expected: "auto, native or off"
    ) { word($0, Self.systems) }
    preference = try source.read(
      .prefer, default: nil, &problems, expected: "lower or upper"
    ) { word($0, Self.preferences).map { Optional($0) } }
    bundles = try source.read(
      .bundles, default: [Self.usualBundles], &problems, expected: "absolute paths and default, or none",
      parse: bundlePatterns)
    namedStateDirectories = try source.read(
      .stateDir, default: [], &problems, expected: absolutePaths, parse: paths)
    noProxy = source.value(of: .noProxy)?.bytes ?? []
    exports = try source.read(
      .export, default: names(Setting.export.defaultValue), &problems,
      expected: "names of variables, separated by ','", parse: names)
    let earlier = problems.count
    inputs = try Self.inputs(source, &problems)
    certificateData = source.value(of: .certsData)?.bytes
    misnamesInputs = problems.count > earlier
    self.problems = problems + unknownVariables(in: source.environment)
  }

  private static var systems: [(StaticString, System)] {
    [("auto", .auto), ("native", .native), ("off", .off)]
  }
  private static var preferences: [(StaticString, ProxySettings.Preference)] {
    [("lower", .lower), ("upper", .upper)]
  }

  /// - Parameter problems: receives the problems of the paths only.
  private static func inputs(_ source: Source, _ problems: inout [Problem]) throws(CommandLine.UsageError)
    -> [Input]
  {
    var inputs: [Input] = []
    if source.value(of: .certs) != nil {
      inputs = try source.read(.certs, default: [], &problems, expected: absolutePaths, parse: paths)
        .map { Input(path: $0, isNamed: true) }
    }
    if inputs.isEmpty { inputs = [Input(path: Path(Setting.certs.defaultValue), isNamed: false)] }
    if let file = source.value(of: .repoCustomCACert)?.bytes {
      if file.first == UInt8(ascii: "/") {
        inputs.append(Input(path: Path(file), isNamed: true, isCustomCACert: true))
      } else {
        problems.append(
          .error(
            "\(Setting.repoCustomCACert.variable)",
            "not an absolute path; no certificate is removed from any store in this start",
            "setting.invalid"
          ))
      }
    }
    return inputs
  }

  /// Whether the user named the state directories: then it is reported if one cannot be used.
  var namesStateDirectories: Bool { !namedStateDirectories.isEmpty }

  /// Where a private bundle may go.
  /// - Parameter user: the user that starts the service.
  func stateDirectories(of user: UInt32) -> [Path] {
    if namesStateDirectories { return namedStateDirectories }
    let name: Text = "psm-entry-\(user)"
    return [
      Path("/run/psm-entry"), Path("/tmp").appending(name.utf8[...]),
      Path("/dev/shm").appending(name.utf8[...]),
    ]
  }
}

private let absolutePaths: StaticString = "absolute paths, separated by ':'"

/// Absolute paths separated by colons; nil if one of them is relative. A relative path would depend on the directory
/// that the service happens to start in.
private func paths(_ bytes: [UInt8]) -> [Path]? {
  let paths = bytes[...].parts(between: ":").map { Path($0) }
  return paths.allSatisfy { $0.isAbsolute } ? paths : nil
}

/// Absolute paths and the word `default`, separated by colons, or the single word `none`. An empty value, which
/// Compose's `${NAME:-}` produces, means the default.
private func bundlePatterns(_ bytes: [UInt8]) -> [Path]? {
  if bytes.isEmpty { return [Settings.usualBundles] }
  if bytes[...].isEqual(to: "none") { return [] }
  let patterns = bytes[...].parts(between: ":").map { Path($0) }
  return patterns.allSatisfy { $0.isAbsolute || $0 == Settings.usualBundles } ? patterns : nil
}

private func names(_ text: StaticString) -> [[UInt8]] { names(text.bytes) ?? [] }

/// Names separated by commas, without white space around them; nil if one is not a valid name.
private func names(_ bytes: [UInt8]) -> [[UInt8]]? {
  let names = bytes[...].parts(between: ", ")
  // Some names contain dots and dashes. Other characters show that the value was meant for something else.
  let marks: StaticString = ".-"
  let areNames = names.allSatisfy { $0.allSatisfy { isNameByte($0) || marks.has($0) } }
  return areNames ? names.map { Array($0) } : nil
}

/// A warning for each variable that looks like a setting but is unknown; beyond eight, only their number.
@inline(never)
private func unknownVariables(in environment: Environment) -> [Problem] {
  let prefix: StaticString = "PSM_ENTRY_"
  let names = environment.entries.compactMap { name(ofEntry: $0) }.filter { $0.begins(with: prefix) }
  if names.isEmpty { return [] }
  let known = Setting.allCases.map { $0.variable }.filter { Path($0).bytes.begins(with: prefix) }
  let unknown = names.filter { name in
    !known.contains { name.isEqual(to: $0) } && !isTestVariable(name)
  }
  let problems = unknown.prefix(messageLimit).map { name -> Problem in
    let upper = name.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) ? $0 & ~0x20 : $0 }[...]
    let nearest = known.min { distance(upper, Path($0).bytes) < distance(upper, Path($1).bytes) }
    let advice: Text = nearest.map { "; did you mean \($0)?" } ?? ""
    return .warning(escaped(name), "unknown setting\(advice)", "setting.unknown")
  }
  if unknown.count <= messageLimit { return problems }
  return problems + [
    .warning(
      "PSM_ENTRY_*", "\(unknown.count - messageLimit) more unknown settings not shown", "setting.unknown")
  ]
}

/// The number of bytes to add, remove or change to turn one name into the other (Levenshtein distance).
func distance(_ one: ArraySlice<UInt8>, _ other: ArraySlice<UInt8>) -> Int {
  // A name may have any length; no setting's name is longer than this.
  let (one, other) = (Array(one.prefix(64)), Array(other.prefix(64)))
  var row = Array(0...other.count)
  for (i, byte) in one.enumerated() {
    var previous = row[0]
    row[0] = i + 1
    for j in other.indices {
      let change = previous + (byte == other[j] ? 0 : 1)
      previous = row[j + 1]
      row[j + 1] = min(change, previous + 1, row[j] + 1)
    }
  }
  return row[other.count]
}
