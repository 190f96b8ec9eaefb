import CLinux
import Text

extension Errno {
  static var current: Errno { Errno(rawValue: clinux_errno()) }

  public static let notPermitted = Errno(rawValue: EPERM)
  public static let noSuchFile = Errno(rawValue: ENOENT)
  /// The closest error for a script whose interpreter is missing.
  public static let noSuchInterpreter = Errno(rawValue: ELIBBAD)
  public static let badDescriptor = Errno(rawValue: EBADF)
  public static let interrupted = Errno(rawValue: EINTR)
  public static let argumentListTooLong = Errno(rawValue: E2BIG)
  public static let execFormat = Errno(rawValue: ENOEXEC)
  public static let wouldBlock = Errno(rawValue: EAGAIN)
  public static let accessDenied = Errno(rawValue: EACCES)
  public static let exists = Errno(rawValue: EEXIST)
  public static let noSuchDevice = Errno(rawValue: ENODEV)
  public static let notDirectory = Errno(rawValue: ENOTDIR)
  public static let isDirectory = Errno(rawValue: EISDIR)
  public static let invalidArgument = Errno(rawValue: EINVAL)
  public static let readOnlyFileSystem = Errno(rawValue: EROFS)
  public static let nameTooLong = Errno(rawValue: ENAMETOOLONG)
  public static let notImplemented = Errno(rawValue: ENOSYS)
  public static let tooManyLinks = Errno(rawValue: ELOOP)
  public static let noChild = Errno(rawValue: ECHILD)
  public static let timedOut = Errno(rawValue: ETIMEDOUT)
  public static let connectionRefused = Errno(rawValue: ECONNREFUSED)
  public static let busy = Errno(rawValue: EBUSY)

  /// The C library's text, for example "No such file or directory".
  public var text: Text {
    guard let text = strerror(rawValue) else { return "error \(rawValue)" }
    return Text(string: text)
  }
}

/// Repeats a system call as long as a signal interrupts it.
@inline(__always)
func retrying(_ call: () -> Int) throws(Errno) -> Int {
  while true {
    let result = call()
    if result != -1 { return result }
    let error = Errno.current
    if error != .interrupted { throw error }
  }
}
