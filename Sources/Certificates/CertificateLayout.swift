import Text

/// The ranges of a certificate's fields in its DER.
///
/// - Source: RFC 5280 §4.1.
struct CertificateLayout {
  /// The certificate itself, without what may follow it.
  let whole: Range<Int>
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
  /// The contents of the SEQUENCE OF Extension; nil if there are no extensions.
  let extensions: Range<Int>?

  /// Whether the algorithm after the signed part equals the one within it.
  let hasOneAlgorithm: Bool
  /// The contents of the SEQUENCE within the signed part.
  let innerAlgorithm: Range<Int>
  /// The contents of the version's INTEGER; nil if it is left out, which means version 1.
  let version: Range<Int>?
  let hasUniqueIdentifiers: Bool
  /// The first extension that occurs twice.
  let repetition: CertificateFault?

  /// In bytes, from tag to end: OpenSSL's `X509_NAME_MAX`.
  static let longestName = 1 << 20

  /// Reads a certificate's structure.
  /// - Parameters:
  ///   - range: the certificate begins at its start and must end within it.
  ///   - isStrict: whether it must be DER; otherwise it may be anything that OpenSSL's `d2i_X509` reads.
  /// - Throws: the first field that is malformed.
  init(_ bytes: Span<UInt8>, in range: Range<Int>, isStrict: Bool) throws(CertificateFault) {
    var outer = DER(range, isStrict: isStrict)
    guard let certificate = outer.next(Tag.sequence, bytes) else { throw CertificateFault(.certificate) }
    whole = certificate.range
    var fields = outer.inside(certificate)
    guard let tbs = fields.next(Tag.sequence, bytes), let algorithm = fields.next(Tag.sequence, bytes),
      let signature = fields.next(Tag.bitString, bytes), fields.isAtEnd
    else { throw CertificateFault(.certificate) }
    try checkAlgorithm(fields.inside(algorithm), bytes, .signatureAlgorithm)
    signatureAlgorithm = algorithm.content
    if !isBitString(bytes.extracting(signature.content), isStrict: isStrict) {
      throw CertificateFault(.signature)
    }

    var walk = fields.inside(tbs)
    var version: Range<Int>?
    if walk.nextTag(bytes) == Tag.context(0) {
      guard let explicit = walk.next(bytes) else { throw CertificateFault(.version) }
      var inside = walk.inside(explicit)
      guard let number = inside.next(Tag.integer, bytes), isInteger(bytes.extracting(number.content)),
        inside.isAtEnd
      else { throw CertificateFault(.version) }
      version = number.content
    }
    self.version = version
    guard let serial = walk.next(Tag.integer, bytes), isInteger(bytes.extracting(serial.content))
    else { throw CertificateFault(.serialNumber) }
    self.serial = serial.content
    guard let inner = walk.next(Tag.sequence, bytes) else { throw CertificateFault(.signatureAlgorithm) }
    innerAlgorithm = inner.content
    hasOneAlgorithm = isSame(inner, algorithm, bytes)
    if !hasOneAlgorithm {
      try checkAlgorithm(walk.inside(inner), bytes, .signatureAlgorithm)
    }
    guard let issuer = walk.next(Tag.sequence, bytes), issuer.range.count <= Self.longestName,
      isName(walk.inside(issuer), bytes)
    else { throw CertificateFault(.issuer) }
    self.issuer = issuer.range
    guard let validity = walk.next(Tag.sequence, bytes) else { throw CertificateFault(.validity) }
    var times = walk.inside(validity)
    guard let notBefore = times.next(bytes), isTime(notBefore) else { throw CertificateFault(.notBefore) }
    guard let notAfter = times.next(bytes), isTime(notAfter), times.isAtEnd
    else { throw CertificateFault(.notAfter) }
    self.notBefore = notBefore
    self.notAfter = notAfter
    guard let subject = walk.next(Tag.sequence, bytes), subject.range.count <= Self.longestName,
      isSame(subject, issuer, bytes) || isName(walk.inside(subject), bytes)
    else { throw CertificateFault(.subject) }
    self.subject = subject.range
    guard let key = walk.next(Tag.sequence, bytes) else { throw CertificateFault(.publicKey) }
    try checkPublicKey(walk.inside(key), bytes)
    publicKey = key.range

    // issuerUniqueID and subjectUniqueID, whose contents no client uses.
    var hasUniqueIdentifiers = false
    for tag in [0x81, 0x82] as [UInt8] where walk.nextTag(bytes) == tag {
      guard let identifier = walk.next(bytes),
        isBitString(bytes.extracting(identifier.content), isStrict: isStrict)
      else { throw CertificateFault(.uniqueIdentifiers) }
      hasUniqueIdentifiers = true
    }
    self.hasUniqueIdentifiers = hasUniqueIdentifiers
    var extensions: Range<Int>?
    var repetition: CertificateFault?
    if let explicit = walk.next(Tag.context(3), bytes) {
      var inside = walk.inside(explicit)
      guard let list = inside.next(Tag.sequence, bytes), inside.isAtEnd
      else { throw CertificateFault(.extensions) }
      repetition = try checkExtensions(inside.inside(list), bytes)
      extensions = list.content
    }
    self.repetition = repetition
    self.extensions = extensions
    if !walk.isAtEnd { throw CertificateFault(.certificate) }
  }

  /// Reads a certificate that must be DER.
  /// - Throws: the first field that is malformed, and whether OpenSSL is among those that refuse it.
  static func reading(_ bytes: Span<UInt8>, in range: Range<Int>) throws(CertificateFault) -> Self {
    do throws(CertificateFault) {
      return try Self(bytes, in: range, isStrict: true)
    } catch {
      let isReadable = (try? Self(bytes, in: range, isStrict: false)) != nil
      throw isReadable ? CertificateFault(error.field, error.reason, .gnuTLSAndJava) : error
    }
  }

  /// Whether the version is 1, stated or by default.
  func isVersion1(_ bytes: Span<UInt8>) -> Bool { versionNumber(bytes) == 0 }

  /// 0 for version 1; nil for a version that does not exist.
  func versionNumber(_ bytes: Span<UInt8>) -> UInt8? {
    guard let version else { return 0 }
    return version.count == 1 && bytes[version.lowerBound] <= 2 ? bytes[version.lowerBound] : nil
  }
}

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

private func checkPublicKey(_ walk: DER, _ bytes: Span<UInt8>) throws(CertificateFault) {
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

/// Checks that OpenSSL reads a list of extensions.
/// - Returns: the first extension that occurs twice, which OpenSSL accepts.
/// - Throws: the fault if OpenSSL does not read the list.
func checkExtensions(_ walk: DER, _ bytes: Span<UInt8>) throws(CertificateFault) -> CertificateFault? {
  // A bit for each extension under 2.5.29, which nearly all extensions are.
  var seen: (UInt64, UInt64) = (0, 0)
  var others: [Range<Int>] = []
  var repetition: CertificateFault?
  var walk = walk
  while !walk.isAtEnd {
    guard let one = walk.next(Tag.sequence, bytes) else { throw CertificateFault(.extensions) }
    var fields = walk.inside(one)
    guard let identifier = fields.next(Tag.objectIdentifier, bytes)?.content,
      isObjectIdentifier(bytes.extracting(identifier), isStrict: walk.isStrict)
    else { throw CertificateFault(.extensions) }
    if let critical = fields.next(Tag.boolean, bytes), critical.content.count != 1 {
      throw CertificateFault(.extensions)
    }
    guard fields.next(Tag.octetString, bytes) != nil, fields.isAtEnd
    else { throw CertificateFault(.extensions) }

    guard let number = jointNumber(bytes, identifier) else {
      for other in others
      where identifier.count == other.count
        && bytes.extracting(identifier).begins(with: bytes.extracting(other))
      {
        repetition = repeated(bytes, identifier)
      }
      // Each of these is compared with all others, so their number is limited; no real certificate has as many.
      if others.count < 100 {
        others.append(identifier)
      } else {
        repetition = repetition ?? CertificateFault(.extensions, .unsupported, .none)
      }
      continue
    }
    let bit = UInt64(1) << UInt64(number & 63)
    if (number < 64 ? seen.0 : seen.1) & bit != 0 { repetition = repeated(bytes, identifier) }
    if number < 64 { seen.0 |= bit } else { seen.1 |= bit }
  }
  return repetition
}

private func repeated(_ bytes: Span<UInt8>, _ identifier: Range<Int>) -> CertificateFault {
  let known = KnownExtension(bytes, identifier)
  return CertificateFault(known.map { .known($0) } ?? .extensions, .repeated, .gnuTLSAndJava)
}
