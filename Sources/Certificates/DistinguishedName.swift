import Text

/// A Name as text, last part first: `CN=Corp Proxy Root,O=Corp`.
///
/// Bytes that could forge a line or mislead a reader are written as `\XX`.
/// - Source: RFC 4514 §2.
/// - Parameters:
///   - bytes: a certificate.
///   - range: the range of the Name in it.
func distinguishedName(_ bytes: [UInt8], in range: Range<Int>) -> Text {
  let octets = bytes.span
  var outer = DER(range)
  guard let name = outer.step(Tag.sequence, octets) else { return "" }
  var parts: [Text] = []
  var walk = outer.inside(name)
  while let set = walk.step(Tag.set, octets) {
    var attributes: [Text] = []
    var inside = walk.inside(set)
    while let attribute = inside.step(Tag.sequence, octets) {
      var pair = inside.inside(attribute)
      guard let type = pair.step(Tag.objectIdentifier, octets), let value = pair.step(octets) else { break }
      attributes.append(attributeText(bytes, type, value))
    }
    if !attributes.isEmpty { parts.append(attributes.joined(by: "+")) }
  }
  parts.reverse()
  return parts.joined(by: ",")
}

@inline(never)
private func attributeText(_ bytes: [UInt8], _ type: DER.Element, _ value: DER.Element) -> Text {
  let name = attributeName(bytes[type.content])
  if let name, let text = string(bytes[value.content], value.tag) { return "\(name)=\(attributeValue(text))" }
  let dotted = name.map { Text(stringLiteral: $0) } ?? dottedDecimal(bytes[type.content])
  return "\(dotted)=#\(Text(utf8: hexDigits(of: bytes[value.range])))"
}

/// The short names of RFC 4514 §3, and those that OpenSSL prints for other attributes in CA names.
private func attributeName(_ identifier: ArraySlice<UInt8>) -> StaticString? {
  if identifier.count == 3, identifier.begins(with: [0x55, 0x04]), let last = identifier.last {
    return switch last {
    case 3: "CN"
    case 4: "SN"
    case 5: "serialNumber"
    case 6: "C"
    case 7: "L"
    case 8: "ST"
    case 9: "STREET"
    case 10: "O"
    case 11: "OU"
    case 12: "title"
    case 13: "description"
    case 15: "businessCategory"
    case 17: "postalCode"
    case 41: "name"
    case 42: "GN"
    case 43: "initials"
    case 46: "dnQualifier"
    case 65: "pseudonym"
    case 97: "organizationIdentifier"
    default: nil
    }
  }
  if identifier.isEqual(to: [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x01]) {
    return "emailAddress"
  }
  if identifier.count == 10, identifier.begins(with: [0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 0x01]) {
    return identifier.last == 25 ? "DC" : identifier.last == 1 ? "UID" : nil
  }
  return nil
}

private func dottedDecimal(_ identifier: ArraySlice<UInt8>) -> Text {
  var arcs: [Text] = []
  var arc: UInt64 = 0
  for octet in identifier {
    // An arc longer than any that is assigned is cut to its low bits.
    arc = arc << 7 | UInt64(octet & 0x7F)
    if octet & 0x80 != 0 { continue }
    if arcs.isEmpty {
      let root = min(arc / 40, 2)
      arcs.append("\(Int64(root))")
      arc -= root * 40
    }
    arcs.append("\(Int64(truncatingIfNeeded: arc & UInt64(Int64.max)))")
    arc = 0
  }
  return arcs.joined(by: ".")
}

/// The characters of a string as UTF-8, with invalid bytes unchanged; nil if the value is not a string.
func string(_ bytes: ArraySlice<UInt8>, _ tag: UInt8) -> [UInt8]? {
  switch tag {
  case Tag.utf8String: return Array(bytes)
  case Tag.printableString, Tag.ia5String, Tag.visibleString, Tag.numericString, Tag.teletexString:
    // In practice a TeletexString is Latin-1.
    return arePrintable(bytes) ? Array(bytes) : bytes.flatMap { utf8(UInt32($0)) }
  case Tag.bmpString: return wide(bytes, size: 2)
  case Tag.universalString: return wide(bytes, size: 4)
  default: return nil
  }
}

private func wide(_ bytes: ArraySlice<UInt8>, size: Int) -> [UInt8] {
  var text: [UInt8] = []
  var scalar: UInt32 = 0
  for (index, byte) in bytes.enumerated() {
    scalar = scalar << 8 | UInt32(byte)
    if index % size == size - 1 {
      text.append(contentsOf: utf8(scalar))
      scalar = 0
    }
  }
  return text
}

/// The UTF-8 of a scalar. A surrogate or a value beyond Unicode yields bytes that are not UTF-8 and will be escaped.
func utf8(_ scalar: UInt32) -> [UInt8] {
  func byte(_ mark: UInt32, _ shift: UInt32) -> UInt8 {
    UInt8(truncatingIfNeeded: mark == 0x80 ? 0x80 | (scalar >> shift & 0x3F) : mark | scalar >> shift)
  }
  switch scalar {
  case 0..<0x80: return [byte(0, 0)]
  case 0x80..<0x800: return [byte(0xC0, 6), byte(0x80, 0)]
  case 0x800..<0x10000: return [byte(0xE0, 12), byte(0x80, 6), byte(0x80, 0)]
  case 0x10000...0x10FFFF: return [byte(0xF0, 18), byte(0x80, 12), byte(0x80, 6), byte(0x80, 0)]
  default: return [0xFF]
  }
}

/// A letter, a digit, or a punctuation mark that is common in names.
private func isPlain(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "-")...UInt8(ascii: "9"), UInt8(ascii: " "):
    true
  default: false
  }
}

/// A value with the escapes that RFC 4514 §2.4 requires, and with everything escaped that is not plain text.
private func attributeValue(_ text: [UInt8]) -> Text {
  // The usual case: nothing to escape.
  if text.allSatisfy({ isPlain($0) }) && text.first != UInt8(ascii: " ") && text.last != UInt8(ascii: " ") {
    return Text(utf8: text)
  }
  var escapedText: [UInt8] = []
  var rest = text[...]
  while let first = rest.first {
    let isAtStart = rest.count == text.count
    let scalar = takeScalar(from: &rest)
    let isSpecial =
      switch first {
      case UInt8(ascii: "\""), UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "<"),
        UInt8(ascii: ">"), UInt8(ascii: "\\"):
        true
      case UInt8(ascii: "#"): isAtStart
      case UInt8(ascii: " "): isAtStart || rest.isEmpty
      default: false
      }
    if !scalar.isHarmless {
      for byte in scalar.bytes {
        escapedText += [UInt8(ascii: "\\"), upperHexDigit(byte >> 4), upperHexDigit(byte & 15)]
      }
    } else {
      if isSpecial { escapedText.append(UInt8(ascii: "\\")) }
      escapedText += scalar.bytes
    }
  }
  return Text(utf8: escapedText)
}
