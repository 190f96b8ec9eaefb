import Linux
import Proxies
import Text

/// What the command line and the environment ask for, an option before its variable.
final class Settings {
  enum System: Equatable { case auto, native, off }

  /// A file or directory that certificates are read from.
  struct Input: Equatable {
    let path: Path
    /// Whether somebody has named it: then it must be there.
    let isNamed: Bool
    /// Whether it must be a file: the setting says so, or its name is a file's.
    let isFile: Bool

    init(path: Path, isNamed: Bool, isFile: Bool = false) {
      self.path = path
      self.isNamed = isNamed
      self.isFile = isFile || Self.isFile(path)
    }

    /// Whether a path ends as the names of certificate files do.
    static func isFile(_ path: Path) -> Bool {
      let name = path.split.name.bytes
      guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return false }
      let endings: [StaticString] = [".pem", ".crt", ".cer", ".cert", ".der", ".p7b", ".p7c"]
      return endings.contains { name[dot...].isEqual(to: $0) }
    }
  }

  let basics: BasicSettings
  let inputs: [Input]
  /// The value of ``Setting/certsData``: one more input.
  let certificateData: [UInt8]?
  /// Whether a variable names an input by what is no absolute path: then not all was read that was meant.
  let misnamesInputs: Bool
  /// Paths whose components may hold `*`; ``usualBundles`` among them stands for all the usual places.
  let bundles: [Path]

  static let usualBundles = Path("default")
  let system: System
  let exports: [[UInt8]]
  /// Which case of a proxy variable wins; nil where nobody has said so.
  let preference: ProxySettings.Preference?
  let noProxy: [UInt8]
  /// State directories that somebody has named.
  let namedStateDirectories: [Path]
  /// What is wrong with variables; a bad option is a usage error instead.
  let problems: [Problem]

  /// - Throws: what is wrong with an option.
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

  /// - Parameter problems: gets what is wrong with the paths, and nothing else.
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
        inputs.append(Input(path: Path(file), isNamed: true, isFile: true))
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

  /// Whether somebody has named the state directories: then it is worth knowing that one cannot be used.
  var namesStateDirectories: Bool { !namedStateDirectories.isEmpty }

  /// Where a private bundle may go.
  /// - Parameter user: who starts the service.
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

/// Absolute paths between colons; nil where one of them is not. A relative one would mean
/// whatever directory the service happens to start in.
private func paths(_ bytes: [UInt8]) -> [Path]? {
  let paths = bytes[...].parts(between: ":").map { Path($0) }
  return paths.allSatisfy { $0.isAbsolute } ? paths : nil
}

/// Absolute paths and the word `default` between colons, or the word `none` alone. Nothing at all is what Compose's
/// `${NAME:-}` leaves, and means the default.
private func bundlePatterns(_ bytes: [UInt8]) -> [Path]? {
  if bytes.isEmpty { return [Settings.usualBundles] }
  if bytes[...].isEqual(to: "none") { return [] }
  let patterns = bytes[...].parts(between: ":").map { Path($0) }
  return patterns.allSatisfy { $0.isAbsolute || $0 == Settings.usualBundles } ? patterns : nil
}

private func names(_ text: StaticString) -> [[UInt8]] { names(text.bytes) ?? [] }

/// Names between commas, white space around them left out; nil where one cannot be a name.
private func names(_ bytes: [UInt8]) -> [[UInt8]]? {
  let names = bytes[...].parts(between: ", ")
  // Dots and dashes are in some names. What else is there was meant as something else.
  let marks: StaticString = ".-"
  let areNames = names.allSatisfy { $0.allSatisfy { isNameByte($0) || marks.has($0) } }
  return areNames ? names.map { Array($0) } : nil
}

/// A warning for each variable that looks like a setting of ours and is none; of more than eight, how many they are.
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

/// How many bytes must be added, removed or changed to make one name the other (Levenshtein).
func distance(_ one: ArraySlice<UInt8>, _ other: ArraySlice<UInt8>) -> Int {
  // A name is as long as its writer likes; no setting's is longer than this.
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
