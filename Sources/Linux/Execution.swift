import CLinux
import Text

/// Strings as C hands them on: pointers with a null at the end.
public struct CStrings {
  public let pointers: [UnsafeMutablePointer<CChar>?]

  /// - Parameter pointers: ends with a null.
  init(terminated pointers: [UnsafeMutablePointer<CChar>?]) { self.pointers = pointers }

  /// The strings of `strings` up to its null.
  public init(_ strings: UnsafePointer<UnsafeMutablePointer<CChar>?>, skipping: Int = 0) {
    var pointers: [UnsafeMutablePointer<CChar>?] = []
    var index = skipping
    while let pointer = strings[index] {
      pointers.append(pointer)
      index += 1
    }
    pointers.append(nil)
    self.pointers = pointers
  }

  /// Copies of `strings`; they live as long as the process.
  public init(copying strings: [[UInt8]]) {
    var pointers: [UnsafeMutablePointer<CChar>?] = []
    for string in strings { pointers.append(copyForC(string)) }
    pointers.append(nil)
    self.pointers = pointers
  }

  public var count: Int { pointers.count - 1 }

  public subscript(index: Int) -> [UInt8] { pointers[index].map { bytes(of: $0) } ?? [] }

  /// Each string's bytes.
  public var all: [[UInt8]] { pointers.compactMap { $0.map { bytes(of: $0) } } }

  public func dropFirst(_ count: Int = 1) -> CStrings {
    CStrings(terminated: Array(pointers.dropFirst(count)))
  }

  public func appending(_ other: CStrings) -> CStrings {
    CStrings(terminated: pointers.dropLast() + other.pointers)
  }

  /// The environment of this process.
  public static var environment: CStrings {
    guard let start = clinux_environ() else { return CStrings(terminated: [nil]) }
    return CStrings(start)
  }
}

private func bytes(of string: UnsafePointer<CChar>) -> [UInt8] {
  Array(UnsafeRawBufferPointer(start: string, count: strlen(string)))
}

private func copyForC(_ string: [UInt8]) -> UnsafeMutablePointer<CChar>? {
  let copy = UnsafeMutablePointer<CChar>.allocate(capacity: string.count + 1)
  for (offset, byte) in string.enumerated() { copy[offset] = CChar(bitPattern: byte) }
  copy[string.count] = 0
  return copy
}

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

/// Whether something stands at `path`. The corresponding C function is `access` with `F_OK`.
public func isThere(_ path: Path) -> Bool { access(path.terminated, F_OK) == 0 }
