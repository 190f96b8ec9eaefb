import Text
import Trust

/// A message for the user: the subject, what is wrong, and what to do.
struct Problem: Error {
  let level: Level
  /// A file or a variable, safe to show.
  let subject: Text
  let message: Text
  /// A stable name of the event for machines.
  let event: StaticString
  /// The fields of the event for machines.
  let fields: [Field]

  /// A member of a log line in JSON.
  struct Field {
    enum Value {
      case text(Text)
      case number(Int)
      case texts([Text])
    }

    let name: StaticString
    let value: Value

    init(_ name: StaticString, _ value: Value) {
      self.name = name
      self.value = value
    }
  }

  /// Cuts text that is too long to read: a name in a certificate may be 15 MiB long.
  @inline(never)
  init(level: Level, subject: Text, message: Text, event: StaticString, fields: [Field] = []) {
    self.event = event
    self.fields = fields
    self.level = level
    self.subject = subject.cut(to: 512)
    self.message = message.cut(to: Log.lineLimit)
  }

  @inline(never)
  static func error(_ subject: Text, _ message: Text, _ event: StaticString) -> Problem {
    Problem(level: .error, subject: subject, message: message, event: event)
  }

  @inline(never)
  static func warning(_ subject: Text, _ message: Text, _ event: StaticString) -> Problem {
    Problem(level: .warning, subject: subject, message: message, event: event)
  }

  @inline(never)
  static func info(_ subject: Text, _ message: Text, _ event: StaticString) -> Problem {
    Problem(level: .info, subject: subject, message: message, event: event)
  }

  @inline(never)
  static func debug(_ subject: Text, _ message: Text, _ event: StaticString) -> Problem {
    Problem(level: .debug, subject: subject, message: message, event: event)
  }
}

/// The number of similar messages that are shown; the rest is only counted.
let messageLimit = 8

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
