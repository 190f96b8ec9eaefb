import CLinux
import Text

/// A process, or, as a negative number, a process group.
public struct ProcessID: Equatable, Sendable {
  public let rawValue: Int32

  public init(rawValue: Int32) { self.rawValue = rawValue }

  public static var current: ProcessID { ProcessID(rawValue: getpid()) }
  public static var parent: ProcessID { ProcessID(rawValue: getppid()) }

  /// How a process ended.
  public enum Ending: Equatable, Sendable {
    case exited(Int32)
    case signalled(Int32)
  }

  /// Creates a child process. The corresponding C function is `fork`.
  /// - Returns: the child's process id in the parent, nil in the child.
  public static func fork() throws(Errno) -> ProcessID? {
    let child = CLinux.fork()
    if child == -1 { throw .current }
    return child == 0 ? nil : ProcessID(rawValue: child)
  }

  /// Ends this process immediately. The corresponding C function is `_exit`.
  public static func exit(_ status: Int32) -> Never { _exit(status) }

  /// Makes this process the leader of a new process group. The corresponding C function is `setpgid`.
  public static func leadGroup() { _ = setpgid(0, 0) }

  /// Makes the kernel kill this process when `parent` ends, and exits if that has happened already.
  public static func dieWith(_ parent: ProcessID) {
    _ = clinux_die_with_parent()
    if ProcessID.parent != parent { exit(1) }
  }

  /// Kills the process and the group that it leads.
  public func killWithGroup() {
    _ = kill(-rawValue, SIGKILL)
    _ = kill(rawValue, SIGKILL)
  }

  /// Kills the remaining processes of the group that this process led. The corresponding C function is `kill`.
  /// - Returns: whether there was a process to kill.
  public func killGroup() -> Bool { kill(-rawValue, SIGKILL) == 0 }

  /// The observed state of a child.
  public enum State: Equatable, Sendable {
    case running
    case ended(Ending)
    /// There is no such child, or the kernel reaped it because SIGCHLD is ignored.
    case gone
  }

  /// Reaps this child if it has ended. The corresponding C function is `waitpid` with `WNOHANG`.
  public func state() -> State {
    var status: Int32 = 0
    do throws(Errno) {
      if try retrying({ Int(waitpid(rawValue, &status, WNOHANG)) }) == 0 { return .running }
    } catch {
      return .gone
    }
    return .ended(
      clinux_signalled(status) != 0
        ? .signalled(clinux_signal(status)) : .exited(clinux_exit_status(status)))
  }

  /// Waits for this child to end, and reaps it. It does not use a blocking `waitpid`: a tracer of the child could delay
  /// the notification forever. SIGCHLD must be blocked.
  /// - Returns: ``State/running`` if `deadline` passed first.
  public func wait(until deadline: Deadline) -> State {
    // If SIGCHLD is ignored, none arrives.
    let isTold = !SignalSet.isIgnored(SignalSet.childEnded)
    while true {
      // It may be for another child.
      SignalSet([SignalSet.childEnded])
        .take(until: isTold ? deadline : min(deadline, Deadline(nanosecondsFromNow: 1_000_000)))
      let state = state()
      if state != .running || deadline.hasPassed { return state }
    }
  }

  /// Reaps the killed processes of the group that this process led. A process that takes longer than a second to die is
  /// stuck in the kernel and left behind.
  public func reapGroup() {
    let deadline = Deadline(secondsFromNow: 1)
    while true {
      let reaped = waitpid(-rawValue, nil, WNOHANG)
      if reaped < 0 || (reaped == 0 && deadline.hasPassed) { return }
      // Some are killed but not dead yet.
      if reaped == 0 { _ = waitToRead([], until: Deadline(nanosecondsFromNow: 1_000_000)) }
    }
  }
}

/// The ids of this process, as the kernel passed them at its start: reading them needs no system call.
///
/// - Source: getauxval(3).
public enum Credentials {
  public static var effectiveUser: UInt32 { UInt32(truncatingIfNeeded: getauxval(UInt(AT_EUID))) }
  public static var effectiveGroup: UInt32 { UInt32(truncatingIfNeeded: getauxval(UInt(AT_EGID))) }

  /// Whether the program was started set-user-ID or set-group-ID. AT_SECURE does not tell, because SELinux sets it for
  /// every container's entrypoint.
  public static var areRaised: Bool {
    getauxval(UInt(AT_UID)) != getauxval(UInt(AT_EUID))
      || getauxval(UInt(AT_GID)) != getauxval(UInt(AT_EGID))
  }
}
