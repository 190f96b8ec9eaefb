import CLinux

/// Where `pattern` begins in `bytes` for the first time. The corresponding C function is `memmem`.
public func firstOccurrence(of pattern: StaticString, in bytes: [UInt8]) -> Int? {
  bytes.withUnsafeBytes { bytes in
    guard let base = bytes.baseAddress,
      let found = memmem(base, bytes.count, pattern.utf8Start, pattern.utf8CodeUnitCount)
    else { return nil }
    return UnsafeRawPointer(found) - base
  }
}
