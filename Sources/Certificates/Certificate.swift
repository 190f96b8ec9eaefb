import Text

/// An X.509 certificate: complete DER with nothing after it.
///
/// Its DER identifies it. Serial numbers that are negative or used twice, empty subjects, and several CAs of
/// one name all exist in real stores, and are fine.
/// - Source: RFC 5280 §4.1.
public final class Certificate: Sendable {
  public let der: [UInt8]
  public let fingerprint: Fingerprint
  /// Seconds since the epoch.
  public let notBefore: Int64
  public let notAfter: Int64
  /// Whether it may sign other certificates: basicConstraints say so, or it is a self-issued version 1 certificate,
  /// which cannot have extensions.
  public let isAuthority: Bool
  /// Whether its uses are unrestricted, or include TLS servers.
  public let allowsServerAuthentication: Bool
  private let fields: Fields

  /// The ranges of the fields in use. Kept small, as a file may contain very many certificates.
  private struct Fields {
    struct Place {
      private let start: UInt32
      private let end: UInt32

      init(_ range: Range<Int>) {
        start = UInt32(truncatingIfNeeded: range.lowerBound)
        end = UInt32(truncatingIfNeeded: range.upperBound)
      }

      var range: Range<Int> { Int(start)..<Int(end) }
    }

    let serial: Place
    let signatureAlgorithm: Place
    let issuer: Place
    let subject: Place
    let publicKey: Place
    /// Empty if there are none.
    let extensions: Place

    init(_ layout: CertificateLayout) {
      serial = Place(layout.serial)
      signatureAlgorithm = Place(layout.signatureAlgorithm)
      issuer = Place(layout.issuer)
      subject = Place(layout.subject)
      publicKey = Place(layout.publicKey)
      extensions = Place(layout.extensions ?? 0..<0)
    }
  }

  private init(_ der: [UInt8], _ layout: CertificateLayout, notBefore: Int64, notAfter: Int64) {
    self.der = der
    self.notBefore = notBefore
    self.notAfter = notAfter
    fields = Fields(layout)
    fingerprint = Fingerprint(of: der)
    let isSelfIssued = der[layout.issuer] == der[layout.subject]
    isAuthority =
      layout.extensions.flatMap { saysAuthority(der.span, $0) }
      ?? (layout.isVersion1(der.span) && isSelfIssued)
    allowsServerAuthentication = layout.extensions.map { allowsServers(der.span, $0) } ?? true
  }

  /// - Throws: the fault that some client would not accept.
  public convenience init(reading der: [UInt8]) throws(CertificateFault) {
    // Everything that can fail comes before the object exists: Embedded Swift does not free one whose initializer
    // throws.
    let layout = try CertificateLayout.reading(der.span, in: 0..<der.count)
    if layout.whole.count != der.count || der.count > Int32.max { throw CertificateFault(.certificate) }
    if let fault = layout.structureFault(der.span) ?? layout.valueFault(der.span) { throw fault }
    guard let notBefore = seconds(der.span, layout.notBefore),
      let notAfter = seconds(der.span, layout.notAfter)
    else { throw CertificateFault(.validity) }
    self.init(der, layout, notBefore: notBefore, notAfter: notAfter)
  }

  /// - Returns: nil if the certificate has a fault.
  public convenience init?(der: [UInt8]) {
    do throws(CertificateFault) { try self.init(reading: der) } catch { return nil }
  }

  public var subjectText: Text { distinguishedName(der, in: fields.subject.range) }
  public var issuerText: Text { distinguishedName(der, in: fields.issuer.range) }

  /// Whether subject and issuer are the same.
  @inline(never)
  public var isSelfIssued: Bool { issuerDER == subjectDER }

  public var subjectDER: ArraySlice<UInt8> { der[fields.subject.range] }
  public var issuerDER: ArraySlice<UInt8> { der[fields.issuer.range] }
  /// The contents of the serial number's INTEGER.
  public var serialDER: ArraySlice<UInt8> { der[fields.serial.range] }
  /// The SubjectPublicKeyInfo.
  public var publicKeyDER: ArraySlice<UInt8> { der[fields.publicKey.range] }

  /// Lower-case hex digits without leading zeros, with a minus sign before a negative one.
  public var serialHex: Text {
    let isNegative = (serialDER.first ?? 0) & 0x80 != 0
    // The magnitude of a negative number in two's complement is its complement plus one.
    var magnitude = Array(serialDER)
    if isNegative {
      var carry: UInt16 = 1
      for index in magnitude.indices.reversed() {
        carry += UInt16(~magnitude[index])
        magnitude[index] = UInt8(truncatingIfNeeded: carry)
        carry >>= 8
      }
    }
    let digits = hexDigits(of: magnitude[...])
    let significant = digits.drop { $0 == UInt8(ascii: "0") }
    return (isNegative ? "-" : "")
      + Text(utf8: significant.isEmpty ? [UInt8(ascii: "0")] : Array(significant))
  }

  /// Problems that do not keep it from being used.
  /// - Parameter now: seconds since the epoch.
  public func warnings(now: Int64) -> [CertificateWarning] {
    var warnings: [CertificateWarning] = []
    if !isAuthority { warnings.append(.notAuthority) }
    if !allowsServerAuthentication { warnings.append(.otherUsage) }
    if notAfter < now { warnings.append(.expired) }
    if notBefore > now { warnings.append(.notYetValid) }
    if let bits = rsaBits(der, fields.publicKey.range), bits < 2048 {
      warnings.append(.shortRSAKey(bits: bits))
    }
    if !isSelfIssued && hasWeakSignature(der, fields.signatureAlgorithm.range) {
      warnings.append(.weakSignature)
    }
    if isAuthority {
      let (faults, lacksCertSign) = strictFaults(der, extensions: fields.extensions.range)
      if lacksCertSign {
        warnings.append(.noCertSign)
      } else if !faults.isEmpty {
        warnings.append(.refusedByStrict(faults))
      }
    }
    let (issuer, subject) = (fields.issuer.range, fields.subject.range)
    for fault in toleratedFaults(der, issuer: issuer, subject: subject, extensions: fields.extensions.range) {
      warnings.append(.refused(fault))
    }
    return warnings
  }
}

/// What is wrong with a certificate that is used all the same.
public indirect enum CertificateWarning: Equatable, Sendable {
  case notAuthority, otherUsage, expired, notYetValid, weakSignature
  case shortRSAKey(bits: Int)
  /// It is a CA, but its keyUsage does not allow it to sign certificates.
  case noCertSign
  case refusedByStrict([StrictFault])
  /// A library refuses the whole bundle because of it.
  case refused(CertificateFault)

  public var text: Text {
    switch self {
    case .notAuthority: "not a CA, so clients trust only this certificate; mount the CA that issued it"
    case .otherUsage: "extended key usage lacks serverAuth, so clients reject what it signs; have it reissued"
    case .expired: "expired"
    case .notYetValid: "not yet valid"
    case .weakSignature: "signed with MD5 or SHA-1, which clients reject; have it reissued"
    case .refused(let fault): fault.text
    case .shortRSAKey(let bits):
      "RSA key of \(bits) bits, and clients require at least 2048; have it reissued"
    case .noCertSign: "keyUsage lacks keyCertSign, so every client rejects what it signs; have it reissued"
    case .refusedByStrict(let faults):
      "rejected by Python 3.13 and later (\(faults.map { $0.text }.joined(by: ", "))); mount the issuing CA beside the root, or have it reissued"
    }
  }
}

// MARK: Extensions

/// The CA flag of basicConstraints; nil if the extension is absent.
private func saysAuthority(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool? {
  guard let value = value(of: OID.basicConstraints, bytes, range) else { return nil }
  var outer = DER(value)
  guard let sequence = outer.step(Tag.sequence, bytes) else { return false }
  var fields = outer.inside(sequence)
  guard let authority = fields.step(Tag.boolean, bytes) else { return false }
  return authority.content.count == 1 && bytes[authority.content.lowerBound] != 0
}

private func allowsServers(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
  guard let value = value(of: OID.extendedKeyUsage, bytes, range) else { return true }
  var outer = DER(value)
  guard let sequence = outer.step(Tag.sequence, bytes) else { return false }
  return allowsServerAuth(outer.inside(sequence), bytes)
}

/// Whether a list of uses includes TLS servers.
func allowsServerAuth(_ walk: DER, _ bytes: Span<UInt8>) -> Bool {
  var walk = walk
  while let use = walk.step(Tag.objectIdentifier, bytes) {
    let identifier = bytes.extracting(use.content)
    if identifier.isEqual(to: OID.serverAuthentication)
      || identifier.isEqual(to: OID.anyExtendedKeyUsage)
    {
      return true
    }
  }
  return false
}

/// The range of an extension's value.
private func value(of identifier: [UInt8], _ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int>? {
  var walk = DER(range)
  while let one = walk.step(Tag.sequence, bytes) {
    var fields = walk.inside(one)
    guard let name = fields.step(Tag.objectIdentifier, bytes),
      bytes.extracting(name.content).isEqual(to: identifier)
    else { continue }
    _ = fields.skip(Tag.boolean, bytes)
    return fields.step(Tag.octetString, bytes)?.content
  }
  return nil
}

// MARK: Keys and signatures

/// The size of an RSA key; nil for any other.
/// - Source: RFC 8017 §A.1.1.
@inline(never)
private func rsaBits(_ der: [UInt8], _ range: Range<Int>) -> Int? {
  let bytes = der.span
  var outer = DER(range)
  guard let info = outer.step(Tag.sequence, bytes) else { return nil }
  var fields = outer.inside(info)
  guard let algorithm = fields.step(Tag.sequence, bytes), let key = fields.step(Tag.bitString, bytes)
  else { return nil }
  var inside = fields.inside(algorithm)
  guard let name = inside.step(Tag.objectIdentifier, bytes),
    bytes.extracting(name.content).begins(with: OID.pkcs1)
  else { return nil }
  var keyWalk = DER(key.content.dropFirst(), isStrict: false)
  guard let pair = keyWalk.step(Tag.sequence, bytes) else { return nil }
  var numbers = keyWalk.inside(pair)
  guard let modulus = numbers.step(Tag.integer, bytes) else { return nil }
  return bitCount(bytes, modulus)
}

/// Whether the signature is made with MD2, MD4, MD5 or SHA-1.
private func hasWeakSignature(_ der: [UInt8], _ range: Range<Int>) -> Bool {
  let bytes = der.span
  var walk = DER(range)
  guard let name = walk.step(Tag.objectIdentifier, bytes) else { return false }
  let identifier = bytes.extracting(name.content)
  if identifier.count == OID.pkcs1.count + 1 && identifier.begins(with: OID.pkcs1) {
    // 2 to 5: MD2, MD4, MD5 and SHA-1 with RSA; 10: RSASSA-PSS, whose hash is SHA-1 if none is named.
    let last = identifier[identifier.count - 1]
    return (2...5).contains(last) || (last == 10 && hasDefaultHash(walk, bytes))
  }
  let others = [
    OID.dsaWithSHA1, OID.ecdsaWithSHA1, OID.oiwMD5WithRSA, OID.oiwDSAWithSHA1, OID.oiwSHA1WithRSA,
  ]
  for other in others where identifier.isEqual(to: other) { return true }
  return false
}

private func hasDefaultHash(_ walk: DER, _ bytes: Span<UInt8>) -> Bool {
  var walk = walk
  guard let parameters = walk.step(Tag.sequence, bytes) else { return true }
  return walk.inside(parameters).nextTag(bytes) != Tag.context(0)
}
