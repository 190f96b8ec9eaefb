import CLinux
import Text

/// Becomes the program at `path`. The corresponding C function is `execve`.
/// - Returns: why not.
public func execute(_ path: Path, arguments: CStrings, environment: CStrings) -> Errno {
  execve(path.terminated, arguments.pointers, environment.pointers)
  return .current
}

/// Whether the kernel would refuse these strings as too large, for the program at `path` itself.
///
/// They may take a quarter of what the stack may, at least 128 KiB and at most 6 MiB, pointers and the path included; a
/// single one 128 KiB. Where the limit cannot be asked for, only what exceeds 6 MiB is known to be too large.
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
  // The usual case asks for nothing.
  return size > leastLimit && size > max(leastLimit, Int(clamping: min(clinux_stack_limit() / 4, 6 << 20)))
}
