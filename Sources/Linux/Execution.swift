import CLinux
import Text

/// Executes the program at `path` in this process. The corresponding C function is `execve`.
/// - Returns: the error; on success it does not return.
public func execute(_ path: Path, arguments: CStrings, environment: CStrings) -> Errno {
  execve(path.terminated, arguments.pointers, environment.pointers)
  return .current
}

/// Whether the kernel would refuse these strings as too large for the program at `path` itself.
///
/// Together with their pointers and the path they may take a quarter of the stack limit, at least 128 KiB and at most 6
/// MiB; a single string may take 128 KiB. If the stack limit is unknown, 6 MiB is assumed.
/// - Source: execve(2), "Limits on size of arguments and environment"; `bprm_stack_limits` of Linux.
public func isTooLarge(_ path: Path, arguments: CStrings, environment: CStrings) -> Bool {
  let leastLimit = 1 << 17
  var size = path.terminated.count
  for strings in [arguments, environment] {
    for case let string? in strings.pointers {
      let count = strlen(string) + 1
      if count > leastLimit { return true }
      size += count + MemoryLayout<UnsafeMutablePointer<CChar>?>.size
    }
  }
  // The usual case does not query the limit.
  return size > leastLimit && size > max(leastLimit, Int(clamping: min(clinux_stack_limit() / 4, 6 << 20)))
}
