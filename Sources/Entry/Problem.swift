import Text
import Trust

/// Something a person should know: what it is about, what is wrong, what to do.
struct Problem: Error {
  let level: Level
  /// A file or a variable, fit to be shown.
  let subject: Text
  let message: Text
  /// A stable name of what happened, for machines.
  var event: StaticString = ""

  @inline(never)
  static func error(_ subject: Text, _ message: Text) -> Problem {
    Problem(level: .error, subject: subject, message: message)
  }

  @inline(never)
  static func warning(_ subject: Text, _ message: Text) -> Problem {
    Problem(level: .warning, subject: subject, message: message)
  }

  @inline(never)
  static func info(_ subject: Text, _ message: Text) -> Problem {
    Problem(level: .info, subject: subject, message: message)
  }

  @inline(never)
  static func debug(_ subject: Text, _ message: Text) -> Problem {
    Problem(level: .debug, subject: subject, message: message)
  }
}

extension [Problem] {
  @inline(never)
  var hasErrors: Bool { contains { $0.level == .error } }
}

extension Level {
  @inline(never)
  var name: Text {
    switch self {
    case .error: "error"
    case .warning: "warning"
    case .info: "info"
    case .debug: "debug"
    }
  }
}
