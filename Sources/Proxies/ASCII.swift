import Text

/// The bytes of proxy settings. Input is bytes throughout, because a variable need not be UTF-8.
enum ASCII {
  static let lineFeed: UInt8 = 0x0A
  static let carriageReturn: UInt8 = 0x0D
  static let space: UInt8 = 0x20
  static let hash: UInt8 = 0x23
  static let dollar: UInt8 = 0x24
  static let percent: UInt8 = 0x25
  static let openingParenthesis: UInt8 = 0x28
  static let closingParenthesis: UInt8 = 0x29
  static let asterisk: UInt8 = 0x2A
  static let comma: UInt8 = 0x2C
  static let hyphen: UInt8 = 0x2D
  static let dot: UInt8 = 0x2E
  static let slash: UInt8 = 0x2F
  static let colon: UInt8 = 0x3A
  static let semicolon: UInt8 = 0x3B
  static let less: UInt8 = 0x3C
  static let equals: UInt8 = 0x3D
  static let greater: UInt8 = 0x3E
  static let question: UInt8 = 0x3F
  static let at: UInt8 = 0x40
  static let openingBracket: UInt8 = 0x5B
  static let backslash: UInt8 = 0x5C
  static let closingBracket: UInt8 = 0x5D
  static let openingBrace: UInt8 = 0x7B
  static let closingBrace: UInt8 = 0x7D
  static let delete: UInt8 = 0x7F
}

extension UInt8 {
  /// Tab, line feed, vertical tab, form feed, carriage return or space.
  var isWhiteSpace: Bool { self == ASCII.space || (self >= 0x09 && self <= 0x0D) }

  /// A byte that a terminal shows in one column without any effect.
  var isPrintable: Bool { self > ASCII.space && self < ASCII.delete }

  var lowercased: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }
}

extension [UInt8] {
  func has(_ byte: UInt8) -> Bool { self[...].has(byte) }
}

extension ArraySlice<UInt8> {
  func has(_ byte: UInt8) -> Bool { firstIndex(of: byte) != nil }

  /// Whether both have the same bytes, ignoring the case of ASCII letters.
  func equalsIgnoringCase(_ other: ArraySlice<UInt8>) -> Bool {
    guard count == other.count else { return false }
    return withUnsafeBytes { one in
      other.withUnsafeBytes { other in
        var position = 0
        while position < one.count && one[position].lowercased == other[position].lowercased { position += 1 }
        return position == one.count
      }
    }
  }

  @inline(never)
  func ends(with text: [UInt8]) -> Bool { suffix(text.count).isEqual(to: text[...]) }

  /// The position of the first occurrence of `part`.
  @inline(never)
  func firstIndex(of part: [UInt8]) -> Int? {
    var rest = self
    while rest.count >= part.count {
      if rest.begins(with: part[...]) { return rest.startIndex }
      rest = rest.dropFirst()
    }
    return nil
  }

  /// The parts before and after the first `byte`; nil if there is none.
  func cut(at byte: UInt8) -> (before: ArraySlice<UInt8>, after: ArraySlice<UInt8>)? {
    firstIndex(of: byte).map { (prefix(upTo: $0), suffix(from: $0).dropFirst()) }
  }

  /// The parts before and after the last `byte`; nil if there is none.
  func cut(atLast byte: UInt8) -> (before: ArraySlice<UInt8>, after: ArraySlice<UInt8>)? {
    lastIndex(of: byte).map { (prefix(upTo: $0), suffix(from: $0).dropFirst()) }
  }
}

/// The parts separated by commas.
func commaSeparated(_ parts: [[UInt8]]) -> [UInt8] {
  var joined: [UInt8] = []
  for (index, part) in parts.enumerated() {
    if index > 0 { joined.append(ASCII.comma) }
    joined += part
  }
  return joined
}
