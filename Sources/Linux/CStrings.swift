import CLinux
import Text

/// Strings as C passes them: an array of pointers that ends with a null pointer.
public struct CStrings {
  public let pointers: [UnsafeMutablePointer<CChar>?]

  /// - Parameter pointers: the last one is null.
  init(terminated pointers: [UnsafeMutablePointer<CChar>?]) { self.pointers = pointers }

  /// The strings up to the null pointer.
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

  /// Copies of `strings`, which live as long as the process.
  public init(copying strings: [[UInt8]]) {
    var pointers: [UnsafeMutablePointer<CChar>?] = []
    for string in strings { pointers.append(copyForC(string)) }
    pointers.append(nil)
    self.pointers = pointers
  }

  public var count: Int { pointers.count - 1 }

  public subscript(index: Int) -> [UInt8] { pointers[index].map { bytes(of: $0) } ?? [] }

  /// The bytes of each string.
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

extension Text {
  /// - Parameter string: UTF-8 that the C library or this program wrote.
  init(string: UnsafePointer<CChar>) { self.init(utf8: bytes(of: string)) }
}

@inline(never)
private func bytes(of string: UnsafePointer<CChar>) -> [UInt8] {
  Array(UnsafeRawBufferPointer(start: string, count: strlen(string)))
}

private func copyForC(_ string: [UInt8]) -> UnsafeMutablePointer<CChar>? {
  let copy = UnsafeMutablePointer<CChar>.allocate(capacity: string.count + 1)
  for (offset, byte) in string.enumerated() { copy[offset] = CChar(bitPattern: byte) }
  copy[string.count] = 0
  return copy
}
