import CLinux
import Text

public enum Clock {
  /// Nanoseconds since some fixed moment; the clock is never set back. The corresponding C function is `clock_gettime`
  /// with `CLOCK_MONOTONIC`.
  public static var monotonic: Int64 { nanoseconds(CLOCK_MONOTONIC) }

  /// Seconds since 1970-01-01T00:00:00Z.
  public static var secondsSinceEpoch: Int64 { nanoseconds(CLOCK_REALTIME) / 1_000_000_000 }

  /// Hundredths of a second since the system's boot, the unit of process start times in /proc: USER_HZ is 100 on all
  /// supported machines.
  public static var ticksSinceBoot: Int64 { nanoseconds(CLOCK_BOOTTIME) / 10_000_000 }

  @inline(never)
  private static func nanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}

/// A moment by which something must be finished.
public struct Deadline: Comparable, Sendable {
  /// In nanoseconds of ``Clock/monotonic``.
  private let moment: Int64

  public init(secondsFromNow seconds: Int64) {
    self.init(nanosecondsFromNow: seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue)
  }

  @inline(never)
  public init(nanosecondsFromNow nanoseconds: Int64) { moment = Clock.monotonic &+ nanoseconds }

  public static func < (one: Deadline, other: Deadline) -> Bool { one.moment < other.moment }

  /// The remaining milliseconds, rounded up; 0 if the deadline has passed. The value fits the argument of `poll`.
  @inline(never)
  public var milliseconds: Int32 {
    let rest = moment &- Clock.monotonic
    if rest <= 0 { return 0 }
    return Int32(clamping: (rest &+ 999_999) / 1_000_000)
  }

  @inline(never)
  public var hasPassed: Bool { milliseconds == 0 }
}

/// The name of this host; in a container, that of the container. The corresponding C function is `gethostname`.
public func hostName() -> [UInt8] {
  var name = [UInt8](repeating: 0, count: 256)
  let isKnown = name.withUnsafeMutableBytes { buffer in
    guard let start = buffer.baseAddress else { return false }
    return gethostname(start.assumingMemoryBound(to: CChar.self), buffer.count - 1) == 0
  }
  return isKnown ? Array(name.prefix { $0 != 0 }) : []
}
