import CLinux
import Text

/// A set of signals, and operations on the mask that keeps them pending.
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
  /// - Returns: the previous mask.
  public func block() -> SignalSet { change(SIG_BLOCK) }

  /// Sets this as the mask.
  public func install() { _ = change(SIG_SETMASK) }

  private func change(_ how: Int32) -> SignalSet {
    var new = set
    var old = SignalSet()
    sigprocmask(how, &new, &old.set)
    return old
  }

  /// The pending signals. The corresponding C function is `sigpending`.
  public static var pending: SignalSet {
    var pending = SignalSet()
    sigpending(&pending.set)
    return pending
  }

  /// Discards one pending signal of this set. The corresponding C function is `sigtimedwait` without waiting.
  public func discardPending() { take(until: Deadline(nanosecondsFromNow: 0)) }

  /// Waits for a signal of this set, which must be blocked, and discards it. The corresponding C function is
  /// `sigtimedwait`; another signal may end the wait early.
  public func take(until deadline: Deadline) {
    var copy = set
    let milliseconds = Int(deadline.milliseconds)
    var time = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
    _ = sigtimedwait(&copy, nil, &time)
  }

  /// A descriptor that becomes readable when a signal of this set is pending. The corresponding C function is
  /// `signalfd`.
  /// - Returns: nil if the kernel or the engine's seccomp filter does not support it; the caller polls every
  ///   ``pollInterval`` then.
  public func descriptor() -> FileDescriptor? {
    var copy = set
    let descriptor = try? retrying { () -> Int in Int(signalfd(-1, &copy, Int32(SFD_CLOEXEC))) }
    return descriptor.map { FileDescriptor(rawValue: Int32(truncatingIfNeeded: $0)) }
  }

  /// The polling interval in nanoseconds, for events without a descriptor.
  public static let pollInterval: Int64 = 20_000_000

  /// Makes the kernel ignore these signals. Not for the process that becomes the service, which would inherit this.
  public static func ignore(_ signals: [Int32]) {
    for signal in signals { clinux_ignore(signal) }
  }

  /// Whether the signal is ignored. The corresponding C function is `sigaction`.
  public static func isIgnored(_ signal: Int32) -> Bool { clinux_is_ignored(signal) != 0 }

  /// Restores the default action of these signals.
  public static func restore(_ signals: [Int32]) {
    for signal in signals { clinux_default(signal) }
  }
}

/// Waits until one of `descriptors` is readable, closed or failed. The corresponding C function is `poll`.
/// - Returns: one bit for each that is; 0 if `deadline` has passed.
public func waitToRead(_ descriptors: [FileDescriptor], until deadline: Deadline) -> UInt {
  wait(for: Int16(POLLIN), on: descriptors, until: deadline) ?? 0
}

/// Waits until `descriptor` is writable, closed or failed.
public func waitToWrite(_ descriptor: FileDescriptor, until deadline: Deadline) -> Bool {
  // If no file may be opened at all, poll fails. The message is then written without waiting.
  wait(for: Int16(POLLOUT), on: [descriptor], until: deadline) != 0
}

/// - Returns: nil if `poll` fails.
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
