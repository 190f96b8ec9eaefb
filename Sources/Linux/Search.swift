import CLinux

/// Where `pattern` next begins in `bytes`, at `start` or behind it. The corresponding C function
/// is `memmem`.
public func firstOccurrence(of pattern: StaticString, in bytes: [UInt8], from start: Int = 0) -> Int? {
  guard start >= 0, start < bytes.count else { return nil }
  return bytes.withUnsafeBytes { all in
    let rest = UnsafeRawBufferPointer(rebasing: all[start...])
    guard let base = rest.baseAddress,
      let found = memmem(base, rest.count, pattern.utf8Start, pattern.utf8CodeUnitCount)
    else { return nil }
    return start + (UnsafeRawPointer(found) - base)
  }
}
