import Text

/// Where the fields of a certificate stand in its DER.
///
/// - Source: RFC 5280 §4.1.
struct CertificateLayout {
  /// The certificate itself, without what may stand behind it.
  let whole: Range<Int>
  let isVersion1: Bool
  /// The contents of the INTEGER.
  let serial: Range<Int>
  /// The contents of the SEQUENCE.
  let signatureAlgorithm: Range<Int>
  /// From tag to end.
  let issuer: Range<Int>
  let notBefore: DER.Element
  let notAfter: DER.Element
  let subject: Range<Int>
  let publicKey: Range<Int>
  /// The contents of the SEQUENCE OF Extension; nil where there is none.
  let extensions: Range<Int>?

  /// Reads a certificate's structure.
  /// - Parameters:
  ///   - range: where in `bytes` it stands.
  ///   - isStrict: whether it must be DER with nothing behind it, or only what OpenSSL's
  ///     `d2i_X509` takes.
  /// - Returns: nil where it is no certificate.
  init?(_ bytes: Span<UInt8>, in range: Range<Int>, isStrict: Bool) {
    var outer = DER(range, isStrict: isStrict)
    guard let certificate = outer.next(Tag.sequence, bytes), !isStrict || outer.isAtEnd else { return nil }
    whole = certificate.range
    var fields = outer.inside(certificate)
    guard let tbs = fields.next(Tag.sequence, bytes), let algorithm = fields.next(Tag.sequence, bytes),
      isAlgorithm(fields.inside(algorithm), bytes), let signature = fields.next(Tag.bitString, bytes),
      isBitString(bytes.extracting(signature.content)), fields.isAtEnd
    else { return nil }

    var walk = fields.inside(tbs)
    var isVersion1 = true
    if walk.nextTag(bytes) == Tag.context(0) {
      guard let explicit = walk.next(bytes) else { return nil }
      var inside = walk.inside(explicit)
      guard let version = inside.next(Tag.integer, bytes), isInteger(bytes.extracting(version.content)),
        inside.isAtEnd
      else {
        return nil
      }
      isVersion1 = version.content.count == 1 && bytes[version.content.lowerBound] == 0
    }
    self.isVersion1 = isVersion1
    guard let serial = walk.next(Tag.integer, bytes), isInteger(bytes.extracting(serial.content)),
      let innerAlgorithm = walk.next(Tag.sequence, bytes), isAlgorithm(walk.inside(innerAlgorithm), bytes),
      let issuer = walk.next(Tag.sequence, bytes), isName(walk.inside(issuer), bytes),
      let validity = walk.next(Tag.sequence, bytes),
      let subject = walk.next(Tag.sequence, bytes),
      isSame(subject, issuer, bytes) || isName(walk.inside(subject), bytes),
      let key = walk.next(Tag.sequence, bytes), isPublicKey(walk.inside(key), bytes)
    else { return nil }
    self.serial = serial.content
    signatureAlgorithm = algorithm.content
    self.issuer = issuer.range
    self.subject = subject.range
    publicKey = key.range

    var times = walk.inside(validity)
    guard let notBefore = times.next(bytes), let notAfter = times.next(bytes), times.isAtEnd,
      isTime(notBefore),
      isTime(notAfter)
    else { return nil }
    self.notBefore = notBefore
    self.notAfter = notAfter

    // issuerUniqueID and subjectUniqueID, which nobody reads.
    for tag in [0x81, 0x82] as [UInt8] where walk.nextTag(bytes) == tag {
      guard let identifier = walk.next(bytes), isBitString(bytes.extracting(identifier.content)) else {
        return nil
      }
    }
    var extensions: Range<Int>?
    if let explicit = walk.next(Tag.context(3), bytes) {
      var inside = walk.inside(explicit)
      guard let list = inside.next(Tag.sequence, bytes), inside.isAtEnd,
        areExtensions(inside.inside(list), bytes)
      else {
        return nil
      }
      extensions = list.content
    }
    self.extensions = extensions
    if !walk.isAtEnd { return nil }
  }
}

/// Whether two elements hold the same bytes, as the names of a self-issued certificate do.
private func isSame(_ one: DER.Element, _ other: DER.Element, _ bytes: Span<UInt8>) -> Bool {
  one.content.count == other.content.count
    && bytes.extracting(one.content).begins(with: bytes.extracting(other.content))
}

private func isAlgorithm(_ walk: DER, _ bytes: Span<UInt8>) -> Bool {
  var walk = walk
  guard let identifier = walk.next(Tag.objectIdentifier, bytes),
    isObjectIdentifier(bytes.extracting(identifier.content))
  else {
    return false
  }
  if walk.isAtEnd { return true }
  guard let parameters = walk.next(bytes), walk.isAtEnd else { return false }
  return isParameter(parameters.tag, bytes.extracting(parameters.content))
}

/// Whether OpenSSL reads an algorithm's parameters, whose type may be any.
private func isParameter(_ tag: UInt8, _ octets: Span<UInt8>) -> Bool {
  switch tag {
  case 0: false
  case Tag.boolean: octets.count == 1
  case Tag.integer, Tag.enumerated: isInteger(octets)
  case Tag.bitString: isBitString(octets)
  case Tag.null: octets.isEmpty
  case Tag.objectIdentifier: isObjectIdentifier(octets)
  case Tag.bmpString: octets.count % 2 == 0
  case Tag.universalString: octets.count % 4 == 0
  default: true
  }
}

private func isBitString(_ octets: Span<UInt8>) -> Bool {
  !octets.isEmpty && octets[0] < 8
}

private func isName(_ walk: DER, _ bytes: Span<UInt8>) -> Bool {
  var walk = walk
  while !walk.isAtEnd {
    guard let set = walk.next(Tag.set, bytes) else { return false }
    var attributes = walk.inside(set)
    while !attributes.isAtEnd {
      guard let attribute = attributes.next(Tag.sequence, bytes) else { return false }
      var pair = attributes.inside(attribute)
      guard let type = pair.next(Tag.objectIdentifier, bytes),
        isObjectIdentifier(bytes.extracting(type.content)),
        let value = pair.next(bytes), pair.isAtEnd,
        isNameValue(value.tag, bytes.extracting(value.content))
      else { return false }
    }
  }
  return true
}

/// Whether OpenSSL reads an attribute's value. If it does not, it refuses the certificate, and with it
/// the whole bundle that holds it.
private func isNameValue(_ tag: UInt8, _ octets: Span<UInt8>) -> Bool {
  switch tag {
  case Tag.utf8String: isUTF8(octets)
  case Tag.bmpString: areScalars(octets, size: 2)
  case Tag.universalString: areScalars(octets, size: 4)
  case Tag.bitString: isBitString(octets)
  case Tag.numericString, Tag.printableString, Tag.teletexString, Tag.ia5String, Tag.sequence: true
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
    // Nearly all of it is ASCII.
    if first < 0x80 { continue }
    let further = (~first).leadingZeroBitCount - 1
    guard (1...3).contains(further), position + further <= octets.count else { return false }
    var value = UInt32(first) & 0x3F >> UInt32(further)
    for octet in position..<(position + further) {
      if octets[octet] & 0xC0 != 0x80 { return false }
      value = value << 6 | UInt32(octets[octet] & 0x3F)
    }
    // A longer form than the shortest is not UTF-8.
    guard isScalar(value), value >= ([0x80, 0x800, 0x10000] as InlineArray)[further - 1] else { return false }
    position += further
  }
  return true
}

private func isPublicKey(_ walk: DER, _ bytes: Span<UInt8>) -> Bool {
  var walk = walk
  guard let algorithm = walk.next(Tag.sequence, bytes), isAlgorithm(walk.inside(algorithm), bytes),
    let key = walk.next(Tag.bitString, bytes), isBitString(bytes.extracting(key.content))
  else { return false }
  return walk.isAtEnd
}

private func isTime(_ element: DER.Element) -> Bool {
  element.tag == Tag.utcTime || element.tag == Tag.generalizedTime
}

private func areExtensions(_ walk: DER, _ bytes: Span<UInt8>) -> Bool {
  var walk = walk
  while !walk.isAtEnd {
    guard let one = walk.next(Tag.sequence, bytes) else { return false }
    var fields = walk.inside(one)
    guard let identifier = fields.next(Tag.objectIdentifier, bytes),
      isObjectIdentifier(bytes.extracting(identifier.content))
    else {
      return false
    }
    if let critical = fields.next(Tag.boolean, bytes), critical.content.count != 1 { return false }
    guard fields.next(Tag.octetString, bytes) != nil, fields.isAtEnd else { return false }
  }
  return true
}
