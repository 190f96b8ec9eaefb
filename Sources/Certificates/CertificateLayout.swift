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
  /// - Parameter isStrict: whether it must be DER with nothing behind it, or only what OpenSSL's
  ///   `d2i_X509` takes.
  /// - Returns: nil where it is no certificate.
  init?(_ bytes: [UInt8], isStrict: Bool) {
    var outer = DER(bytes, isStrict: isStrict)
    guard let certificate = outer.next(Tag.sequence), !isStrict || outer.isAtEnd else { return nil }
    whole = certificate.range
    var fields = outer.inside(certificate)
    guard let tbs = fields.next(Tag.sequence), let algorithm = fields.next(Tag.sequence),
      isAlgorithm(fields.inside(algorithm)), let signature = fields.next(Tag.bitString),
      isBitString(bytes[signature.content]), fields.isAtEnd
    else { return nil }

    var walk = fields.inside(tbs)
    var isVersion1 = true
    if walk.nextTag == Tag.context(0) {
      guard let explicit = walk.next() else { return nil }
      var inside = walk.inside(explicit)
      guard let version = inside.next(Tag.integer), isInteger(bytes[version.content]), inside.isAtEnd else {
        return nil
      }
      isVersion1 = bytes[version.content].isEqual(to: [0])
    }
    self.isVersion1 = isVersion1
    guard let serial = walk.next(Tag.integer), isInteger(bytes[serial.content]),
      let innerAlgorithm = walk.next(Tag.sequence), isAlgorithm(walk.inside(innerAlgorithm)),
      let issuer = walk.next(Tag.sequence), isName(walk.inside(issuer)),
      let validity = walk.next(Tag.sequence),
      let subject = walk.next(Tag.sequence), isName(walk.inside(subject)),
      let key = walk.next(Tag.sequence), isPublicKey(walk.inside(key))
    else { return nil }
    self.serial = serial.content
    signatureAlgorithm = algorithm.content
    self.issuer = issuer.range
    self.subject = subject.range
    publicKey = key.range

    var times = walk.inside(validity)
    guard let notBefore = times.next(), let notAfter = times.next(), times.isAtEnd, isTime(notBefore),
      isTime(notAfter)
    else { return nil }
    self.notBefore = notBefore
    self.notAfter = notAfter

    // issuerUniqueID and subjectUniqueID, which nobody reads.
    for tag in [0x81, 0x82] as [UInt8] where walk.nextTag == tag {
      guard let identifier = walk.next(), isBitString(bytes[identifier.content]) else { return nil }
    }
    var extensions: Range<Int>?
    if let explicit = walk.next(Tag.context(3)) {
      var inside = walk.inside(explicit)
      guard let list = inside.next(Tag.sequence), inside.isAtEnd, areExtensions(inside.inside(list)) else {
        return nil
      }
      extensions = list.content
    }
    self.extensions = extensions
    if !walk.isAtEnd { return nil }
  }
}

private func isAlgorithm(_ walk: DER) -> Bool {
  var walk = walk
  guard let identifier = walk.next(Tag.objectIdentifier), isObjectIdentifier(walk.bytes[identifier.content])
  else {
    return false
  }
  if walk.isAtEnd { return true }
  guard let parameters = walk.next(), walk.isAtEnd else { return false }
  return isParameter(parameters.tag, walk.bytes[parameters.content])
}

/// Whether OpenSSL reads an algorithm's parameters, whose type may be any.
private func isParameter(_ tag: UInt8, _ octets: ArraySlice<UInt8>) -> Bool {
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

private func isBitString(_ octets: ArraySlice<UInt8>) -> Bool {
  guard let unused = octets.first else { return false }
  return unused < 8
}

private func isName(_ walk: DER) -> Bool {
  var walk = walk
  while !walk.isAtEnd {
    guard let set = walk.next(Tag.set) else { return false }
    var attributes = walk.inside(set)
    while !attributes.isAtEnd {
      guard let attribute = attributes.next(Tag.sequence) else { return false }
      var pair = attributes.inside(attribute)
      guard let type = pair.next(Tag.objectIdentifier), isObjectIdentifier(pair.bytes[type.content]),
        let value = pair.next(), pair.isAtEnd,
        isNameValue(value.tag, pair.bytes[value.content])
      else { return false }
    }
  }
  return true
}

/// Whether OpenSSL reads an attribute's value. If it does not, it refuses the certificate, and with it
/// the whole bundle that holds it.
private func isNameValue(_ tag: UInt8, _ octets: ArraySlice<UInt8>) -> Bool {
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

private func areScalars(_ octets: ArraySlice<UInt8>, size: Int) -> Bool {
  var value: UInt32 = 0
  for (index, octet) in octets.enumerated() {
    value = value << 8 | UInt32(octet)
    if index % size == size - 1 {
      if !isScalar(value) { return false }
      value = 0
    }
  }
  return octets.count % size == 0
}

private func isUTF8(_ octets: ArraySlice<UInt8>) -> Bool {
  var rest = octets
  while let first = rest.first {
    // Nearly all of it is ASCII.
    if first < 0x80 {
      rest = rest.dropFirst()
      continue
    }
    let length = (~first).leadingZeroBitCount
    var value = UInt32(first) & 0x7F >> UInt32(length)
    for octet in rest.prefix(length).dropFirst() { value = value << 6 | UInt32(octet & 0x3F) }
    // The shortest form of what was read is what stands there, or it was something else.
    guard isScalar(value), rest.starts(with: utf8(value)) else { return false }
    rest = rest.dropFirst(length)
  }
  return true
}

private func isPublicKey(_ walk: DER) -> Bool {
  var walk = walk
  guard let algorithm = walk.next(Tag.sequence), isAlgorithm(walk.inside(algorithm)),
    let key = walk.next(Tag.bitString), isBitString(walk.bytes[key.content])
  else { return false }
  return walk.isAtEnd
}

private func isTime(_ element: DER.Element) -> Bool {
  element.tag == Tag.utcTime || element.tag == Tag.generalizedTime
}

private func areExtensions(_ walk: DER) -> Bool {
  var walk = walk
  while !walk.isAtEnd {
    guard let one = walk.next(Tag.sequence) else { return false }
    var fields = walk.inside(one)
    guard let identifier = fields.next(Tag.objectIdentifier),
      isObjectIdentifier(fields.bytes[identifier.content])
    else {
      return false
    }
    if let critical = fields.next(Tag.boolean), critical.content.count != 1 { return false }
    guard fields.next(Tag.octetString) != nil, fields.isAtEnd else { return false }
  }
  return true
}
