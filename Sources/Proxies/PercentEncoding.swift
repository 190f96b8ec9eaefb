import Text

/// The bytes that a percent-encoded text stands for. A `%` without two hex digits stands for itself.
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

/// A user or password with every byte encoded that some client would not read as itself.
///
/// What is encoded already stays, a lone `%` becomes `%25`. Allowed are the characters of RFC 3986's userinfo but
/// `+`: Ruby's net/http decodes a proxy's user and password as a form, where `+` is a space.
/// - Parameter colonIsAllowed: true for a password; the first colon of all ends the user.
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
