import Linux
import Text
import Trust

/// Writes what is to be known to standard error, a line each. Standard output is the service's.
struct Log {
  /// What is written; nil for nothing at all.
  var threshold: Level? = .info
  var isJSON = false
  var output = FileDescriptor.standardError
  private let reader = Reader()

  /// The longest line as text, and the longest message as JSON, in bytes. With all quotes of a message escaped a line is
  /// less than the 4096 (PIPE_BUF) that a pipe takes at once or not at all.
  static let lineLimit = 1024

  /// Writes the line, unless it is an error or a warning of which there were eight of the kind.
  func write(_ problem: Problem) {
    guard let threshold, problem.level <= threshold else { return }
    if problem.level > .warning
      || reader.repetition.admits(problem, kind: problem.message, in: problem.subject)
    {
      writeLine(problem)
    }
  }

  /// Writes the line, however many there are of the kind.
  func writeEach(_ problem: Problem) {
    if let threshold, problem.level <= threshold { writeLine(problem) }
  }

  /// Writes how many lines of each kind were left out. What ends a process calls it, and what has a last line to say.
  func finish() {
    for problem in reader.repetition.counts { writeLine(problem) }
    reader.repetition = Repetition()
  }

  @inline(never)
  private func writeLine(_ problem: Problem) {
    let line = isJSON ? json(problem) : text(problem)
    // A log that nobody reads any more is no reason to fail or to wait for long.
    if reader.wait(toWriteTo: output) { try? output.write(line) }
  }

  /// What a reader is given and spared.
  private final class Reader {
    var repetition = Repetition()
    /// How long the process still waits for whoever reads its log: a second in all.
    private var nanoseconds: Int64 = 1_000_000_000

    /// - Returns: whether the output takes a line now.
    func wait(toWriteTo output: FileDescriptor) -> Bool {
      let begin = Clock.monotonic
      defer { nanoseconds = max(0, nanoseconds - (Clock.monotonic - begin)) }
      return waitToWrite(output, until: Deadline(nanosecondsFromNow: nanoseconds))
    }
  }

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
