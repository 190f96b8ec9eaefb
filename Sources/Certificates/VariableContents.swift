import Text

/// The file contents that a variable's value stands for: PEM, PEM whose line breaks are written as `\n`, or decoded
/// Base64. Quotes around it, which `docker run --env-file` keeps, are dropped.
///
/// - Returns: nil for anything else.
public func fileContents(ofVariable value: [UInt8]) -> [UInt8]? {
  if value.allSatisfy({ $0 <= UInt8(ascii: " ") }) { return value }
  var value = value
  if let first = value.first, first == value.last, value.count > 1, ("\"'" as StaticString).has(first) {
    value = Array(value.dropFirst().dropLast())
  }
  guard value[...].contains("-----BEGIN ") else {
    guard let decoded = Base64.decode(withLineBreaks(value)[...].dropByteOrderMark), !decoded.isEmpty else {
      return nil
    }
    return decoded
  }
  // A backslash in the text around the blocks has no meaning.
  return value[...].contains("-----\\n") || value[...].contains("-----\\r\\n") ? withLineBreaks(value) : value
}

/// The text with line breaks instead of the escapes `\n` and `\r` of C and JSON.
private func withLineBreaks(_ text: [UInt8]) -> [UInt8] {
  var changed: [UInt8] = []
  changed.reserveCapacity(text.count)
  var isEscape = false
  for byte in text {
    if isEscape {
      isEscape = false
      switch byte {
      case UInt8(ascii: "n"): changed.append(newline)
      case UInt8(ascii: "r"): changed.append(UInt8(ascii: "\r"))
      default: changed += [UInt8(ascii: "\\"), byte]
      }
    } else if byte == UInt8(ascii: "\\") {
      isEscape = true
    } else {
      changed.append(byte)
    }
  }
  if isEscape { changed.append(UInt8(ascii: "\\")) }
  return changed
}
