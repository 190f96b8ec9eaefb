// ASCII letters and digits, decimal and hexadecimal.

extension UInt8 {
  /// Whether this is an ASCII decimal digit.
  public var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }

  /// Whether this is an ASCII letter.
  public var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) }

  /// Whether this is an ASCII letter, a digit, or one of the given characters.
  public func isLetterOrDigit(or marks: StaticString) -> Bool { isLetter || isDigit || marks.has(self) }

  /// The value of a hex digit in either case; nil for any other byte.
  public var hexValue: UInt8? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}

extension ArraySlice<UInt8> {
  /// The number written in decimal digits; nil if it is empty, has any other byte, or exceeds `limit`.
  @inline(never)
  public func decimal(upTo limit: Int) -> Int? {
    if isEmpty { return nil }
    var number = 0
    for byte in self {
      guard byte.isDigit, number <= limit else { return nil }
      number = number * 10 + Int(byte - UInt8(ascii: "0"))
    }
    return number <= limit ? number : nil
  }
}

/// A number in decimal.
/// - Parameter width: the minimum number of digits; shorter numbers are padded with zeros.
@inline(never)
public func decimal(_ number: Int64, width: Int = 1) -> [UInt8] {
  var magnitude = number.magnitude
  var digits: [UInt8] = []
  repeat {
    digits.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10))
    magnitude /= 10
  } while magnitude > 0
  while digits.count < width { digits.append(UInt8(ascii: "0")) }
  if number < 0 { digits.append(UInt8(ascii: "-")) }
  digits.reverse()
  return digits
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

/// The bytes written as pairs of lower-case hex digits; nil for anything else.
public func hexDecoded(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
  var bytes: [UInt8] = []
  var high: UInt8?
  for digit in digits {
    guard let value = digit.hexValue, digit < UInt8(ascii: "A") || digit > UInt8(ascii: "F") else {
      return nil
    }
    if let first = high {
      bytes.append(first << 4 | value)
      high = nil
    } else {
      high = value
    }
  }
  return high == nil ? bytes : nil
}
