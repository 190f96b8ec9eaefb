/// The reason that a system call failed.
///
/// The module Linux knows what the numbers mean.
/// - Source: POSIX `errno`.
public struct Errno: Error, Equatable, Sendable {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }
}

/// Why a file could not be read.
public enum ReadError: Error, Equatable, Sendable {
  case system(Errno)
  /// It is a directory, FIFO, device or socket.
  case notRegular
  /// It exceeds the given limit.
  case tooLarge
}
