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
  /// The contents of the SEQUENCE OF Extension; nil where there is none.
  let extensions: Range<Int>?

  /// Whether the algorithm behind the signed part is the one within it.
  let hasOneAlgorithm: Bool
  /// The contents of the SEQUENCE within.
  let innerAlgorithm: Range<Int>
  /// The contents of the version's INTEGER; nil where it is not written down, which means version 1.
  let version: Range<Int>?
  let hasUniqueIdentifiers: Bool
  /// An extension that occurs twice.
  let repetition: CertificateFault?

  /// In bytes, from tag to end: OpenSSL's `X509_NAME_MAX`.
  static let longestName = 1 << 20

  /// Reads a certificate's structure.
  /// - Parameters:
  ///   - range: where in `bytes` it begins, and what it must not go beyond.
  ///   - isStrict: whether it must be DER, or only what OpenSSL's `d2i_X509` takes.
  /// - Throws: the first field that is not as it must be.
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

    // issuerUniqueID and subjectUniqueID, which nobody reads.
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

  /// Reads DER as it must be.
  /// - Throws: the first field that is not, and whether OpenSSL is among those who mind.
  static func reading(_ bytes: Span<UInt8>, in range: Range<Int>) throws(CertificateFault) -> Self {
    do throws(CertificateFault) {
      return try Self(bytes, in: range, isStrict: true)
    } catch {
      let isReadable = (try? Self(bytes, in: range, isStrict: false)) != nil
      throw isReadable ? CertificateFault(error.field, error.reason, .gnuTLSAndJava) : error
    }
  }

  /// Of version 1, whether that is written down or not.
  func isVersion1(_ bytes: Span<UInt8>) -> Bool { versionNumber(bytes) == 0 }

  /// 0 for version 1; nil where there is no such version.
  func versionNumber(_ bytes: Span<UInt8>) -> UInt8? {
    guard let version else { return 0 }
    return version.count == 1 && bytes[version.lowerBound] <= 2 ? bytes[version.lowerBound] : nil
  }
}

/// Whether two elements hold the same bytes, as the names of a self-issued certificate do.
func isSame(_ one: DER.Element, _ other: DER.Element, _ bytes: Span<UInt8>) -> Bool {
  let count = one.content.count
  if count != other.content.count { return false }
  precondition(one.content.upperBound <= bytes.count && other.content.upperBound <= bytes.count)
  return bytes.withUnsafeBytes { bytes in
    // In bounds: `count` bytes are in each of the two.
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

/// Whether OpenSSL reads an AlgorithmIdentifier. If it does not, it refuses the whole bundle.
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

/// Whether OpenSSL reads an algorithm's parameters, whose type may be any. Strings in pieces, which it would
/// gather, are taken for something that it does not read: nobody writes them.
/// - Source: OpenSSL's `asn1_d2i_ex_primitive` and `asn1_ex_c2i`.
private func isParameter(_ tag: UInt8, _ octets: Span<UInt8>) -> Bool {
  if tag == Tag.sequence || tag == Tag.set || tag & 0xC0 != 0 { return true }
  if tag & 0x20 != 0 { return false }
  return switch tag {
  // A SEQUENCE and a SET are constructed.
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

/// - Parameter isStrict: whether bits may be said to be unused only where there are any, as X.690 §8.6.2.3 says.
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

/// Whether an attribute's value is a string, or at least something that OpenSSL reads. If it does not, it refuses the
/// certificate, and with it the whole bundle that holds it.
/// - Source: OpenSSL's `B_ASN1_PRINTABLE`, which includes the tags that it has no name for.
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

private func checkPublicKey(_ walk: DER, _ bytes: Span<UInt8>) throws(CertificateFault) {
  var walk = walk
  guard let algorithm = walk.next(Tag.sequence, bytes) else { throw CertificateFault(.publicKey) }
  try checkAlgorithm(walk.inside(algorithm), bytes, .publicKey)
  guard let key = walk.next(Tag.bitString, bytes), isBitString(bytes.extracting(key.content)), walk.isAtEnd
  else { throw CertificateFault(.publicKey) }
}

/// OpenSSL 3.3 and later ask for the seconds and one character more.
func isTime(_ element: DER.Element) -> Bool {
  element.tag == Tag.utcTime
    ? element.content.count >= 13 : element.tag == Tag.generalizedTime && element.content.count >= 15
}

/// Whether OpenSSL reads a list of extensions.
/// - Returns: one that occurs twice, which OpenSSL does not mind.
/// - Throws: where it does not.
func checkExtensions(_ walk: DER, _ bytes: Span<UInt8>) throws(CertificateFault) -> CertificateFault? {
  // A bit for each of the joint ISO and ITU's extensions, as nearly all are.
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
      // Each is compared with all: so many are looked at, and nobody has as many.
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
