import Text

/// What VERIFY_X509_STRICT, which Python 3.13 and later set by default, refuses in a CA. Everything that such a CA has
/// signed is refused with it, while older Pythons and curl accept it.
///
/// - Source: OpenSSL's `check_extensions` in `x509_vfy.c` (X509_V_FLAG_X509_STRICT); Python's
///   `ssl.create_default_context`.
public enum StrictFault: Equatable, Sendable {
  case version1, basicConstraintsNotCritical, noKeyUsage, noSubjectKeyIdentifier

  var text: Text {
    switch self {
    case .version1: "version 1"
    case .basicConstraintsNotCritical: "basicConstraints not critical"
    case .noKeyUsage: "no keyUsage"
    case .noSubjectKeyIdentifier: "no subjectKeyIdentifier"
    }
  }
}

/// A missing authorityKeyIdentifier is refused as well, but not in a certificate that is trusted itself.
/// - Parameters:
///   - der: the DER of a CA.
///   - extensions: the contents of its SEQUENCE OF Extension; empty if it has none.
/// - Returns: what a strict client refuses, and whether keyUsage lacks keyCertSign, which makes every client refuse
///   what the CA has signed.
func strictFaults(_ der: [UInt8], extensions: Range<Int>) -> (faults: [StrictFault], lacksCertSign: Bool) {
  let bytes = der.span
  if extensions.isEmpty { return ([.version1], false) }
  var faults: [StrictFault] = []
  var (hasKeyUsage, lacksCertSign, hasSubjectKey) = (false, false, false)
  var walk = ExtensionWalk(extensions)
  while let one = walk.next(bytes) {
    switch one.known(bytes) {
    case .basicConstraints: if !one.isCritical { faults.append(.basicConstraintsNotCritical) }
    case .keyUsage:
      hasKeyUsage = true
      lacksCertSign = !allowsCertSign(bytes, one.value)
    case .subjectKeyIdentifier: hasSubjectKey = true
    default: break
    }
  }
  if !hasKeyUsage { faults.append(.noKeyUsage) }
  if !hasSubjectKey { faults.append(.noSubjectKeyIdentifier) }
  return (faults, lacksCertSign)
}

/// - Source: RFC 5280 §4.2.1.3: keyCertSign is bit 5.
private func allowsCertSign(_ bytes: Span<UInt8>, _ value: Range<Int>) -> Bool {
  var walk = DER(value, isStrict: false)
  guard let bits = walk.step(Tag.bitString, bytes), bits.content.count >= 2 else { return false }
  return bytes[bits.content.lowerBound + 1] & 0x04 != 0
}
