import Text

/// The extensions whose values are checked: libraries parse them while they load a bundle.
///
/// - Source: RFC 5280 §4.2; RFC 6960 §4.2.2.2.1; Netscape's certificate extensions.
enum KnownExtension: Sendable {
  case subjectKeyIdentifier, keyUsage, privateKeyUsagePeriod, subjectAltName, issuerAltName, basicConstraints
  case nameConstraints, crlDistributionPoints, certificatePolicies, policyMappings, authorityKeyIdentifier
  case policyConstraints, extKeyUsage, freshestCRL, inhibitAnyPolicy
  case authorityInfoAccess, subjectInfoAccess, ocspNoCheck, netscapeCertType

  @inline(never)
  init?(_ bytes: Span<UInt8>, _ identifier: Range<Int>) {
    if let number = jointNumber(bytes, identifier) {
      self.init(joint: number)
      return
    }
    let octets = bytes.extracting(identifier)
    if octets.isEqual(to: OID.authorityInfoAccess) {
      self = .authorityInfoAccess
    } else if octets.isEqual(to: OID.subjectInfoAccess) {
      self = .subjectInfoAccess
    } else if octets.isEqual(to: OID.ocspNoCheck) {
      self = .ocspNoCheck
    } else if octets.isEqual(to: OID.netscapeCertType) {
      self = .netscapeCertType
    } else {
      return nil
    }
  }

  /// - Parameter number: the last arc of an identifier under 2.5.29.
  private init?(joint number: UInt8) {
    switch number {
    case 14: self = .subjectKeyIdentifier
    case 15: self = .keyUsage
    case 16: self = .privateKeyUsagePeriod
    case 17: self = .subjectAltName
    case 18: self = .issuerAltName
    case 19: self = .basicConstraints
    case 30: self = .nameConstraints
    case 31: self = .crlDistributionPoints
    case 32: self = .certificatePolicies
    case 33: self = .policyMappings
    case 35: self = .authorityKeyIdentifier
    case 36: self = .policyConstraints
    case 37: self = .extKeyUsage
    case 46: self = .freshestCRL
    case 54: self = .inhibitAnyPolicy
    default: return nil
    }
  }

  /// GnuTLS parses these while it loads a bundle.
  var isAltName: Bool { self == .subjectAltName || self == .issuerAltName }

  /// Its name in RFC 5280's ASN.1 module.
  var name: Text {
    switch self {
    case .subjectKeyIdentifier: "subjectKeyIdentifier"
    case .keyUsage: "keyUsage"
    case .privateKeyUsagePeriod: "privateKeyUsagePeriod"
    case .subjectAltName: "subjectAltName"
    case .issuerAltName: "issuerAltName"
    case .basicConstraints: "basicConstraints"
    case .nameConstraints: "nameConstraints"
    case .crlDistributionPoints: "cRLDistributionPoints"
    case .certificatePolicies: "certificatePolicies"
    case .policyMappings: "policyMappings"
    case .authorityKeyIdentifier: "authorityKeyIdentifier"
    case .policyConstraints: "policyConstraints"
    case .extKeyUsage: "extKeyUsage"
    case .freshestCRL: "freshestCRL"
    case .inhibitAnyPolicy: "inhibitAnyPolicy"
    case .authorityInfoAccess: "authorityInfoAccess"
    case .subjectInfoAccess: "subjectInfoAccess"
    case .ocspNoCheck: "ocspNoCheck"
    case .netscapeCertType: "netscapeCertType"
    }
  }
}

/// The last arc of an identifier under id-ce, 2.5.29; nil for any other.
func jointNumber(_ bytes: Span<UInt8>, _ identifier: Range<Int>) -> UInt8? {
  let start = identifier.lowerBound
  guard identifier.count == 3, bytes[start] == 0x55, bytes[start + 1] == 0x1D, bytes[start + 2] < 0x80
  else { return nil }
  return bytes[start + 2]
}
