import Linux
import Testing
import Text
import Trust

@testable import Entry
@testable import TestSupport

/// A log that writes to a file: what it writes, in which form, and how much.
struct LogTests {
  private func lines(
    isJSON: Bool = false, threshold: Level? = .info, _ body: (Log) -> Void
  ) throws -> [String] {
    let temporary = try TemporaryDirectory()
    let path = temporary.at("log")
    let file = try FileDescriptor.currentDirectory.open(path, [.readWrite, .createNew], mode: 0o600)
    defer { file.close() }
    var log = Log()
    log.isJSON = isJSON
    log.threshold = threshold
    log.output = file
    body(log)
    let text = String(decoding: try temporary.read("log"), as: UTF8.self)
    #expect(text.isEmpty || text.last == "\n")
    return text.split(separator: "\n").map { String($0) }
  }

  private static let each: [Problem] = [
    .error("/a", "wrong", "a.b"), .warning("/b", "odd", "a.b"), .info("", "done", "a.b"),
    .debug("NO_PROXY", "detail", "a.b"),
  ]

  @Test func aLineSaysTheLevelUnlessItIsInformationThenTheSubjectThenTheMessage() throws {
    let lines = try lines(threshold: .debug) { $0.write(Self.each) }
    #expect(
      lines == [
        "psm-entry: error: /a: wrong", "psm-entry: warning: /b: odd", "psm-entry: done",
        "psm-entry: debug: NO_PROXY: detail",
      ])
  }

  static let thresholds: [(threshold: Level?, count: Int)] = [
    (nil, 0), (.error, 1), (.warning, 2), (.info, 3), (.debug, 4),
  ]

  @Test(arguments: thresholds)
  func whatIsLessThanTheThresholdIsNotWritten(threshold: Level?, count: Int) throws {
    #expect(try lines(threshold: threshold) { $0.write(Self.each) }.count == count)
    #expect(try lines(isJSON: true, threshold: threshold) { $0.write(Self.each) }.count == count)
  }

  @Test func asJSONEachLineIsAnObjectWithTimeLevelAppEventMessageAndSubject() throws {
    let lines = try lines(isJSON: true) {
      $0.write(Problem(level: .error, subject: "/a \"b\"", message: "wrong\\", event: "bundle.missing"))
      $0.write(.info("", "done", "start.in_force"))
    }
    try #require(lines.count == 2)
    let rest = lines.map { $0.drop { $0 != "," } }
    #expect(
      rest[0]
        == #","level":"error","app":"psm-entry","event":"bundle.missing","message":"wrong\\","subject":"/a \"b\""}"#
    )
    // Without a subject the key is missing.
    #expect(rest[1] == #","level":"info","app":"psm-entry","event":"start.in_force","message":"done"}"#)
    for line in lines {
      let time = line.prefix { $0 != "," }
      #expect(time.hasPrefix(#"{"time":"20"#) && time.hasSuffix(#"Z""#) && time.count == 30)
    }
  }

  @Test(arguments: ["x", "\"", "€", "🙂"])
  func aLineIsCutWithAMarkAndStaysWhole(letter: String) throws {
    let long = Text(utf8: Array(String(repeating: letter, count: 5000).utf8))
    let text = try lines { $0.write(.error(long, long, "a.b")) }
    #expect(text.count == 1)
    #expect(text[0].utf8.count <= 1024 && text[0].hasSuffix("…") && text[0].contains(": \(letter)"))
    let json = try lines(isJSON: true) { $0.write(.error(long, long, "a.b")) }
    #expect(json.count == 1)
    // A pipe accepts this number of bytes as a whole or not at all.
    #expect(json[0].utf8.count < 4096 && json[0].hasSuffix("…\"}"))
  }

  @Test func ofAKindEightAreWrittenAndTheRestIsCounted() throws {
    let lines = try lines { log in
      for number in 1...11 { log.write(.warning("/\(number)", "line \(number): no certificate", "a.b")) }
      log.write(.warning("/other", "something else", "a.b"))
      log.finish()
    }
    #expect(lines.count == 10)
    #expect(lines[7] == "psm-entry: warning: /8: line 8: no certificate")
    #expect(lines[8] == "psm-entry: warning: /other: something else")
    #expect(lines[9] == "psm-entry: warning: /9: 3 more problems not shown: line 1: no certificate")
  }

  @Test func ofInformationEachLineIsWritten() throws {
    let lines = try lines { log in
      for number in 1...20 { log.write(.info("/\(number)", "1 added", "a.b")) }
      log.finish()
    }
    #expect(lines.count == 20)
  }

  @Test func aReaderWhoTakesNothingIsWaitedForNoLongerThanASecond() throws {
    let pipe = try FileDescriptor.pipe()
    defer {
      pipe.reading.close()
      pipe.writing.close()
    }
    pipe.writing.setNonBlocking()
    while (try? pipe.writing.write([UInt8](repeating: 0, count: 4096))) != nil {}
    var log = Log()
    log.output = pipe.writing
    let begin = Clock.monotonic
    for number in 1...20 { log.write(.info("/\(number)", "1 added", "a.b")) }
    let seconds = Double(Clock.monotonic - begin) / 1e9
    #expect(seconds > 0.9 && seconds < 10)
  }
}
