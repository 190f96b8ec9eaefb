// Comparing bytes. The standard library's ways are generic and are compiled anew for each pair of types and at
// most uses; these few are compiled once.

public let newline = UInt8(ascii: "\n")

extension ArraySlice<UInt8> {
  /// Whether these are the literal's bytes.
  @inline(never)
  public func isEqual(to text: StaticString) -> Bool {
    count == text.utf8CodeUnitCount && begins(with: text)
  }

  /// Whether the literal's bytes stand at the start.
  @inline(never)
  public func begins(with text: StaticString) -> Bool {
    if count < text.utf8CodeUnitCount { return false }
    return text.withUTF8Buffer { text in
      withUnsafeBufferPointer { bytes in
        for index in text.indices where bytes[index] != text[index] { return false }
        return true
      }
    }
  }

  /// Whether both hold the same bytes.
  @inline(never)
  public func isEqual(to other: ArraySlice<UInt8>) -> Bool { count == other.count && begins(with: other) }

  /// Whether the bytes of `other` stand at the start.
  @inline(never)
  public func begins(with other: ArraySlice<UInt8>) -> Bool {
    if count < other.count { return false }
    return other.withUnsafeBufferPointer { other in
      withUnsafeBufferPointer { bytes in
        for index in other.indices where bytes[index] != other[index] { return false }
        return true
      }
    }
  }

  /// Where the first such byte stands.
  @inline(never)
  public func position(of byte: UInt8) -> Int? {
    withUnsafeBufferPointer { bytes in
      for index in bytes.indices where bytes[index] == byte { return startIndex + index }
      return nil
    }
  }
}

/// The lower-case hex digit of a value below 16.
public func hexDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + (value & 15) - 10
}

/// The upper-case hex digit of a value below 16.
public func upperHexDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + (value & 15) - 10
}

/// Two lower-case hex digits for each byte.
@inline(never)
public func hexDigits(of bytes: ArraySlice<UInt8>) -> [UInt8] {
  var digits: [UInt8] = []
  digits.reserveCapacity(bytes.count * 2)
  for byte in bytes {
    digits.append(hexDigit(byte >> 4))
    digits.append(hexDigit(byte & 15))
  }
  return digits
}
