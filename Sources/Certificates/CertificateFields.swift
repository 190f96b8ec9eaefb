import Text

// The fields that a certificate consists of, each checked by itself.

/// Whether two elements have equal contents, as the names of a self-issued certificate do.
func isSame(_ one: DER.Element, _ other: DER.Element, _ bytes: Span<UInt8>) -> Bool {
  let count = one.content.count
  if count != other.content.count { return false }
  precondition(one.content.upperBound <= bytes.count && other.content.upperBound <= bytes.count)
  return bytes.withUnsafeBytes { bytes in
    // In bounds: each of the two has `count` bytes.
    var (place, otherPlace) = (one.content.lowerBound, other.content.lowerBound)
    while place &+ 8 <= one.content.upperBound {
      let eight = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
      if eight != bytes.loadUnaligned(fromByteOffset: otherPlace, as: UInt64.self) { return false }
      place &+= 8
      otherPlace &+= 8
    }
    while place < one.content.upperBound {
      if bytes[place] != bytes[otherPlace] { return false }
      place &+= 1
      otherPlace &+= 1
    }
    return true
  }
}

/// Checks that OpenSSL reads an AlgorithmIdentifier. If it does not, it refuses the whole bundle.
func checkAlgorithm(
  _ walk: DER, _ bytes: Span<UInt8>, _ field: CertificateFault.Field
) throws(CertificateFault) {
  var walk = walk
  guard let identifier = walk.next(Tag.objectIdentifier, bytes),
    isObjectIdentifier(bytes.extracting(identifier.content), isStrict: walk.isStrict)
  else { throw CertificateFault(field) }
  if walk.isAtEnd { return }
  guard let tag = walk.nextTag(bytes), let parameters = walk.next(bytes), walk.isAtEnd
  else { throw CertificateFault(field) }
  if !isParameter(tag, bytes.extracting(parameters.content)) {
    throw CertificateFault(field, .parameters(tag: tag))
  }
}

/// Whether OpenSSL reads an algorithm's parameters, which may be of any type. Constructed strings, which OpenSSL would
/// concatenate, count as unreadable: nobody writes them.
/// - Source: OpenSSL's `asn1_d2i_ex_primitive` and `asn1_ex_c2i`.
private func isParameter(_ tag: UInt8, _ octets: Span<UInt8>) -> Bool {
  if tag == Tag.sequence || tag == Tag.set || tag & 0xC0 != 0 { return true }
  if tag & 0x20 != 0 { return false }
  return switch tag {
  // A SEQUENCE and a SET are always constructed.
  case 0, 0x10, 0x11: false
  case Tag.boolean: octets.count == 1
  case Tag.integer, Tag.enumerated: isInteger(octets)
  case Tag.bitString: isBitString(octets)
  case Tag.null: octets.isEmpty
  case Tag.objectIdentifier: isObjectIdentifier(octets, isStrict: false)
  case Tag.utcTime: octets.count >= 13
  case Tag.generalizedTime: octets.count >= 15
  case Tag.bmpString: octets.count % 2 == 0
  case Tag.universalString: octets.count % 4 == 0
  default: true
  }
}

/// - Parameter isStrict: whether unused bits are allowed only if there are any bits, as X.690 §8.6.2.3 requires.
func isBitString(_ octets: Span<UInt8>, isStrict: Bool = false) -> Bool {
  !octets.isEmpty && octets[0] < 8 && !(isStrict && octets.count == 1 && octets[0] != 0)
}

func isName(_ walk: DER, _ bytes: Span<UInt8>) -> Bool {
  var walk = walk
  while !walk.isAtEnd {
    guard let set = walk.next(Tag.set, bytes) else { return false }
    var attributes = walk.inside(set)
    while !attributes.isAtEnd {
      guard let attribute = attributes.next(Tag.sequence, bytes) else { return false }
      var pair = attributes.inside(attribute)
      guard let type = pair.next(Tag.objectIdentifier, bytes),
        isObjectIdentifier(bytes.extracting(type.content), isStrict: walk.isStrict),
        let value = pair.next(bytes), pair.isAtEnd,
        isNameValue(value.tag, bytes.extracting(value.content), isStrict: walk.isStrict)
      else { return false }
    }
  }
  return true
}

/// Whether an attribute's value is a string, or at least something that OpenSSL reads. If it is not, OpenSSL refuses
/// the certificate, and with it the whole bundle that contains it.
/// - Source: OpenSSL's `B_ASN1_PRINTABLE`, which includes tags without a name.
private func isNameValue(_ tag: UInt8, _ octets: Span<UInt8>, isStrict: Bool) -> Bool {
  switch tag {
  case Tag.utf8String: isUTF8(octets)
  case Tag.bmpString: areScalars(octets, size: 2)
  case Tag.universalString: areScalars(octets, size: 4)
  case Tag.bitString: isBitString(octets, isStrict: isStrict)
  case Tag.numericString, Tag.printableString, Tag.teletexString, Tag.ia5String, Tag.sequence: true
  case 7, 8, 9, 11, 13, 14, 15, 29: !isStrict
  default: false
  }
}

private func isScalar(_ value: UInt32) -> Bool { value < 0xD800 || (0xE000...0x10FFFF).contains(value) }

private func areScalars(_ octets: Span<UInt8>, size: Int) -> Bool {
  var value: UInt32 = 0
  for index in octets.indices {
    value = value << 8 | UInt32(octets[index])
    if index % size == size - 1 {
      if !isScalar(value) { return false }
      value = 0
    }
  }
  return octets.count % size == 0
}

private func isUTF8(_ octets: Span<UInt8>) -> Bool {
  var position = 0
  while position < octets.count {
    let first = octets[position]
    position += 1
    // The usual case: nearly all text is ASCII.
    if first < 0x80 { continue }
    let further = (~first).leadingZeroBitCount - 1
    guard (1...3).contains(further), position + further <= octets.count else { return false }
    var value = UInt32(first) & 0x3F >> UInt32(further)
    for octet in position..<(position + further) {
      if octets[octet] & 0xC0 != 0x80 { return false }
      value = value << 6 | UInt32(octets[octet] & 0x3F)
    }
    // An overlong encoding is not UTF-8.
    guard isScalar(value), value >= ([0x80, 0x800, 0x10000] as InlineArray)[further - 1] else { return false }
    position += further
  }
  return true
}

func checkPublicKey(_ walk: DER, _ bytes: Span<UInt8>) throws(CertificateFault) {
  var walk = walk
  guard let algorithm = walk.next(Tag.sequence, bytes) else { throw CertificateFault(.publicKey) }
  try checkAlgorithm(walk.inside(algorithm), bytes, .publicKey)
  guard let key = walk.next(Tag.bitString, bytes), isBitString(bytes.extracting(key.content)), walk.isAtEnd
  else { throw CertificateFault(.publicKey) }
}

/// OpenSSL 3.3 and later require the seconds and one character after them.
func isTime(_ element: DER.Element) -> Bool {
  element.tag == Tag.utcTime
    ? element.content.count >= 13 : element.tag == Tag.generalizedTime && element.content.count >= 15
}
