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
