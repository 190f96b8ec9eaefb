/// Bytes as text that is safe to show: valid UTF-8 stays, all that could forge a line, move a
/// cursor or reverse a reader's eye becomes `\xNN`, byte by byte.
///
/// - Source: RFC 3629 §4 for what valid UTF-8 is; Unicode's Bidi_Control property.
@inline(never)
public func escaped(_ bytes: ArraySlice<UInt8>) -> Text {
  var shown: [UInt8] = []
  shown.reserveCapacity(bytes.count)
  for scalar in scalars(of: bytes) {
    if scalar.isHarmless {
      shown.append(contentsOf: scalar.bytes)
    } else {
      for byte in scalar.bytes { appendHex(byte, to: &shown) }
    }
  }
  return Text(utf8: shown)
}

/// See ``escaped(_:)``.
public func escaped(_ bytes: [UInt8]) -> Text { escaped(bytes[...]) }

/// Bytes that belong together, and whether they may be shown as they are: a Unicode scalar that is
/// no control and does not deceive. Of what is not UTF-8 each byte is for itself.
public func scalars(of bytes: ArraySlice<UInt8>) -> [(bytes: ArraySlice<UInt8>, isHarmless: Bool)] {
  var scalars: [(bytes: ArraySlice<UInt8>, isHarmless: Bool)] = []
  var rest = bytes
  while let first = rest.first {
    let length = first < 0x80 ? 1 : max(1, lengthOfScalar(rest))
    let isHarmless = first < 0x80 ? first >= 0x20 && first != 0x7F : lengthOfScalar(rest) > 0
    scalars.append((rest.prefix(length), isHarmless))
    rest = rest.dropFirst(length)
  }
  return scalars
}

/// See ``scalars(of:)``.
public func scalars(of bytes: [UInt8]) -> [(bytes: ArraySlice<UInt8>, isHarmless: Bool)] {
  scalars(of: bytes[...])
}

private func appendHex(_ byte: UInt8, to shown: inout [UInt8]) {
  let digits: StaticString = "0123456789abcdef"
  shown.append(UInt8(ascii: "\\"))
  shown.append(UInt8(ascii: "x"))
  digits.withUTF8Buffer { digits in
    shown.append(digits[Int(byte >> 4)])
    shown.append(digits[Int(byte & 15)])
  }
}

/// The number of bytes of the well-formed, harmless scalar at the start of `bytes`; 0 if there is
/// none.
private func lengthOfScalar(_ bytes: ArraySlice<UInt8>) -> Int {
  guard let first = bytes.first else { return 0 }
  let length: Int
  var scalar: UInt32
  switch first {
  case 0xC2...0xDF: (length, scalar) = (2, UInt32(first & 0x1F))
  case 0xE0...0xEF: (length, scalar) = (3, UInt32(first & 0x0F))
  case 0xF0...0xF4: (length, scalar) = (4, UInt32(first & 0x07))
  default: return 0
  }
  guard bytes.count >= length else { return 0 }
  for byte in bytes.dropFirst().prefix(length - 1) {
    guard byte & 0xC0 == 0x80 else { return 0 }
    scalar = scalar << 6 | UInt32(byte & 0x3F)
  }
  let isWellFormed =
    switch length {
    case 2: true
    case 3: scalar >= 0x800 && !(0xD800...0xDFFF).contains(scalar)
    default: scalar >= 0x10000 && scalar <= 0x10FFFF
    }
  return isWellFormed && !isDeceptive(scalar) ? length : 0
}

/// C1 controls, line separators, and what changes the direction or the width of what follows.
private func isDeceptive(_ scalar: UInt32) -> Bool {
  switch scalar {
  case 0x80...0x9F, 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF,
    0xFFF9...0xFFFB, 0xE0000...0xE0FFF:
    true
  default: false
  }
}
