import Text

/// Object identifiers, as the octets of their contents.
enum OID {
  static let basicConstraints: [UInt8] = [0x55, 0x1D, 0x13]
  static let extendedKeyUsage: [UInt8] = [0x55, 0x1D, 0x25]
  static let anyExtendedKeyUsage: [UInt8] = [0x55, 0x1D, 0x25, 0x00]
  static let serverAuthentication: [UInt8] = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01]
  static let rsa: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]
  static let mgf1: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x08]
  static let sha1: [UInt8] = [0x2B, 0x0E, 0x03, 0x02, 0x1A]
  /// NIST's hash algorithms: 1 to 6 are SHA-2, 7 to 10 are SHA-3.
  static let sha2: [UInt8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02]
  static let ecKey: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01]
  static let dsaKey: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x38, 0x04, 0x01]
  /// 110 to 113 are X25519, X448, Ed25519 and Ed448.
  static let edwards: [UInt8] = [0x2B, 0x65]
  static let diffieHellman: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x03, 0x01]
  static let pss: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A]
  static let authorityInfoAccess: [UInt8] = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01]
  static let subjectInfoAccess: [UInt8] = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x0B]
  static let ocspNoCheck: [UInt8] = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x05]
  static let netscapeCertType: [UInt8] = [0x60, 0x86, 0x48, 0x01, 0x86, 0xF8, 0x42, 0x01, 0x01]
  static let pkcs1: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01]
  static let signedData: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02]
  static let pkcs7: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07]
  static let pkcs5: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05]
  static let pkcs12: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C]
  static let dsaWithSHA1: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x38, 0x04, 0x03]
  static let ecdsaWithSHA1: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x01]
  /// Defined by the Open Systems Implementers' Workshop before PKCS #1.
  static let oiwMD5WithRSA: [UInt8] = [0x2B, 0x0E, 0x03, 0x02, 0x03]
  static let oiwDSAWithSHA1: [UInt8] = [0x2B, 0x0E, 0x03, 0x02, 0x1B]
  static let oiwSHA1WithRSA: [UInt8] = [0x2B, 0x0E, 0x03, 0x02, 0x1D]
}

extension OID {
  /// The size in bytes of a coordinate on a curve; nil for a curve that Java does not know.
  ///
  /// - Source: SEC 2 and RFC 5639, without curves that no CA uses.
  static func sizeOfField(of curve: Span<UInt8>) -> Int? {
    guard curve.count > 1 else { return nil }
    let last = curve[curve.count - 1]
    func isBelow(_ parent: [UInt8]) -> Bool {
      curve.count == parent.count + 1 && curve.begins(with: parent)
    }
    if isBelow([0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01]) { return last == 1 ? 24 : last == 7 ? 32 : nil }
    if isBelow([0x2B, 0x81, 0x04, 0x00]) {
      return switch last {
      case 10: 32  // secp256k1
      case 33: 28
      case 34: 48
      case 35: 66
      default: nil
      }
    }
    guard isBelow([0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01]) else { return nil }
    return switch last {
    case 1: 20  // brainpoolP160r1
    case 3: 24
    case 5: 28
    case 7: 32
    case 9: 40
    case 11: 48
    case 13: 64
    default: nil
    }
  }
}

/// Whether the octets form an object identifier: complete, with each arc as short as possible.
/// - Parameter isStrict: whether each arc must fit in 63 bits, as GnuTLS requires.
@inline(__always)
func isObjectIdentifier(_ octets: Span<UInt8>, isStrict: Bool = true) -> Bool {
  // The usual case: identifiers of names and extensions have three octets.
  octets.count == 3 && octets[0] | octets[1] | octets[2] < 0x80
    || isAnyObjectIdentifier(octets, isStrict: isStrict)
}

@inline(never)
private func isAnyObjectIdentifier(_ octets: Span<UInt8>, isStrict: Bool) -> Bool {
  // The usual case. Without it a start with 120 certificates takes 21,000 instructions more.
  if hasNoPadding(octets) && octets[octets.count - 1] < 0x80 { return true }
  var arcCount = 0
  for index in octets.indices {
    // The usual case: an arc of one octet, or the last octet of an arc.
    if octets[index] < 0x80 {
      arcCount = 0
      continue
    }
    if arcCount == 0 && octets[index] == 0x80 { return false }
    arcCount += 1
    if arcCount == 9 && isStrict { return false }
  }
  return arcCount == 0 && !octets.isEmpty
}

/// Whether none of four to eight octets, or of nine whose first is an arc of its own, is leading padding of an arc.
/// They are too few for an arc of nine octets.
private func hasNoPadding(_ octets: Span<UInt8>) -> Bool {
  let bytes = octets.bytes
  switch octets.count {
  case 4...8:
    let first = UInt64(bytes.unsafeLoadUnaligned(as: UInt32.self)) << 32
    let last = bytes.unsafeLoadUnaligned(fromByteOffset: octets.count - 4, as: UInt32.self)
    return !hasOctet0x80(first | UInt64(last))
  case 9 where octets[0] < 0x80:
    return !hasOctet0x80(bytes.unsafeLoadUnaligned(fromByteOffset: 1, as: UInt64.self))
  default: return false
  }
}

private func hasOctet0x80(_ octets: UInt64) -> Bool {
  let zeros = octets ^ 0x8080_8080_8080_8080
  return (zeros &- 0x0101_0101_0101_0101) & ~zeros & 0x8080_8080_8080_8080 != 0
}
