import Text

extension CertificateLayout {
  /// The fault that makes GnuTLS or Java refuse the whole bundle although OpenSSL reads the certificate, as far as the
  /// structure shows it: cheap enough for every certificate of every bundle at every start.
  ///
  /// - Source: RFC 5280 §4.1.1.2 (one algorithm), §4.1.2.1 (versions), §4.1.2.5 (times), §4.2 (no extension twice);
  ///   GnuTLS's `gnutls_x509_crt_import` and Java's `X509CertImpl`, as measured.
  func structureFault(_ bytes: Span<UInt8>) -> CertificateFault? {
    guard let version = versionNumber(bytes) else {
      return CertificateFault(.version, .malformed, self.version?.count == 1 ? .java : .gnuTLSAndJava)
    }
    if extensions != nil && version < 2 {
      return CertificateFault(.extensions, .notInVersion, .gnuTLSAndJava)
    }
    if hasUniqueIdentifiers && version < 1 {
      return CertificateFault(.uniqueIdentifiers, .notInVersion, .gnuTLSAndJava)
    }
    if !hasOneAlgorithm {
      // If only the parameters differ, no library refuses the bundle; some skip the certificate.
      var (inner, outer) = (DER(innerAlgorithm, isStrict: false), DER(signatureAlgorithm, isStrict: false))
      let (one, other) = (inner.next(bytes), outer.next(bytes))
      let isNamedAlike = one.flatMap { one in other.map { isSame(one, $0, bytes) } } ?? false
      return CertificateFault(.signatureAlgorithm, .differs, isNamedAlike ? .none : .gnuTLSAndJava)
    }
    if !hasTime(bytes, notBefore) { return CertificateFault(.notBefore, .malformed, .gnuTLSAndJava) }
    if !hasTime(bytes, notAfter) { return CertificateFault(.notAfter, .malformed, .gnuTLSAndJava) }
    return repetition
  }
}

extension CertificateLayout {
  /// The first value that RFC 5280 does not allow. Java refuses the whole bundle for a key, an algorithm's parameters
  /// or a critical extension. Where another extension is malformed, OpenSSL accepts nothing that the certificate has
  /// signed.
  func valueFault(_ bytes: Span<UInt8>) -> CertificateFault? {
    var algorithm = DER(signatureAlgorithm)
    if let identifier = algorithm.next(bytes), let tag = parametersFault(algorithm, bytes, identifier) {
      return CertificateFault(.signatureAlgorithm, .parameters(tag: tag), .java)
    }
    if let fault = publicKeyFault(bytes, publicKey) { return fault }
    var walk = extensionWalk
    while let one = walk.next(bytes) {
      // GnuTLS has room for 128 digits and dots; an identifier of 31 bytes always fits.
      if one.identifier.count > 31 { return CertificateFault(.extensions, .unsupported, .gnuTLS) }
      guard let known = one.known(bytes) else {
        // Java also parses those of revocation lists.
        if one.isCritical && jointNumber(bytes, one.identifier) != nil {
          return CertificateFault(.extensions, .unsupported, .java)
        }
        continue
      }
      let isValid = known.isValid(bytes, one.value, isCritical: one.isCritical)
      if !isValid && (one.isCritical || !known.isAltName) {
        return CertificateFault(.known(known), .malformed, one.isCritical ? .java : .none)
      }
    }
    return nil
  }

  /// Its extensions, one after another.
  private var extensionWalk: ExtensionWalk { ExtensionWalk(extensions ?? 0..<0) }
}

/// Faults for which a library refuses the whole bundle, and which are tolerated because such certificates have been
/// issued.
/// - Parameters:
///   - issuer: from the Name's tag to its end; the same for `subject`.
///   - extensions: the contents of the SEQUENCE OF Extension.
func toleratedFaults(
  _ der: [UInt8], issuer: Range<Int>, subject: Range<Int>, extensions: Range<Int>
) -> [CertificateFault] {
  let bytes = der.span
  var faults: [CertificateFault] = []
  var hasCriticalAltName = false
  var walk = ExtensionWalk(extensions)
  while let one = walk.next(bytes) {
    guard let known = one.known(bytes), known.isAltName else { continue }
    if !known.isValid(bytes, one.value, isCritical: one.isCritical) {
      faults.append(CertificateFault(.known(known), .malformed, .gnuTLS))
    } else if known == .subjectAltName && one.isCritical {
      hasCriticalAltName = true
    }
  }
  // A name of two bytes is a header without contents.
  if issuer.count == 2 { faults.append(CertificateFault(.issuer, .empty, .java)) }
  if subject.count == 2 && !hasCriticalAltName { faults.append(CertificateFault(.subject, .empty, .java)) }
  return faults
}

/// A walk over the extensions of a certificate.
struct ExtensionWalk {
  struct Element {
    /// The contents of extnID's OBJECT IDENTIFIER.
    let identifier: Range<Int>
    let isCritical: Bool
    /// The contents of extnValue's OCTET STRING.
    let value: Range<Int>

    func known(_ bytes: Span<UInt8>) -> KnownExtension? { KnownExtension(bytes, identifier) }
  }

  private var walk: DER

  /// - Parameter list: the contents of the SEQUENCE OF Extension.
  init(_ list: Range<Int>) { walk = DER(list, isStrict: false) }

  mutating func next(_ bytes: Span<UInt8>) -> Element? {
    guard let one = walk.next(Tag.sequence, bytes) else { return nil }
    var fields = walk.inside(one)
    guard let identifier = fields.next(Tag.objectIdentifier, bytes) else { return nil }
    let critical = fields.next(Tag.boolean, bytes)
    guard let value = fields.next(Tag.octetString, bytes) else { return nil }
    return Element(
      identifier: identifier.content,
      isCritical: critical.map { bytes[$0.content.lowerBound] != 0 } ?? false, value: value.content)
  }
}
