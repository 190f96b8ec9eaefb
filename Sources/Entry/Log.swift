import Linux
import Text
import Trust

/// Writes what is to be known to standard error, a line each. Standard output is the service's.
struct Log {
  /// What is written; nil for nothing at all.
  var threshold: Level? = .info
  var isJSON = false

  @inline(never)
  func write(_ problem: Problem) {
    guard let threshold, problem.level <= threshold else { return }
    let line = isJSON ? json(problem) : text(problem)
    // A log that nobody reads any more is no reason to fail.
    try? FileDescriptor.standardError.write(line)
  }

  func write(_ problems: [Problem]) {
    for problem in problems { write(problem) }
  }

  private func text(_ problem: Problem) -> [UInt8] {
    let level: Text = problem.level == .info ? "" : "\(problem.level.name): "
    let subject: Text = problem.subject.isEmpty ? "" : "\(problem.subject): "
    let line: Text = "psm-entry: \(level)\(subject)\(problem.message)\n"
    return line.utf8
  }

  private func json(_ problem: Problem) -> [UInt8] {
    var json = JSON()
    json.object { object in
      object.member("time", RFC3339.text(Clock.secondsSinceEpoch))
      object.member("level", problem.level.name)
      object.member("app", "psm-entry")
      if problem.event.utf8CodeUnitCount > 0 { object.member("event", "\(problem.event)") }
      object.member("message", problem.message)
      if !problem.subject.isEmpty { object.member("subject", problem.subject) }
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }
}
