import Testing
import Text

@testable import Certificates

// Tests/EndToEnd/test_certificate_matrix.py shows what libraries do with each of these rows.

private func made(_ change: (inout MadeCertificate) -> Void) -> [UInt8] {
  var made = MadeCertificate()
  made.extensions = [authority(true)]
  change(&made)
  return made.der
}

/// A CA with this single additional extension.
private func with(_ number: UInt8, critical: Bool = false, _ value: [UInt8]) -> [UInt8] {
  made { $0.extensions.append(madeExtension([0x55, 0x1D, number], critical: critical, value)) }
}

private func fault(_ der: [UInt8]) -> CertificateFault? {
  do throws(CertificateFault) { _ = try Certificate(reading: der) } catch { return error }
  return nil
}

private func warnings(_ der: [UInt8]) -> [CertificateWarning]? {
  Certificate(der: der)?.warnings(now: 1_790_000_000)
}

private let null = element(0x05, [])
private let oid = element(0x06, [0x2A, 3])
private let pss: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A]
private let ecKey: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01]
private let p256 = element(0x06, [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07])
private let dsa: [UInt8] = [0x2A, 0x86, 0x48, 0xCE, 0x38, 0x04, 0x01]
private let one = element(0x02, [1])
private let point: [UInt8] = [4] + [UInt8](repeating: 1, count: 64)
private let sha256 = algorithm([0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01], null)
private let mgf1: [UInt8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x08]

private func pssSignature(
  hash: [UInt8] = sha256, mask: [UInt8] = algorithm(mgf1, sha256), salt: [UInt8] = [0x20],
  trailer: [UInt8] = []
) -> [UInt8] {
  let parameters =
    element(0xA0, hash) + element(0xA1, mask) + element(0xA2, element(0x02, salt)) + trailer
  return algorithm(pss, element(0x30, parameters))
}

private func rsa(_ modulus: [UInt8], _ exponent: [UInt8]) -> [UInt8] {
  let pair = element(0x30, element(0x02, modulus) + element(0x02, exponent))
  return key(algorithm(OIDs.rsa, null), pair)
}

private func modulus(bytes: Int) -> [UInt8] { [0x7F] + [UInt8](repeating: 1, count: bytes - 1) }

/// A Name of slightly more than 1 MiB in total.
private func longName(excess: Int) -> [UInt8] {
  let headers = Name.commonName(String(repeating: "x", count: (1 << 20) - 64)).count - ((1 << 20) - 64)
  return Name.commonName(String(repeating: "x", count: (1 << 20) - headers + excess))
}

// MARK: Used

@Test(
  arguments: [
    ("version 1", made { ($0.version, $0.extensions) = (nil, []) }),
    ("version 1, written down", made { ($0.version, $0.extensions) = (0, []) }),
    (
      "version 2 with unique identifiers",
      made {
        $0.version = 1
        $0.uniqueIdentifiers = element(0x81, [0, 1]) + element(0x82, [0, 1])
        $0.extensions = []
      }
    ),
    ("version 3 with unique identifiers", made { $0.uniqueIdentifiers = element(0x81, [0, 1]) }),
    ("a Name of 1 MiB", made { $0.subject = longName(excess: 0) }),
    ("a negative serial number", made { $0.serial = [0x80] }),
    ("no parameters", made { $0.algorithm = algorithm(OIDs.sha256WithRSA) }),
    ("an OID as parameters", made { $0.algorithm = algorithm(OIDs.sha256WithRSA, oid) }),
    ("a SEQUENCE as parameters", made { $0.algorithm = algorithm([0x2A, 3], element(0x30, one)) }),
    ("PSS", made { $0.algorithm = pssSignature() }),
    ("PSS by default", made { $0.algorithm = algorithm(pss, element(0x30, [])) }),
    ("PSS without salt", made { $0.algorithm = pssSignature(salt: [0]) }),
    ("PSS with a trailer", made { $0.algorithm = pssSignature(trailer: element(0xA3, one)) }),
    ("GeneralizedTime", made { $0.notAfter = element(0x18, "20600101000000Z") }),
    ("EC", made { $0.publicKey = key(algorithm(ecKey, p256), point) }),
    (
      "EC, brainpoolP256r1",
      made {
        let curve: [UInt8] = [0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07]
        $0.publicKey = key(algorithm(ecKey, element(0x06, curve)), point)
      }
    ),
    (
      "Ed25519", made { $0.publicKey = key(algorithm([0x2B, 0x65, 0x70]), [UInt8](repeating: 1, count: 32)) }
    ),
    ("DSA", made { $0.publicKey = key(algorithm(dsa, element(0x30, one + one + one)), one) }),
    ("DSA without parameters", made { $0.publicKey = key(algorithm(dsa), one) }),
    ("RSA of 512 bits", made { $0.publicKey = rsa([0] + [UInt8](repeating: 0xFF, count: 64), [3]) }),
    ("a key of its own kind", made { $0.publicKey = key(algorithm([0x2A, 3]), [1, 2, 3]) }),
    (
      "an extension of its own", made { $0.extensions.append(madeExtension([0x2A, 3], critical: true, [1])) }
    ),
    (
      "CA:FALSE written down",
      made { $0.extensions = [madeExtension([0x55, 0x1D, 0x13], element(0x30, [1, 1, 0]))] }
    ),
    ("a path length", with(0x0E, element(0x04, [1]))),
    ("keyUsage", with(0x0F, critical: true, element(0x03, [1, 6]))),
    (
      "a name constraint",
      with(0x1E, critical: true, element(0x30, element(0xA0, element(0x30, element(0x82, "a")))))
    ),
    ("policies", with(0x20, element(0x30, element(0x30, oid)))),
    ("a critical subjectAltName", with(0x11, critical: true, element(0x30, element(0x82, "a")))),
  ] as [(String, [UInt8])])
func aCertificateOfAFormThatIsAllowedIsUsed(name: String, der: [UInt8]) {
  #expect(fault(der) == nil, "\(name)")
  #expect(warnings(der)?.contains { if case .refused = $0 { true } else { false } } == false, "\(name)")
}

// MARK: Refused

@Test(
  arguments: [
    ("a byte behind it", made { _ in } + [0], "incomplete certificate; export it again"),
    ("version 4", made { $0.version = 3 }, "version: malformed (Java rejects the whole bundle)"),
    (
      "a version of two bytes", made { $0.versionField = element(0xA0, element(0x02, [0, 2])) },
      "version: malformed (OpenSSL"
    ),
    ("a version of 8 and nothing", made { $0.versionField = element(0xA0, [8, 0]) }, "version: malformed"),
    (
      "version 1 with extensions", made { $0.version = nil },
      "extensions: not allowed in a certificate of this version (GnuTLS and Java"
    ),
    (
      "version 2 with extensions", made { $0.version = 1 },
      "extensions: not allowed in a certificate of this version (GnuTLS and Java"
    ),
    (
      "version 1 with unique identifiers",
      made { ($0.version, $0.extensions, $0.uniqueIdentifiers) = (nil, [], element(0x81, [0, 1])) },
      "unique identifiers: not allowed in a certificate of this version (GnuTLS and Java"
    ),
    ("no serial number", made { $0.serial = [] }, "serial number: malformed (OpenSSL"),
    (
      "unused bits of none", made { $0.signatureValue = element(0x03, [7]) },
      "signature: malformed (GnuTLS and Java"
    ),
    (
      "two algorithms", made { $0.outerAlgorithm = algorithm(OIDs.sha1WithRSA, null) },
      "signature algorithm: differs inside and outside"
    ),
    (
      "one with NULL and one without", made { $0.outerAlgorithm = algorithm(OIDs.sha256WithRSA) },
      "signature algorithm: differs inside and outside of the signed part; have"
    ),
    (
      "twice the same extension", made { $0.extensions.append(authority(true)) },
      "basicConstraints: occurs twice (GnuTLS and Java reject the whole bundle); have the certificate reissued"
    ),
    (
      "twice an extension of its own",
      made { $0.extensions += [madeExtension([0x2A, 3], [1]), madeExtension([0x2A, 3], [2])] },
      "extensions: occurs twice"
    ),
    (
      "UTCTime without seconds", made { $0.notBefore = element(0x17, "2001010000Z") },
      "notBefore: not a time of the form YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ (OpenSSL"
    ),
    (
      "UTCTime with an offset", made { $0.notAfter = element(0x17, "400101000000+0000") },
      "notAfter: not a time of the form YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ (GnuTLS and Java"
    ),
    (
      "GeneralizedTime with a fraction", made { $0.notAfter = element(0x18, "20400101000000.5Z") },
      "notAfter: not a time"
    ),
    ("a time of another tag", made { $0.notAfter = element(0x0C, "400101000000Z") }, "notAfter: not a time"),
    ("a Name of more than 1 MiB", made { $0.subject = longName(excess: 1) }, "subject: malformed (OpenSSL"),
    ("a Name that is none", made { $0.issuer = element(0x30, [1, 2, 3]) }, "issuer: malformed (OpenSSL"),
    (
      "an attribute that is no string", made { $0.subject = Name.commonName("x", tag: 9) },
      "subject: malformed"
    ),
    (
      "an identifier of 80 bits",
      made { $0.extensions.append(madeExtension([UInt8](repeating: 0xFF, count: 11) + [1], [])) },
      "extensions: malformed"
    ),
    (
      "an identifier of 40 bytes",
      made { $0.extensions.append(madeExtension([UInt8](repeating: 1, count: 40), [])) },
      "extensions: unsupported (GnuTLS"
    ),
    (
      "a critical extension of revocation lists", with(0x1C, critical: true, element(0x30, [])),
      "extensions: unsupported (Java"
    ),
    (
      "101 extensions of its own",
      made { made in
        for last in 0...101 as ClosedRange<UInt8> {
          made.extensions.append(madeExtension([0x2A, last], [1]))
        }
      },
      "extensions: unsupported"
    ),
    (
      "PSS with MD5", made { $0.algorithm = pssSignature(hash: algorithm([0x2A, 3], null)) },
      "signature algorithm: parameters of tag 0x30 (Java"
    ),
    (
      "PSS with another mask", made { $0.algorithm = pssSignature(mask: algorithm([0x2A, 3], sha256)) },
      "signature algorithm: parameters of tag 0x30 (Java"
    ),
    (
      "PSS with a negative salt", made { $0.algorithm = pssSignature(salt: [0xFF]) },
      "signature algorithm: parameters of tag 0x30 (Java"
    ),
    (
      "PSS with another trailer",
      made { $0.algorithm = pssSignature(trailer: element(0xA3, element(0x02, [2]))) },
      "signature algorithm: parameters of tag 0x30"
    ),
    (
      "PSS that is a number", made { $0.algorithm = algorithm(pss, element(0x30, one)) },
      "signature algorithm: parameters of tag 0x30"
    ),
    (
      "EC without a curve", made { $0.publicKey = key(algorithm(ecKey), point) },
      "public key: malformed (Java"
    ),
    (
      "EC with a curve of numbers", made { $0.publicKey = key(algorithm(ecKey, element(0x30, one)), point) },
      "public key: malformed (Java"
    ),
    (
      "EC, a compressed point", made { $0.publicKey = key(algorithm(ecKey, p256), [2] + point[1...32]) },
      "public key: malformed (Java"
    ),
    (
      "EC, a point of another curve", made { $0.publicKey = key(algorithm(ecKey, p256), point + [1]) },
      "public key: malformed"
    ),
    (
      "Ed25519 of 31 bytes",
      made { $0.publicKey = key(algorithm([0x2B, 0x65, 0x70]), [UInt8](repeating: 1, count: 31)) },
      "public key: malformed"
    ),
    ("RSA of 504 bits", made { $0.publicKey = rsa(modulus(bytes: 63), [3]) }, "public key: malformed"),
    (
      "RSA of 16,392 bits", made { $0.publicKey = rsa([0, 0xFF] + modulus(bytes: 2048), [3]) },
      "public key: malformed"
    ),
    ("RSA with exponent 1", made { $0.publicKey = rsa(modulus(bytes: 128), [1]) }, "public key: malformed"),
    (
      "RSA with a long exponent", made { $0.publicKey = rsa(modulus(bytes: 512), modulus(bytes: 9)) },
      "public key: malformed"
    ),
    (
      "RSA with a negative modulus", made { $0.publicKey = rsa([0x80] + modulus(bytes: 127), [3]) },
      "public key: malformed"
    ),
    (
      "DSA with two numbers", made { $0.publicKey = key(algorithm(dsa, element(0x30, one + one)), one) },
      "public key: malformed"
    ),
    ("malformed basicConstraints", with(0x0E, []), "subjectKeyIdentifier: malformed; have"),
    (
      "malformed critical keyUsage", with(0x0F, critical: true, element(0x03, [7])),
      "keyUsage: malformed (Java rejects"
    ),
    (
      "a malformed critical subjectAltName", with(0x11, critical: true, element(0x30, element(0x82, ""))),
      "subjectAltName: malformed (Java"
    ),
    (
      "a critical URI without a scheme", with(0x11, critical: true, element(0x30, element(0x86, "a"))),
      "subjectAltName: malformed (Java"
    ),
    (
      "a name constraint with a scheme",
      with(0x1E, critical: true, element(0x30, element(0xA0, element(0x30, element(0x86, "http://a"))))),
      "nameConstraints: malformed (Java"
    ),
    (
      "an address without its mask",
      with(0x1E, critical: true, element(0x30, element(0xA0, element(0x30, element(0x87, [1, 2, 3, 4]))))),
      "nameConstraints: malformed"
    ),
  ] as [(String, [UInt8], String)])
func aCertificateOfAnotherFormIsRefusedWithItsField(name: String, der: [UInt8], words: String) throws {
  let found = try #require(fault(der), "\(name)")
  #expect(
    found.text.utf8.starts(with: words.utf8), "\(name): \(String(decoding: found.text.utf8, as: UTF8.self))")
}

/// Every tag for an algorithm's parameters, in each of the three places.
@Test func parametersAreNothingOrNULLOrAnOIDOrASequence() {
  let allowed: Set<UInt8> = [0x05, 0x06, 0x30]
  for tag in UInt8.min...UInt8.max where tag & 0x1F != 0x1F {
    let content: [UInt8] =
      switch tag {
      case 0x05: []
      case 0x06: [0x2A, 3]
      case 0x30: one
      default: [0, 1, 2, 3]
      }
    let parameters = element(tag, content)
    let signature = made { $0.algorithm = algorithm(OIDs.sha256WithRSA, parameters) }
    let outer = made { $0.outerAlgorithm = algorithm(OIDs.sha256WithRSA, parameters) }
    let inKey = made { $0.publicKey = key(algorithm([0x2A, 3], parameters), [1]) }
    #expect((fault(signature) == nil) == allowed.contains(tag), "\(tag)")
    #expect((fault(inKey) == nil) == allowed.contains(tag), "\(tag)")
    #expect((fault(outer) == nil) == (tag == 0x05), "\(tag)")
    for der in [signature, inKey] where !allowed.contains(tag) {
      let digits = String(tag, radix: 16)
      let words = "parameters of tag 0x\(digits.count == 1 ? "0" : "")\(digits) ("
      #expect(fault(der)?.text.utf8.contains(words.utf8) == true, "\(tag)")
    }
  }
}

// MARK: Used with a warning

@Test(
  arguments: [
    (
      "a subjectAltName of nothing", with(0x11, element(0x30, [])),
      "subjectAltName: malformed (GnuTLS rejects the whole bundle)"
    ),
    ("an empty host name", with(0x11, element(0x30, element(0x82, ""))), "subjectAltName: malformed (GnuTLS"),
    (
      "an EDIPartyName", with(0x11, element(0x30, element(0xA5, element(0xA1, element(0x0C, "x"))))),
      "subjectAltName: malformed (GnuTLS"
    ),
    ("no issuerAltName", with(0x12, [1, 2, 3]), "issuerAltName: malformed (GnuTLS"),
    ("an empty issuer", made { $0.issuer = Name.of([]) }, "issuer: empty (Java rejects the whole bundle)"),
    ("an empty subject", made { $0.subject = Name.of([]) }, "subject: empty (Java"),
  ] as [(String, [UInt8], String)])
func whatOneLibraryRefusesIsWarnedOf(name: String, der: [UInt8], words: String) throws {
  let found = try #require(warnings(der), "\(name)")
  #expect(found.contains { $0.text.utf8.starts(with: words.utf8) }, "\(name)")
}

// MARK: In a base

@Test func whatOpenSSLRefusesIsDamageAndWhatOthersRefuseIsAFault() {
  let good = pem(MadeCertificate().der)
  let rows: [(name: String, der: [UInt8], isDamage: Bool, hasFault: Bool)] = [
    ("a good one", made { _ in }, false, false),
    (
      "parameters of tag 0x10", made { $0.publicKey = key(algorithm([0x2A, 3], element(0x10, [])), [1]) },
      true, false
    ),
    (
      "NULL in a long form", made { $0.publicKey = key(algorithm([0x2A, 3], [0x05, 0x81, 0]), [1]) },
      true, false
    ),
    ("UTCTime without seconds", made { $0.notBefore = element(0x17, "2001010000Z") }, true, false),
    ("UTCTime with an offset", made { $0.notBefore = element(0x17, "200101000000+0000") }, false, true),
    ("twice the same extension", made { $0.extensions.append(authority(true)) }, false, true),
    ("two algorithms", made { $0.outerAlgorithm = algorithm(OIDs.sha1WithRSA, null) }, false, true),
    ("version 9", made { $0.version = 8 }, false, true),
    ("version 1 with extensions", made { $0.version = nil }, false, true),
    ("a long form of a short length", [0x30, 0x83, 0] + made { _ in }.dropFirst(2), false, true),
  ]
  for row in rows {
    let contents = BundleContents(reading: good + pem(row.der))
    #expect((contents.damage != nil) == row.isDamage, "\(row.name)")
    #expect((contents.fault != nil) == row.hasFault, "\(row.name)")
    #expect(contents.certificates.count == (row.isDamage ? 1 : 2), "\(row.name)")
    if let fault = contents.fault { #expect(fault.line > 3 && !fault.reason.finding.isEmpty, "\(row.name)") }
  }
}

@Test func theValuesOfABaseAreLookedAtWhenAsked() throws {
  let good = pem(MadeCertificate().der)
  #expect(BundleContents(reading: good).valueFault == nil)
  for (der, words) in [
    (made { $0.publicKey = key(algorithm(ecKey, null), point) }, "public key: malformed (Java"),
    (with(0x11, element(0x30, [])), "subjectAltName: malformed (GnuTLS"),
  ] {
    let contents = BundleContents(reading: good + pem(der))
    #expect(contents.damage == nil && contents.fault == nil)
    let fault = try #require(contents.valueFault)
    #expect(fault.line > 3 && fault.reason.finding.utf8.starts(with: words.utf8))
  }
}
