import Text

/// Something a person should know: what it is about, what is wrong, what to do.
struct Problem: Error, Equatable {
  enum Level: Int, Comparable {
    case error = 1
    case warning, info, debug

    static func < (one: Level, other: Level) -> Bool { one.rawValue < other.rawValue }

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

  let level: Level
  /// A file or a variable, fit to be shown.
  let subject: Text
  let message: Text

  /// Cuts what a person would not read: a name in a certificate may be 15 MiB long.
  @inline(never)
  init(level: Level, subject: Text, message: Text) {
    self.level = level
    self.subject = subject.cut(to: 512)
    self.message = message.cut(to: Log.lineLimit)
  }

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

/// How many messages of a kind a person would read: of what is beyond, the number is said.
let messageLimit = 8

extension [Problem] {
  @inline(never)
  var hasErrors: Bool { contains { $0.level == .error } }
}
