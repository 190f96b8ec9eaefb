/// How much something matters that a person may read.
public enum Level: Int, Comparable, Sendable {
  /// Was asked for and not done.
  case error = 1
  /// Is worth knowing.
  case warning
  /// What was done, or repaired.
  case info
  case debug

  public static func < (one: Level, other: Level) -> Bool { one.rawValue < other.rawValue }
}
