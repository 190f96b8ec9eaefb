@testable import Certificates

/// A certificate assembled field by field, so that tests can make one that no tool would.
///
/// The tests check no signature; it is one byte.
struct MadeCertificate {
  var version: UInt8? = 2
  /// Replaces the whole field of the version.
  var versionField: [UInt8]?
  var serial: [UInt8] = [0x01]
  var signature: [UInt8] = OIDs.sha256WithRSA
  var issuer = Name.commonName("Test CA")
  var subject = Name.commonName("Test CA")
  var notBefore = element(0x17, "200101000000Z")
  var notAfter = element(0x17, "400101000000Z")
  var publicKey = rsaKey(bits: 2048)
  /// Replaces `signature` in both places, or only in the one after the signed part.
  var algorithm: [UInt8]?
  var outerAlgorithm: [UInt8]?
  /// Inserted before the extensions, from tag to end.
  var uniqueIdentifiers: [UInt8] = []
  var signatureValue: [UInt8] = element(0x03, [0, 1])
  /// Complete Extensions.
  var extensions: [[UInt8]] = [authority(true), certSign, keyIdentifier]

  var der: [UInt8] {
    let algorithm = algorithm ?? element(0x30, element(0x06, signature) + element(0x05, []))
    var fields: [UInt8] = []
    if let versionField {
      fields += versionField
    } else if let version {
      fields += element(0xA0, element(0x02, [version]))
    }
    fields += element(0x02, serial) + algorithm + issuer
    fields += element(0x30, notBefore + notAfter) + subject + publicKey + uniqueIdentifiers
    if !extensions.isEmpty { fields += element(0xA3, element(0x30, extensions.flatMap { $0 })) }
    return element(0x30, element(0x30, fields) + (outerAlgorithm ?? algorithm) + signatureValue)
  }

  /// A certificate whose DER differs from that of every other number.
  static func numbered(_ number: UInt8) -> MadeCertificate {
    var made = MadeCertificate()
    made.serial = [0x40, number]
    return made
  }
}

enum OIDs {
  static let rsa: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01]
  static let md5WithRSA: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x04]
  static let sha1WithRSA: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x05]
  static let sha256WithRSA: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B]
  static let ecdsaWithSHA1: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x01]
  static let ecdsaWithSHA256: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02]
  static let signedData: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02]
  static let data: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01]
  static let serverAuth: [UInt8] = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01]
  static let clientAuth: [UInt8] = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02]
  static let anyUse: [UInt8] = [0x55, 0x1D, 0x25, 0x00]
}

/// A Name, including its tag.
enum Name {
  static func commonName(_ text: String, tag: UInt8 = 0x0C) -> [UInt8] {
    of([[([0x55, 0x04, 0x03], tag, [UInt8](text.utf8))]])
  }

  /// A list of RDNs, each a list of attributes: type, tag of the value, value.
  static func of(_ parts: [[(type: [UInt8], tag: UInt8, value: [UInt8])]]) -> [UInt8] {
    element(
      0x30,
      parts.flatMap { part in
        element(
          0x31, part.flatMap { element(0x30, element(0x06, $0.type) + element($0.tag, $0.value)) })
      })
  }
}

/// An element with a DER length.
func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
  let count = content.count
  if count < 0x80 { return [tag, UInt8(count)] + content }
  var length: [UInt8] = []
  var rest = count
  while rest > 0 {
    length.insert(UInt8(rest & 0xFF), at: 0)
    rest >>= 8
  }
  return [tag, 0x80 | UInt8(length.count)] + length + content
}

func element(_ tag: UInt8, _ text: String) -> [UInt8] { element(tag, [UInt8](text.utf8)) }

func rsaKey(bits: Int) -> [UInt8] {
  var modulus = [UInt8](repeating: 0x55, count: (bits + 7) / 8)
  modulus[0] = UInt8(1 << ((bits - 1) % 8))
  let number = element(0x02, modulus[0] & 0x80 == 0 ? modulus : [0] + modulus)
  let key = element(0x30, number + element(0x02, [1, 0, 1]))
  return element(
    0x30, element(0x30, element(0x06, OIDs.rsa) + element(0x05, [])) + element(0x03, [0] + key))
}

/// basicConstraints, marked critical.
func authority(_ isAuthority: Bool) -> [UInt8] {
  let value = element(0x30, isAuthority ? element(0x01, [0xFF]) : [])
  return element(
    0x30, element(0x06, [0x55, 0x1D, 0x13]) + element(0x01, [0xFF]) + element(0x04, value))
}

/// keyUsage: keyCertSign and cRLSign, critical.
let certSign = keyUsage(0x06)

func keyUsage(_ bits: UInt8) -> [UInt8] {
  element(
    0x30,
    element(0x06, [0x55, 0x1D, 0x0F]) + element(0x01, [0xFF]) + element(0x04, element(0x03, [1, bits])))
}

/// subjectKeyIdentifier.
let keyIdentifier = element(
  0x30, element(0x06, [0x55, 0x1D, 0x0E]) + element(0x04, element(0x04, [1, 2, 3, 4])))

/// extendedKeyUsage.
func uses(_ identifiers: [[UInt8]]) -> [UInt8] {
  let list = element(0x30, identifiers.flatMap { element(0x06, $0) })
  return element(0x30, element(0x06, [0x55, 0x1D, 0x25]) + element(0x04, list))
}

/// An Extension.
func madeExtension(_ identifier: [UInt8], critical: Bool = false, _ value: [UInt8]) -> [UInt8] {
  element(
    0x30,
    element(0x06, identifier) + (critical ? element(0x01, [0xFF]) : []) + element(0x04, value))
}

/// An AlgorithmIdentifier.
func algorithm(_ identifier: [UInt8], _ parameters: [UInt8] = []) -> [UInt8] {
  element(0x30, element(0x06, identifier) + parameters)
}

/// A SubjectPublicKeyInfo.
func key(_ algorithm: [UInt8], _ bits: [UInt8]) -> [UInt8] {
  element(0x30, algorithm + element(0x03, [0] + bits))
}

/// A SignedData that contains only certificates.
func signedData(_ certificates: [[UInt8]]) -> [UInt8] {
  let content = element(0x30, element(0x06, OIDs.data))
  let signed =
    element(0x02, [1]) + element(0x31, []) + content
    + element(0xA0, certificates.flatMap { $0 }) + element(0x31, [])
  return element(0x30, element(0x06, OIDs.signedData) + element(0xA0, element(0x30, signed)))
}

/// A PEM block, written by code independent of the code under test.
func pem(
  _ der: [UInt8], _ label: String = "CERTIFICATE", columns: Int = 64, ending: String = "\n"
) -> [UInt8] {
  let alphabet = [UInt8]("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var digits: [UInt8] = []
  for start in stride(from: 0, to: der.count, by: 3) {
    let group = Array(der[start..<min(start + 3, der.count)])
    let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
    for place in 0..<4 {
      digits.append(
        place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
    }
  }
  var lines = ["-----BEGIN \(label)-----"]
  for start in stride(from: 0, to: digits.count, by: columns) {
    lines.append(
      String(decoding: digits[start..<min(start + columns, digits.count)], as: UTF8.self))
  }
  lines.append("-----END \(label)-----")
  return lines.flatMap { [UInt8]($0.utf8) + [UInt8](ending.utf8) }
}

func bytes(_ text: String) -> [UInt8] { [UInt8](text.utf8) }

/// Numbers that are the same in every run (SplitMix64), so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// The DER of each certificate of a bundle.
func ders(in contents: BundleContents) -> [[UInt8]] {
  contents.certificates.map { contents.der(of: $0) }
}
