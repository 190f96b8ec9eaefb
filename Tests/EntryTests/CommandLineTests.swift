import Testing

@testable import Entry
@testable import TestSupport

private func parsed(_ words: [String]) throws(CommandLine.UsageError) -> CommandLine {
  try CommandLine(words.map(bytes))
}

@Suite struct CommandLineTests {
  static let starts: [(words: [String], command: [String], start: Int)] = [
    (["--", "plan"], ["plan"], 1),
    (["cmd", "--strict"], ["cmd", "--strict"], 0),
    (["--strict", "--", "cmd"], ["cmd"], 2),
    (["--strict", "on", "cmd"], ["cmd"], 2),
    (["--strict", "true"], ["true"], 1),
    (["--strict=off", "cmd"], ["cmd"], 1),
    (["--certs", "/a", "--log=debug", "--", "cmd", "--", "x"], ["cmd", "--", "x"], 4),
    (["--", "--help"], ["--help"], 1),
    (["--", ""], [""], 1),
  ]

  @Test(arguments: starts)
  func whatFollowsTheOptionsIsTheCommand(words: [String], command: [String], start: Int) throws {
    let line = try parsed(words)
    #expect(line.verb == .start)
    #expect(line.operands == command.map(bytes))
    #expect(line.operandsStart == start)
  }

  static let verbs: [(words: [String], verb: CommandLine.Verb)] = [
    (["plan"], .plan), (["--root", "/r", "plan", "--json"], .plan), (["check", "--connect"], .check),
    (["certs", "a.pem", "--json", "--", "-b.pem"], .certs), (["env", "--null"], .env),
    (["install", "/x"], .install), (["apply", "--strict"], .apply),
    (["write-bundle"], .writeBundle), (["write-bundle", "-", "--strict"], .writeBundle),
    (["write-bundle", "--", "-"], .writeBundle),
    (["--help"], .help), (["plan", "--help"], .help), (["--version"], .version),
    (["-h"], .help), (["help"], .help), (["version", "--json"], .version), (["--version", "--help"], .help),
  ]

  @Test(arguments: verbs)
  func theFirstOperandMayNameASubCommand(words: [String], verb: CommandLine.Verb) throws {
    #expect(try parsed(words).verb == verb)
  }

  static let topics: [(words: [String], topic: CommandLine.Topic)] = [
    (["--help"], .whole), (["help"], .whole), (["help", "plan"], .verb(.plan)),
    (["plan", "-h"], .verb(.plan)),
    (["--help", "check"], .verb(.check)), (["help", "settings"], .settings),
    (["write-bundle", "a", "b", "--help"], .verb(.writeBundle)),
  ]

  @Test(arguments: topics)
  func helpIsAboutTheSubCommandThatIsNamed(words: [String], topic: CommandLine.Topic) throws {
    let line = try parsed(words)
    #expect(line.verb == .help && line.topic == topic)
  }

  @Test(arguments: [["--", "help"], ["--strict", "--", "-h"], ["cmd", "--help"]])
  func whatBelongsToTheCommandAsksForNothing(words: [String]) throws {
    #expect(try parsed(words).verb == .start)
  }

  @Test(arguments: [
    [], ["--"], ["--nosuch", "cmd"], ["--certs"], ["plan", "x"], ["check", "x"], ["env", "--json", "--null"],
    ["install"], ["install", "a", "b"], ["certs", "--null"], ["--json", "cmd"],
    ["plan", "--proxy", "http://p"],
    ["--help=1"], ["--json=1", "plan"], ["apply", "x"], ["apply", "--json"],
    ["help", "x"], ["help", "plan", "x"], ["version", "x"],
    ["write-bundle", "a", "b"], ["write-bundle", ""], ["write-bundle", "-x"], ["-", "cmd"], ["plan", "-"],
  ])
  func wrongUsageIsRefused(words: [String]) {
    #expect(throws: CommandLine.UsageError.self) { try parsed(words) }
  }

  @Test(arguments: [
    ("--conect", "unknown option --conect (did you mean --connect?)"),
    ("--cert", "unknown option --cert (did you mean --certs?)"),
    ("--time-out=5", "unknown option --time-out (did you mean --timeout?)"),
    ("--certificates", "unknown option --certificates"),
  ])
  func aMistypedOptionIsAnsweredWithTheOneMeant(word: String, message: String) {
    let error = #expect(throws: CommandLine.UsageError.self) { try parsed([word, "cmd"]) }
    #expect(error?.message.description == message)
  }

  @Test func aMistypedOptionIsNotShownWhereItMayHoldAPassword() {
    for word in ["--http://user:secret@proxy", "--Secret=1", "--proxy-http://u:secret@p=2"] {
      do throws(CommandLine.UsageError) {
        _ = try parsed([word, "cmd"])
        Issue.record("accepted")
      } catch {
        let message = String(decoding: error.message.utf8, as: UTF8.self)
        #expect(!message.lowercased().contains("secret"))
      }
    }
  }
}

@Suite struct SettingsTests {
  private func settings(_ words: [String], _ environment: [String]) throws(CommandLine.UsageError) -> Settings
  {
    let source = Source(
      commandLine: try parsed(words + ["--", "cmd"]),
      environment: Environment(entries: environment.map(bytes)))
    return try Settings(source, try BasicSettings(source))
  }

  @Test func anOptionWinsOverItsVariable() throws {
    let settings = try settings(["--certs", "/option"], ["PSM_ENTRY_CERTS=/variable"])
    #expect(settings.inputs.map { Array($0.path.bytes) } == [bytes("/option")])
  }

  struct Bundles: Sendable {
    let words: [String]
    let entries: [String]
    let paths: [String]
  }

  @Test(arguments: [
    Bundles(words: [], entries: [], paths: ["default"]),
    Bundles(words: [], entries: ["PSM_ENTRY_BUNDLES="], paths: ["default"]),
    Bundles(words: ["--bundles="], entries: [], paths: ["default"]),
    Bundles(words: [], entries: ["PSM_ENTRY_BUNDLES=none"], paths: []),
    Bundles(words: ["--bundles", "none"], entries: ["PSM_ENTRY_BUNDLES=/a"], paths: []),
    Bundles(words: ["--bundles=/a:/b*"], entries: ["PSM_ENTRY_BUNDLES=none"], paths: ["/a", "/b*"]),
    Bundles(words: [], entries: ["PSM_ENTRY_BUNDLES=/none"], paths: ["/none"]),
    Bundles(words: [], entries: ["PSM_ENTRY_BUNDLES=default:/a"], paths: ["default", "/a"]),
    Bundles(words: ["--bundles", "/a:default"], entries: [], paths: ["/a", "default"]),
  ])
  func whereNoBundleIsNamedTheUsualPlacesAreMeantAndNoneMeansNone(row: Bundles) throws {
    let settings = try settings(row.words, row.entries)
    #expect(settings.bundles.map { Array($0.bytes) } == row.paths.map(bytes))
    #expect(settings.problems.isEmpty)
  }

  @Test func noneAmongPathsIsNoPath() throws {
    let settings = try settings([], ["PSM_ENTRY_BUNDLES=none:/a"])
    #expect(settings.problems.map { $0.level } == [.error] && settings.bundles == [Settings.usualBundles])
  }

  @Test func anEmptyVariableCountsAsUnset() throws {
    let settings = try settings([], ["PSM_ENTRY_CERTS=", "PSM_ENTRY_TIMEOUT=", "PSM_ENTRY_STRICT="])
    #expect(settings.inputs.map { $0.isNamed } == [false])
    #expect(settings.basics.timeout == 60)
    #expect(settings.problems.isEmpty)
  }

  @Test(arguments: [
    "PSM_ENTRY_STRICT=maybe", "PSM_ENTRY_TIMEOUT=0", "PSM_ENTRY_TIMEOUT=1s",
    "PSM_ENTRY_TIMEOUT=99999999999999999999",
    "PSM_ENTRY_SYSTEM=yes", "PSM_ENTRY_PREFER=both", "PSM_ENTRY_LOG=loud", "PSM_ENTRY_LOG_FORMAT=xml",
    "PSM_ENTRY_BUNDLES=relative", "PSM_ENTRY_CERTS=relative", "PSM_ENTRY_STATE_DIR=x", "PSM_ENTRY_EXPORT=A=B",
  ])
  func aBadVariableIsAnErrorAndTheDefaultHolds(entry: String) throws {
    let settings = try settings([], [entry])
    #expect(settings.problems.map { $0.level } == [.error])
    #expect(settings.system == .auto && settings.preference == nil && settings.basics.timeout == 60)
    #expect(!settings.inputs.isEmpty)
  }

  @Test(arguments: [
    ["--strict=maybe"], ["--timeout", "-1"], ["--system", ""], ["--prefer=x"], ["--log", "x"],
    ["--log-format=x"],
    ["--bundles", "relative"], ["--certs=x"],
  ])
  func aBadOptionIsWrongUsage(words: [String]) {
    #expect(throws: CommandLine.UsageError.self) { try settings(words, []) }
  }

  @Test func anUnknownSettingNamesTheNearestKnownOne() throws {
    let settings = try settings([], ["PSM_ENTRY_CERT=/x", "PSM_ENTRY_STATEDIR=/y"])
    let messages = settings.problems.map { String(decoding: $0.message.utf8, as: UTF8.self) }
    #expect(messages.map { $0.hasSuffix("PSM_ENTRY_CERTS?") } == [true, false])
    #expect(messages.map { $0.hasSuffix("PSM_ENTRY_STATE_DIR?") } == [false, true])
    #expect(settings.problems.allSatisfy { $0.level == .warning })
  }
}

@Suite struct EnvironmentTests {
  @Test func ofDuplicatesTheFirstCounts() {
    let environment = Environment(entries: ["A=1", "AB=2", "A=3"].map(bytes))
    #expect(environment.value(of: "A") == bytes("1"))
  }

  @Test func settingKeepsThePlaceAndDropsDuplicates() {
    var environment = Environment(entries: ["A=1", "B=2", "A=3"].map(bytes))
    environment.set(bytes("A"), to: bytes("9"))
    environment.set(bytes("C"), to: bytes(""))
    #expect(environment.entries == ["A=9", "B=2", "C="].map(bytes))
  }

  @Test func anAnswerIsReadOnlyWhole() {
    let environment = Environment(entries: ["A=1", "not an entry", "B="].map(bytes))
    let sent = Answer.ready(environment).bytes
    guard case .ready(let received) = Answer(sent) else {
      Issue.record("not read")
      return
    }
    #expect(received.entries == environment.entries)
    for length in 0..<sent.count { #expect(Answer(Array(sent.prefix(length))) == nil) }
    #expect(Answer(sent + [0]) == nil)
  }
}

extension Answer: Equatable {
  public static func == (one: Answer, other: Answer) -> Bool { one.bytes == other.bytes }
}

@Suite struct PatternTests {
  @Test(arguments: [
    ("python3.11", "python3*", true), ("python3", "python3*", true), ("python", "python3*", false),
    ("a.b.c", "a*c", true), ("abc", "*", true), (".abc", "*", false), (".abc", ".*", true),
    ("abab", "*ab", true),
    ("aXbYc", "a*b*c", true), ("ac", "a*b*c", false), ("", "*", true),
  ])
  func aStarStandsForAnyBytes(name: String, pattern: String, fits: Bool) {
    #expect(matches(bytes(name)[...], bytes(pattern)[...]) == fits)
  }
}

@Suite struct TextTests {
  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"),
      (253_402_300_799, "9999-12-31T23:59:59Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
    ] as [(Int64, String)])
  func timesAreRFC3339(seconds: Int64, text: String) {
    #expect(String(decoding: RFC3339.text(seconds).utf8, as: UTF8.self) == text)
  }

  @Test func aTableIsCutToTheTerminal() {
    var table = Table()
    table.row(["a", "b", "c"])
    table.row(["long", "Zürich", "日本語日本語"])
    let whole = String(decoding: table.text(columns: nil).utf8, as: UTF8.self)
    #expect(whole == "a     b       c\nlong  Zürich  日本語日本語\n")
    let cut = String(decoding: table.text(columns: 20).utf8, as: UTF8.self)
    #expect(cut == "a     b       c\nlong  Zürich  日本…\n")
  }

  @Test func aSentenceGoesOnInLinesOfItsOwn() {
    var table = Table(endsInSentences: true)
    table.row(["! error", "here", "short"])
    table.row(["! error", "there", "no CA of that name is mounted: http://proxy.corp:8899/long"])
    let text = String(decoding: table.text(columns: 24).utf8, as: UTF8.self)
    #expect(
      text
        == "! error  here   short\n! error  there\n    no CA of that name\n    is mounted:\n    http://proxy.corp:88\n    99/long\n"
    )
    #expect(table.text(columns: nil).utf8.count { $0 == UInt8(ascii: "\n") } == 2)
  }
}
