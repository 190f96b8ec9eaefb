import Text

/// Whether OpenSSL reads a certificate revocation list. If it does not, it refuses the whole bundle that contains it.
///
/// - Source: RFC 5280 §5.1; OpenSSL's `d2i_X509_CRL`, which reads BER.
@inline(never)
func isRevocationList(_ bytes: Span<UInt8>, in range: Range<Int>) -> Bool {
  var outer = DER(range, isStrict: false)
  guard let list = outer.step(Tag.sequence, bytes) else { return false }
  var parts = outer.inside(list)
  guard let signed = parts.step(Tag.sequence, bytes), let algorithm = parts.step(Tag.sequence, bytes),
    isAlgorithm(parts.inside(algorithm), bytes), let signature = parts.step(Tag.bitString, bytes),
    isBitString(bytes.extracting(signature.content)), parts.isAtEnd
  else { return false }

  var walk = parts.inside(signed)
  if walk.nextTag(bytes) == Tag.integer {
    guard let version = walk.step(bytes), isInteger(bytes.extracting(version.content)) else { return false }
  }
  guard let inner = walk.step(Tag.sequence, bytes), isAlgorithm(walk.inside(inner), bytes),
    let issuer = walk.step(Tag.sequence, bytes), issuer.range.count <= CertificateLayout.longestName,
    isName(walk.inside(issuer), bytes), let update = walk.step(bytes), isTime(update)
  else { return false }
  if walk.nextTag(bytes) == Tag.utcTime || walk.nextTag(bytes) == Tag.generalizedTime {
    guard let next = walk.step(bytes), isTime(next) else { return false }
  }
  if walk.nextTag(bytes) == Tag.sequence {
    guard let revoked = walk.step(bytes), areRevoked(walk.inside(revoked), bytes) else { return false }
  }
  if walk.nextTag(bytes) == Tag.context(0) {
    guard let explicit = walk.step(bytes) else { return false }
    var inside = walk.inside(explicit)
    guard let extensions = inside.step(Tag.sequence, bytes), inside.isAtEnd,
      areExtensions(inside.inside(extensions), bytes), areKnownValues(bytes, extensions.content)
    else { return false }
  }
  return walk.isAtEnd
}

/// Whether the values of the list's own extensions are well-formed: otherwise OpenSSL 4.0 refuses the list.
/// - Source: RFC 5280 §5.2.1, §5.2.3, §5.2.4 and §5.2.5.
private func areKnownValues(_ bytes: Span<UInt8>, _ extensions: Range<Int>) -> Bool {
  var walk = ExtensionWalk(extensions)
  while let one = walk.next(bytes) {
    var value = DER(one.value, isStrict: false)
    let isValid =
      switch jointNumber(bytes, one.identifier) {
      case 20, 27:
        value.step(Tag.integer, bytes).map { isInteger(bytes.extracting($0.content)) } ?? false
      case 28: value.nextTag(bytes) == Tag.sequence && isNested(bytes, one.value)
      case 35: KnownExtension.authorityKeyIdentifier.isValid(bytes, one.value, isCritical: false)
      default: true
      }
    if !isValid { return false }
  }
  return true
}

private func areRevoked(_ walk: DER, _ bytes: Span<UInt8>) -> Bool {
  var walk = walk
  while !walk.isAtEnd {
    guard let one = walk.step(Tag.sequence, bytes) else { return false }
    var fields = walk.inside(one)
    guard let serial = fields.step(Tag.integer, bytes), isInteger(bytes.extracting(serial.content)),
      let time = fields.step(bytes), isTime(time)
    else { return false }
    if fields.isAtEnd { continue }
    guard let extensions = fields.step(Tag.sequence, bytes), fields.isAtEnd,
      areExtensions(fields.inside(extensions), bytes)
    else { return false }
  }
  return true
}

private func isAlgorithm(_ walk: DER, _ bytes: Span<UInt8>) -> Bool {
  do throws(CertificateFault) { try checkAlgorithm(walk, bytes, .signatureAlgorithm) } catch { return false }
  return true
}

private func areExtensions(_ walk: DER, _ bytes: Span<UInt8>) -> Bool {
  do throws(CertificateFault) { _ = try checkExtensions(walk, bytes) } catch { return false }
  return true
}
