import Certificates
import Trust

/// A certificate made for a test, as small as possible: these tests check no signatures.
struct MadeCertificate {
  var serial: UInt8
  var name = "Test CA"
  /// The issuer's name; nil for the subject's.
  var issuer: String?
  /// basicConstraints; nil leaves them out.
  var isAuthority: Bool? = true
  /// The OIDs of extendedKeyUsage; nil leaves it out.
  var uses: [[UInt8]]?
  /// Makes the public key differ from those of other certificates.
  var key: UInt8 = 1
  /// A UTCTime.
  var notAfter = "400101000000Z"

  static let serverAuth: [UInt8] = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01]
  static let clientAuth: [UInt8] = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02]

  var der: [UInt8] {
    let algorithm = element(0x30, element(0x06, [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02]))
    func distinguishedName(_ name: String) -> [UInt8] {
      let commonName = element(0x30, element(0x06, [0x55, 0x04, 0x03]) + element(0x0C, bytes(name)))
      return element(0x30, element(0x31, commonName))
    }
    let subject = distinguishedName(name)
    let validity = element(
      0x30, element(0x17, bytes("200101000000Z")) + element(0x17, bytes(notAfter)))
    let publicKey = element(0x30, algorithm + element(0x03, [0, key]))
    var extensions: [UInt8] = []
    if let isAuthority {
      let value = element(0x30, isAuthority ? element(0x01, [0xFF]) : [])
      extensions += element(
        0x30, element(0x06, [0x55, 0x1D, 0x13]) + element(0x01, [0xFF]) + element(0x04, value))
      if isAuthority {
        // keyUsage with keyCertSign, and subjectKeyIdentifier.
        let usage = element(0x04, element(0x03, [1, 0x06]))
        extensions += element(0x30, element(0x06, [0x55, 0x1D, 0x0F]) + element(0x01, [0xFF]) + usage)
        extensions += element(
          0x30, element(0x06, [0x55, 0x1D, 0x0E]) + element(0x04, element(0x04, [1, 2, 3, serial])))
      }
    }
    if let uses {
      let value = element(0x30, uses.flatMap { element(0x06, $0) })
      extensions += element(0x30, element(0x06, [0x55, 0x1D, 0x25]) + element(0x04, value))
    }
    var fields = element(0xA0, element(0x02, [2])) + element(0x02, [0x40, serial]) + algorithm
    fields += distinguishedName(issuer ?? name) + validity + subject + publicKey
    if !extensions.isEmpty { fields += element(0xA3, element(0x30, extensions)) }
    return element(0x30, element(0x30, fields) + algorithm + element(0x03, [0, 1]))
  }

  var pem: [UInt8] {
    var text: [UInt8] = []
    appendCanonicalPEM(der, to: &text)
    return text
  }
}

/// The certificates with these serial numbers, in the order of the stores.
func certificates(_ serials: UInt8...) -> [Certificate] {
  made(serials.map { MadeCertificate(serial: $0) })
}

func made(_ certificates: [MadeCertificate]) -> [Certificate] {
  sorted(certificates.compactMap { Certificate(der: $0.der) })
}

/// Their PEM blocks.
func pem(_ serials: UInt8...) -> [UInt8] { serials.flatMap { MadeCertificate(serial: $0).pem } }

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

func shown(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

private func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
  let count = content.count
  if count < 0x80 { return [tag, UInt8(count)] + content }
  if count < 0x100 { return [tag, 0x81, UInt8(count)] + content }
  return [tag, 0x82, UInt8(count >> 8), UInt8(count & 0xFF)] + content
}

/// Numbers that are the same in every run (xorshift), so that a failure can be repeated.
struct SeededNumbers: RandomNumberGenerator {
  var state: UInt64 = 0x2545_F491_4F6C_DD1D

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}
