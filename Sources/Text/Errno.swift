/// The reason that a system call failed.
///
/// What the numbers mean is the system's matter: see the module Linux.
/// - Source: POSIX `errno`.
public struct Errno: Error, Equatable, Sendable {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }
}

/// Why a file was not read.
public enum ReadError: Error, Equatable, Sendable {
  case system(Errno)
  /// A directory, FIFO, device or socket.
  case notRegular
  /// Larger than the limit given.
  case tooLarge
}
