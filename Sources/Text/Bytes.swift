// Comparisons of bytes. The standard library's are generic, and the compiler specializes and inlines them for each use;
// these few are compiled once.

public let newline = UInt8(ascii: "\n")

extension ArraySlice<UInt8> {
  /// Whether it equals the bytes of the literal.
  @inline(never)
  public func isEqual(to text: StaticString) -> Bool {
    count == text.utf8CodeUnitCount && begins(with: text)
  }

  /// Whether it begins with the bytes of the literal.
  @inline(never)
  public func begins(with text: StaticString) -> Bool { span.begins(with: text) }

  /// Whether both have the same bytes.
  @inline(never)
  public func isEqual(to other: ArraySlice<UInt8>) -> Bool { count == other.count && begins(with: other) }

  /// Whether it begins with the bytes of `other`.
  @inline(never)
  public func begins(with other: ArraySlice<UInt8>) -> Bool { span.begins(with: other.span) }

  /// The position of the first occurrence of the literal's bytes; nil if there is none.
  @inline(never)
  public func firstOccurrence(of text: StaticString) -> Int? {
    guard let first = text.withUTF8Buffer({ $0.first }) else { return startIndex }
    var position = startIndex
    while true {
      position = startIndex + span.first(first, or: first, in: (position - startIndex)..<count)
      if position == endIndex { return nil }
      if self[position...].begins(with: text) { return position }
      position += 1
    }
  }

  /// Whether it contains the bytes of the literal.
  @inline(never)
  public func contains(_ text: StaticString) -> Bool { firstOccurrence(of: text) != nil }

  /// The parts between separators.
  /// - Parameters:
  ///   - separators: one or two ASCII characters, each of which separates.
  ///   - keepsEmpty: whether empty parts are included.
  @inline(never)
  public func parts(between separators: StaticString, keepsEmpty: Bool = false) -> [ArraySlice<UInt8>] {
    let (first, last) = separators.withUTF8Buffer { ($0[0], $0[$0.count - 1]) }
    var parts: [ArraySlice<UInt8>] = []
    var start = startIndex
    while true {
      let end = startIndex + span.first(first, or: last, in: (start - startIndex)..<count)
      if keepsEmpty || end > start { parts.append(self[start..<end]) }
      if end == endIndex { return parts }
      start = end + 1
    }
  }
}

/// A long text followed by another. Appending would copy byte by byte.
@inline(never)
public func concatenated(_ one: ArraySlice<UInt8>, _ other: [UInt8]) -> [UInt8] {
  [UInt8](unsafeUninitializedCapacity: one.count + other.count) { buffer, count in
    let rest = UnsafeMutableBufferPointer(rebasing: buffer[one.count...])
    one.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
    other.withUnsafeBytes { UnsafeMutableRawBufferPointer(rest).copyMemory(from: $0) }
    count = one.count + other.count
  }
}

extension Span<UInt8> {
  /// Whether it equals the bytes of `other`.
  public func isEqual(to other: [UInt8]) -> Bool { count == other.count && begins(with: other.span) }

  /// Whether it begins with the bytes of `other`.
  public func begins(with other: [UInt8]) -> Bool { begins(with: other.span) }

  /// Whether it begins with the bytes of the literal.
  @inline(never)
  public func begins(with text: StaticString) -> Bool { text.withUTF8Buffer { begins(with: $0.span) } }

  /// Whether it begins with the bytes of `other`. Compares many bytes at once, since both may be whole bundles, and
  /// none if both are the same memory.
  @inline(never)
  public func begins(with other: Span<UInt8>) -> Bool {
    if count < other.count { return false }
    return other.withUnsafeBytes { other in
      withUnsafeBytes { bytes in
        guard let one = bytes.baseAddress, let two = other.baseAddress, one != two else { return true }
        func difference(at position: Int) -> SIMD2<UInt64> {
          one.loadUnaligned(fromByteOffset: position, as: SIMD2<UInt64>.self)
            ^ two.loadUnaligned(fromByteOffset: position, as: SIMD2<UInt64>.self)
        }
        var position = 0
        while other.count &- position >= 32 {
          let differences = difference(at: position) | difference(at: position &+ 16)
          if differences.x | differences.y != 0 { return false }
          position &+= 32
        }
        while other.count &- position >= 8 {
          let eight = one.loadUnaligned(fromByteOffset: position, as: UInt64.self)
          if eight != two.loadUnaligned(fromByteOffset: position, as: UInt64.self) { return false }
          position &+= 8
        }
        while position < other.count {
          if bytes[position] != other[position] { return false }
          position &+= 1
        }
        return true
      }
    }
  }

  /// The position of the first newline in `range`; the end of the range if there is none.
  public func firstNewline(in range: Range<Int>) -> Int { first(newline, or: newline, in: range) }

  /// The position of the first of two bytes in `range`; the end of the range if there is none. Compares sixteen bytes
  /// or more at once, the first one lowest: all supported machines are little-endian.
  @inline(never)
  public func first(_ one: UInt8, or other: UInt8, in range: Range<Int>) -> Int {
    precondition(range.lowerBound >= 0 && range.upperBound <= count)
    return withUnsafeBytes { bytes in
      let (ones, others) = (SIMD16(repeating: one), SIMD16(repeating: other))
      func hits(at position: Int) -> SIMD2<UInt64> {
        let bytes = bytes.loadUnaligned(fromByteOffset: position, as: SIMD16<UInt8>.self)
        return unsafeBitCast(bytes .== ones, to: SIMD2<UInt64>.self)
          | unsafeBitCast(bytes .== others, to: SIMD2<UInt64>.self)
      }
      var position = range.lowerBound
      while range.upperBound &- position >= 32 {
        let either = hits(at: position) | hits(at: position &+ 16)
        if either.x | either.y != 0 { break }
        position &+= 32
      }
      while range.upperBound &- position >= 16 {
        let hits = hits(at: position)
        if hits.x | hits.y != 0 {
          let bit = hits.x != 0 ? hits.x.trailingZeroBitCount : 64 &+ hits.y.trailingZeroBitCount
          return position &+ bit / 8
        }
        position &+= 16
      }
      while position < range.upperBound && bytes[position] != one && bytes[position] != other {
        position &+= 1
      }
      return position
    }
  }
}

extension StaticString {
  public var isEmpty: Bool { utf8CodeUnitCount == 0 }

  /// The bytes of the literal, which are always UTF-8.
  @inline(never)
  public var bytes: [UInt8] { withUTF8Buffer { Array($0) } }

  /// Whether it contains the ASCII character.
  @inline(never)
  public func has(_ byte: UInt8) -> Bool {
    withUTF8Buffer { bytes in
      for one in bytes where one == byte { return true }
      return false
    }
  }
}
