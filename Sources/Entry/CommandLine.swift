import Linux
import Text

/// The parsed command line.
///
/// The process that becomes the service parses it: the command must be known even if the preparation fails.
struct CommandLine {
  enum Verb: Equatable {
    case start, plan, check, certs, env, apply, writeBundle, install, help, version
  }

  /// Options of the sub-commands, in addition to those of ``Setting``.
  enum Flag: Equatable { case json, null, connect, clients }

  private(set) var verb = Verb.start
  private(set) var settings: [(setting: Setting, value: [UInt8])] = []
  private(set) var flags: [Flag] = []
  /// The values of `--proxy`, `--proxy-file` and `--target`, in order.
  private(set) var proxies: [[UInt8]] = []
  private(set) var proxyFiles: [[UInt8]] = []
  private(set) var targets: [[UInt8]] = []
  /// The number of arguments before the command or the operands of the sub-command.
  private(set) var operandsStart = 0
  private(set) var operands: [[UInt8]] = []
  /// The subject of `help` and `--help`: a sub-command or the program.
  private(set) var topic = Topic.whole

  enum Topic: Equatable {
    case whole, settings
    case verb(Verb)
  }

  /// Wrong usage; leads to exit status 64.
  struct UsageError: Error { let message: Text }

  /// - Parameter arguments: argv without the program's name.
  init(_ arguments: [[UInt8]]) throws(UsageError) {
    var index = 0
    var hasVerb = false
    var isLiteral = false
    var asked: Verb?
    while index < arguments.count {
      let argument = arguments[index]
      if !isLiteral && argument[...].isEqual(to: "--") {
        isLiteral = true
        index += 1
        if verb == .start { break }
      } else if !isLiteral, let verb = Self.asking(argument) {
        // These options are valid at any position; help takes precedence over the version.
        if asked != .help { asked = verb }
        index += 1
      } else if !isLiteral && argument[...].begins(with: "--") {
        index = try readOption(arguments, at: index)
      } else if !isLiteral && argument.first == UInt8(ascii: "-")
        && !(verb == .writeBundle && argument.count == 1)
      {
        let advice: Text = verb == .start ? "; to run a command that starts with '-', put -- before it" : ""
        throw UsageError(message: "unknown option \(shownOption(argument[...]))\(advice)")
      } else if !hasVerb && !isLiteral, let named = Self.verb(named: argument) {
        verb = named
        hasVerb = true
        index += 1
      } else if verb == .start {
        break
      } else {
        operands.append(argument)
        index += 1
      }
    }
    if let asked {
      topic = asked == .help && hasVerb ? .verb(verb) : .whole
      verb = asked
      return
    }
    if verb == .help, let word = operands.first { topic = try Self.topic(word) }
    if verb == .start {
      operandsStart = index
      operands = Array(arguments[index...])
    }
    try checkUse()
  }

  /// Whether `check` should connect: naming a proxy or a target implies it.
  var connects: Bool { flags.contains(.connect) || !(proxies + proxyFiles + targets).isEmpty }

  func value(of setting: Setting) -> [UInt8]? { settings.last { $0.setting == setting }?.value }

  /// Reads the option at `index` and, if necessary, the argument after it as its value.
  @inline(never)
  private mutating func readOption(_ arguments: [[UInt8]], at index: Int) throws(UsageError) -> Int {
    let argument = arguments[index]
    let equals = argument.firstIndex(of: UInt8(ascii: "="))
    let name = argument[..<(equals ?? argument.count)]
    let attached = equals.map { Array(argument[($0 + 1)...]) }

    if let flag = Self.flag(named: name) {
      if attached != nil { throw UsageError(message: "\(shownOption(name)) takes no value") }
      flags.append(flag)
      return index + 1
    }
    if name.isEqual(to: Setting.strict.option) {
      // `--strict` alone means on. A Boolean after it is its value, unless it is the command.
      if let attached {
        settings.append((.strict, attached))
      } else if index + (verb == .start ? 2 : 1) < arguments.count, boolean(arguments[index + 1]) != nil {
        settings.append((.strict, arguments[index + 1]))
        return index + 2
      } else {
        settings.append((.strict, ("on" as StaticString).bytes))
      }
      return index + 1
    }
    guard let option = Option(named: name) else {
      throw UsageError(message: "unknown option \(shownOption(name))\(Self.advice(for: name))")
    }
    let next = attached == nil ? index + 1 : index
    guard let value = attached ?? (next < arguments.count ? arguments[next] : nil) else {
      throw UsageError(message: "\(shownOption(name)) needs a value")
    }
    switch option {
    case .setting(let setting): settings.append((setting, value))
    case .proxy: proxies.append(value)
    case .proxyFile: proxyFiles.append(value)
    case .target: targets.append(value)
    }
    return next + 1
  }

  private enum Option {
    case setting(Setting)
    case proxy, proxyFile, target

    init?(named name: ArraySlice<UInt8>) {
      if name.isEqual(to: "--proxy") {
        self = .proxy
      } else if name.isEqual(to: "--proxy-file") {
        self = .proxyFile
      } else if name.isEqual(to: "--target") {
        self = .target
      } else if let setting = Setting.allCases.first(where: { name.isEqual(to: $0.option) }) {
        self = .setting(setting)
      } else {
        return nil
      }
    }
  }

  private static var flagNames: [(StaticString, Flag)] {
    [("--json", .json), ("--null", .null), ("--clients", .clients), ("--connect", .connect)]
  }

  private static func flag(named name: ArraySlice<UInt8>) -> Flag? { word(Array(name), flagNames) }

  /// The option that was probably meant, in parentheses; empty if no name is similar.
  private static func advice(for name: ArraySlice<UInt8>) -> Text {
    let others: [StaticString] = ["--proxy", "--proxy-file", "--target", "--help", "--version"]
    let names = Setting.allCases.map { $0.option } + flagNames.map { $0.0 } + others
    let near = names.first { distance(name, $0.bytes[...]) <= 2 }
    return near.map { " (did you mean \($0)?)" } ?? ""
  }

  /// The request of an option that is valid at any position.
  private static func asking(_ argument: [UInt8]) -> Verb? {
    if argument[...].isEqual(to: "--help") || argument[...].isEqual(to: "-h") { return .help }
    return argument[...].isEqual(to: "--version") ? .version : nil
  }

  private static func topic(_ word: [UInt8]) throws(UsageError) -> Topic {
    if word[...].isEqual(to: "settings") { return .settings }
    guard let verb = verb(named: word) else {
      throw UsageError(
        message: "no help on \(escaped(word[...].prefix(32))) (expected a sub-command or settings)")
    }
    return .verb(verb)
  }

  /// The sub-commands and their words.
  static var words: [(word: StaticString, verb: Verb)] {
    [
      ("plan", .plan), ("check", .check), ("certs", .certs), ("env", .env), ("apply", .apply),
      ("write-bundle", .writeBundle), ("install", .install), ("help", .help), ("version", .version),
    ]
  }

  private static func verb(named word: [UInt8]) -> Verb? {
    words.first { word[...].isEqual(to: $0.word) }?.verb
  }

  /// Checks for combinations that are not allowed.
  private func checkUse() throws(UsageError) {
    if verb == .help && operands.count > 1 || verb == .version && !operands.isEmpty {
      throw UsageError(message: "unexpected argument")
    }
    if flags.contains(.json) && verb == .version || verb == .help { return }
    if verb == .start && operands.isEmpty {
      throw UsageError(message: "no command: psm-entry [OPTION…] -- COMMAND [ARG…]")
    }
    if [.plan, .check, .env, .apply].contains(verb) && !operands.isEmpty {
      throw UsageError(message: "unexpected argument (this sub-command takes options only)")
    }
    if verb == .writeBundle && (operands.count > 1 || operands.first?.isEmpty == true) {
      throw UsageError(
        message: "write-bundle takes one argument, the file to write, or '-' for standard output")
    }
    if verb == .install && operands.count != 1 {
      throw UsageError(message: "install takes one argument, the file or directory to copy to")
    }
    let takesJSON = verb == .plan || verb == .check || verb == .certs || verb == .env
    if flags.contains(.json) && !takesJSON {
      throw UsageError(message: "--json is only valid for plan, check, certs, env and version")
    }
    if flags.contains(.null) && verb != .env { throw UsageError(message: "--null is only valid for env") }
    if flags.contains(.null) && flags.contains(.json) {
      throw UsageError(message: "--null and --json cannot be combined")
    }
    if verb != .check && flags.contains(.clients) {
      throw UsageError(message: "--clients is only valid for check")
    }
    if verb != .check && (flags.contains(.connect) || !(proxies + proxyFiles + targets).isEmpty) {
      throw UsageError(message: "--connect, --proxy, --proxy-file and --target are only valid for check")
    }
  }
}

/// The name of an option, if it is one: a mistyped argument may contain a password.
private func shownOption(_ name: ArraySlice<UInt8>) -> Text {
  let isName = name.allSatisfy {
    $0 == UInt8(ascii: "-") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
  }
  return isName && name.count <= 32 ? escaped(name) : "(not shown: may contain a password)"
}

/// The words for a Boolean.
@inline(never)
func boolean(_ word: [UInt8]) -> Bool? {
  for yes in ["1", "on", "true", "yes"] as [StaticString] where word[...].isEqual(to: yes) { return true }
  for no in ["0", "off", "false", "no"] as [StaticString] where word[...].isEqual(to: no) { return false }
  return nil
}
