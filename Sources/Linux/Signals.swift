import CLinux
import Text

/// A set of signals, and the mask that keeps them waiting.
public struct SignalSet: Sendable {
  private var set = sigset_t()

  public init(_ signals: [Int32] = []) {
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
  }

  public static let terminate = SIGTERM
  public static let interrupt = SIGINT
  public static let brokenPipe = SIGPIPE
  public static let fileSizeExceeded = SIGXFSZ
  public static let childEnded = SIGCHLD
  public static let terminalOutput = SIGTTOU

  public func contains(_ signal: Int32) -> Bool {
    var copy = set
    return sigismember(&copy, signal) == 1
  }

  /// Adds these signals to the mask. The corresponding C function is `sigprocmask`.
  /// - Returns: the mask as it was.
  public func block() -> SignalSet { change(SIG_BLOCK) }

  /// Makes this the mask.
  public func install() { _ = change(SIG_SETMASK) }

  private func change(_ how: Int32) -> SignalSet {
    var new = set
    var old = SignalSet()
    sigprocmask(how, &new, &old.set)
    return old
  }

  /// The signals that wait behind the mask. The corresponding C function is `sigpending`.
  public static var pending: SignalSet {
    var pending = SignalSet()
    sigpending(&pending.set)
    return pending
  }

  /// Takes one waiting signal of this set away, so that it never arrives. The corresponding C
  /// function is `sigtimedwait` without waiting.
  public func discardPending() { take(until: Deadline(nanosecondsFromNow: 0)) }

  /// Waits for a signal of this set, which is blocked, and takes it away. The corresponding C function is
  /// `sigtimedwait`; another signal may end the wait early.
  public func take(until deadline: Deadline) {
    var copy = set
    let milliseconds = Int(deadline.milliseconds)
    var time = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
    _ = sigtimedwait(&copy, nil, &time)
  }

  /// A descriptor that becomes readable when a signal of this set waits. The corresponding C
  /// function is `signalfd`.
  /// - Returns: nil where the kernel or the engine's filter has none: whoever waits then looks every
  ///   ``pollInterval``.
  public func descriptor() -> FileDescriptor? {
    var copy = set
    let descriptor = try? retrying { () -> Int in Int(signalfd(-1, &copy, Int32(SFD_CLOEXEC))) }
    return descriptor.map { FileDescriptor(rawValue: Int32(truncatingIfNeeded: $0)) }
  }

  /// Nanoseconds between two looks at what cannot be waited for.
  public static let pollInterval: Int64 = 20_000_000

  /// Has the kernel drop these signals. Not for the process that becomes the service, which
  /// would inherit it.
  public static func ignore(_ signals: [Int32]) {
    for signal in signals { clinux_ignore(signal) }
  }

  /// Whether the signal is ignored, as the corresponding C function `sigaction` says.
  public static func isIgnored(_ signal: Int32) -> Bool { clinux_is_ignored(signal) != 0 }

  /// Gives these signals back their usual effect.
  public static func restore(_ signals: [Int32]) {
    for signal in signals { clinux_default(signal) }
  }
}

/// Waits until one of `descriptors` can be read, has ended or failed. The corresponding C
/// function is `poll`.
/// - Returns: which of them, as a bit each; 0 when `deadline` has passed.
public func waitToRead(_ descriptors: [FileDescriptor], until deadline: Deadline) -> UInt {
  wait(for: Int16(POLLIN), on: descriptors, until: deadline) ?? 0
}

/// Waits until `descriptor` can be written to, has ended or failed.
public func waitToWrite(_ descriptor: FileDescriptor, until deadline: Deadline) -> Bool {
  // Where no file at all may be opened, poll refuses to look at one. That is no reason to say nothing.
  wait(for: Int16(POLLOUT), on: [descriptor], until: deadline) != 0
}

/// - Returns: nil where `poll` fails.
private func wait(
  for events: Int16, on descriptors: [FileDescriptor], until deadline: Deadline
) -> UInt? {
  var polled = descriptors.map { pollfd(fd: $0.rawValue, events: events, revents: 0) }
  while true {
    let count = poll(&polled, nfds_t(polled.count), deadline.milliseconds)
    if count == 0 { return 0 }
    if count < 0 {
      if Errno.current != .interrupted { return nil }
      continue
    }
    var ready: UInt = 0
    for (index, descriptor) in polled.enumerated() where descriptor.revents != 0 { ready |= 1 << index }
    return ready
  }
}
