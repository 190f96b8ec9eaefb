import Linux
import Text
import Trust

/// Writes messages to standard error, one in each line. Standard output belongs to the service.
struct Log {
  /// The least important level that is written; nil for nothing at all.
  var threshold: Level? = .info
  var isJSON = false
  var output = FileDescriptor.standardError
  private let reader = Reader()

  /// The longest line of text, and the longest message in JSON, in bytes. Even with all its quotes escaped a line is
  /// shorter than 4096 bytes (PIPE_BUF), which a pipe accepts as a whole or not at all.
  static let lineLimit = 1024

  /// Writes the line, unless it is an error or a warning and eight similar ones were written.
  @inline(never)
  func write(_ problem: Problem) {
    guard let threshold, problem.level <= threshold else { return }
    if problem.level > .warning
      || reader.repetition.admits(problem, kind: problem.message, in: problem.subject)
    {
      writeLine(problem)
    }
  }

  /// Writes the line, however many similar ones there were.
  func writeEach(_ problem: Problem) {
    if let threshold, problem.level <= threshold { writeLine(problem) }
  }

  /// Writes how many lines of each kind were left out. Called before a process ends or writes its last line.
  func finish() {
    for problem in reader.repetition.counts { writeLine(problem) }
    reader.repetition = Repetition()
  }

  @inline(never)
  private func writeLine(_ problem: Problem) {
    let line = isJSON ? json(problem) : text(problem)
    // A log without a reader is no reason to fail or to wait for long.
    if reader.wait(toWriteTo: output) { try? output.write(line) }
  }

  /// What the reader of the log has been sent, and how long to wait for it.
  private final class Reader {
    var repetition = Repetition()
    /// The remaining time in nanoseconds to wait for the log's reader: one second in all.
    private var nanoseconds: Int64 = 1_000_000_000

    /// - Returns: whether the output accepts a line now.
    func wait(toWriteTo output: FileDescriptor) -> Bool {
      let begin = Clock.monotonic
      defer { nanoseconds = max(0, nanoseconds - (Clock.monotonic - begin)) }
      return waitToWrite(output, until: Deadline(nanosecondsFromNow: nanoseconds))
    }
  }

  @inline(never)
  func write(_ problems: [Problem]) {
    for problem in problems { write(problem) }
  }

  private func text(_ problem: Problem) -> [UInt8] {
    let level: Text = problem.level == .info ? "" : "\(problem.level.name): "
    let subject: Text = problem.subject.isEmpty ? "" : "\(problem.subject): "
    let line: Text = "psm-entry: \(level)\(subject)\(problem.message)"
    return line.cut(to: Self.lineLimit).utf8 + [newline]
  }

  private func json(_ problem: Problem) -> [UInt8] {
    var json = JSON()
    json.object { object in
      object.member("time", RFC3339.text(Clock.secondsSinceEpoch))
      object.member("level", problem.level.name)
      object.member("app", "psm-entry")
      object.member("event", "\(problem.event)")
      object.member("message", problem.message)
      if !problem.subject.isEmpty { object.member("subject", problem.subject) }
      for field in problem.fields {
        switch field.value {
        case .text(let text): object.member("\(field.name)", text)
        case .number(let number): object.member("\(field.name)", number)
        case .texts(let texts): object.member("\(field.name)", texts)
        }
      }
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }
}
