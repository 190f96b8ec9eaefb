/// How important a message is.
public enum Level: Int, Comparable, Sendable {
  /// A request that could not be carried out.
  case error = 1
  /// Something worth knowing.
  case warning
  /// What was done or repaired.
  case info
  case debug

  public static func < (one: Level, other: Level) -> Bool { one.rawValue < other.rawValue }
}
