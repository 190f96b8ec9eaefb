import CLinux
import Text

/// A process, or with a minus sign before it a process group.
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

  /// Splits this process in two. The corresponding C function is `fork`.
  /// - Returns: the child's number in the parent, nil in the child.
  public static func fork() throws(Errno) -> ProcessID? {
    let child = CLinux.fork()
    if child == -1 { throw .current }
    return child == 0 ? nil : ProcessID(rawValue: child)
  }

  /// Ends this process at once. The corresponding C function is `_exit`.
  public static func exit(_ status: Int32) -> Never { _exit(status) }

  /// Makes this process the leader of a process group of its own. The corresponding C function
  /// is `setpgid`.
  public static func leadGroup() { _ = setpgid(0, 0) }

  /// Has the kernel kill this process when `parent` ends, and ends it if that has happened.
  public static func dieWith(_ parent: ProcessID) {
    _ = clinux_die_with_parent()
    if ProcessID.parent != parent { exit(1) }
  }

  /// Kills the process and the group that it leads.
  public func killWithGroup() {
    _ = kill(-rawValue, SIGKILL)
    _ = kill(rawValue, SIGKILL)
  }

  /// Kills what is left of the group that this process led. The corresponding C function is
  /// `kill`.
  /// - Returns: whether there was anything to kill.
  public func killGroup() -> Bool { kill(-rawValue, SIGKILL) == 0 }

  /// What a look at a child has shown.
  public enum State: Equatable, Sendable {
    case running
    case ended(Ending)
    /// There is no such child, or the kernel has reaped it because SIGCHLD is ignored.
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

  /// Waits for this child to end, and reaps it. Not by a `waitpid` that waits: whoever traces the child may keep its
  /// end from us for good. SIGCHLD is blocked.
  /// - Returns: ``State/running`` where `deadline` has passed before.
  public func wait(until deadline: Deadline) -> State {
    // None comes where it is ignored.
    let isTold = !SignalSet.isIgnored(SignalSet.childEnded)
    while true {
      // It may be another child's.
      SignalSet([SignalSet.childEnded])
        .take(until: isTold ? deadline : min(deadline, Deadline(nanosecondsFromNow: 1_000_000)))
      let state = state()
      if state != .running || deadline.hasPassed { return state }
    }
  }

  /// Reaps what was killed of the group that this process led. What takes longer than a second to die is
  /// stuck in the kernel and stays behind.
  public func reapGroup() {
    let deadline = Deadline(secondsFromNow: 1)
    while true {
      let reaped = waitpid(-rawValue, nil, WNOHANG)
      if reaped < 0 || (reaped == 0 && deadline.hasPassed) { return }
      // Killed, and not yet dead.
      if reaped == 0 { _ = waitToRead([], until: Deadline(nanosecondsFromNow: 1_000_000)) }
    }
  }
}

/// Who this process is, as the kernel told it at its start: costs no system call.
///
/// - Source: getauxval(3).
public enum Credentials {
  public static var effectiveUser: UInt32 { UInt32(truncatingIfNeeded: getauxval(UInt(AT_EUID))) }
  public static var effectiveGroup: UInt32 { UInt32(truncatingIfNeeded: getauxval(UInt(AT_EGID))) }

  /// Whether the binary was installed set-user-ID or set-group-ID. AT_SECURE would not tell:
  /// SELinux sets it for every container's entrypoint.
  public static var areRaised: Bool {
    getauxval(UInt(AT_UID)) != getauxval(UInt(AT_EUID))
      || getauxval(UInt(AT_GID)) != getauxval(UInt(AT_EGID))
  }
}
