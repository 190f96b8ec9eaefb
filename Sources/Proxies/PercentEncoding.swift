import Text

/// Decodes percent-encoded text. A `%` without two hex digits is kept.
/// - Source: RFC 3986 §2.1.
func percentDecoded(_ text: [UInt8]) -> [UInt8] {
  var decoded: [UInt8] = []
  var rest = text[...]
  while let byte = rest.popFirst() {
    if byte == ASCII.percent, let high = rest.first?.hexValue, let low = rest.dropFirst().first?.hexValue {
      decoded.append(high &* 16 &+ low)
      rest = rest.dropFirst(2)
    } else {
      decoded.append(byte)
    }
  }
  return decoded
}

/// A user or password in which every byte is encoded that some client would misread.
///
/// Existing encoding is kept, and a lone `%` becomes `%25`. All characters that RFC 3986 allows in userinfo are kept,
/// except `+`: Ruby's net/http decodes a proxy's user and password as form data, where `+` means a space.
/// - Parameter colonIsAllowed: true for a password; the first colon ends the user.
/// - Source: RFC 3986 §2.1 and §3.2.1.
func percentEncodedWhereNeeded(_ text: ArraySlice<UInt8>, colonIsAllowed: Bool) -> [UInt8] {
  var encoded: [UInt8] = []
  var rest = text
  while let byte = rest.popFirst() {
    let startsTriplet =
      byte == ASCII.percent && rest.first?.hexValue != nil && rest.dropFirst().first?.hexValue != nil
    if startsTriplet || isPlainInUserinfo(byte) || (colonIsAllowed && byte == ASCII.colon) {
      encoded.append(byte)
    } else {
      encoded += [ASCII.percent, upperHexDigit(byte >> 4), upperHexDigit(byte & 15)]
    }
  }
  return encoded
}

private func isPlainInUserinfo(_ byte: UInt8) -> Bool { byte.isLetterOrDigit(or: "-._~!$&'()*,;=") }
