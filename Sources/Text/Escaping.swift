/// Bytes as text that is safe to show: valid UTF-8 is kept; whatever could forge a line, move a cursor or reverse the
/// direction of text becomes `\xNN`, byte by byte.
///
/// - Source: RFC 3629 §4 for what valid UTF-8 is; Unicode's Bidi_Control property.
@inline(never)
public func escaped(_ bytes: ArraySlice<UInt8>) -> Text {
  if arePrintable(bytes) { return Text(utf8: Array(bytes)) }
  var shown: [UInt8] = []
  var rest = bytes
  while !rest.isEmpty {
    let scalar = takeScalar(from: &rest)
    if scalar.isHarmless {
      shown += scalar.bytes
    } else {
      for byte in scalar.bytes {
        shown += [UInt8(ascii: "\\"), UInt8(ascii: "x"), hexDigit(byte >> 4), hexDigit(byte & 15)]
      }
    }
  }
  return Text(utf8: shown)
}

/// See ``escaped(_:)``.
@inline(never)
public func escaped(_ bytes: [UInt8]) -> Text { escaped(bytes[...]) }

/// Whether all bytes are printable ASCII characters, the usual case.
@inline(never)
public func arePrintable(_ bytes: ArraySlice<UInt8>) -> Bool {
  for byte in bytes where byte < 0x20 || byte > 0x7E { return false }
  return true
}

/// Bytes as UTF-8, with U+FFFD for each invalid part.
/// - Source: Unicode §3.9, "U+FFFD Substitution of Maximal Subparts".
public func repaired(_ bytes: ArraySlice<UInt8>) -> Text {
  var repaired: [UInt8] = []
  var rest = bytes
  while !rest.isEmpty {
    let scalar = takeScalar(from: &rest)
    repaired += scalar.value == nil ? [0xEF, 0xBF, 0xBD] : scalar.bytes
  }
  return Text(utf8: repaired)
}

/// Removes one unit from the start of `rest`: a well-formed scalar with its value, or else the longest prefix of such a
/// scalar, or a single byte that begins none.
/// - Source: RFC 3629 §4.
@inline(never)
public func takeScalar(from rest: inout ArraySlice<UInt8>) -> Scalar {
  let first = rest.first ?? 0
  let length: Int
  var value: UInt32
  // The range of the second byte excludes overlong forms, surrogates, and values beyond U+10FFFF.
  var (low, high): (UInt8, UInt8) = (0x80, 0xBF)
  switch first {
  case 0..<0x80: (length, value) = (1, UInt32(first))
  case 0xC2...0xDF: (length, value) = (2, UInt32(first & 0x1F))
  case 0xE0...0xEF:
    (length, value) = (3, UInt32(first & 0x0F))
    if first == 0xE0 { low = 0xA0 }
    if first == 0xED { high = 0x9F }
  case 0xF0...0xF4:
    (length, value) = (4, UInt32(first & 0x07))
    if first == 0xF0 { low = 0x90 }
    if first == 0xF4 { high = 0x8F }
  default: (length, value) = (0, 0)
  }
  var taken = 1
  for byte in rest.dropFirst().prefix(max(0, length - 1)) {
    guard byte >= low, byte <= high else { break }
    value = value << 6 | UInt32(byte & 0x3F)
    (low, high) = (0x80, 0xBF)
    taken += 1
  }
  let scalar = rest.prefix(taken)
  rest = rest.dropFirst(taken)
  return Scalar(bytes: scalar, value: taken == length ? value : nil)
}

/// Bytes that form one unit.
public struct Scalar {
  public let bytes: ArraySlice<UInt8>
  /// The Unicode scalar that they encode; nil if they are not UTF-8.
  public let value: UInt32?

  /// Whether it is safe to show. False for controls, line separators, and characters that change the direction or the
  /// width of the text after them.
  public var isHarmless: Bool {
    guard let value else { return false }
    return switch value {
    case 0..<0x20, 0x7F...0x9F, 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF,
      0xFFF9...0xFFFB, 0xE0000...0xE0FFF:
      false
    default: true
    }
  }
}
