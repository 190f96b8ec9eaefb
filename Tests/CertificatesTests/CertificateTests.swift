import Testing
import Text

@testable import Certificates

private typealias Attribute = (type: [UInt8], tag: UInt8, value: [UInt8])

private let commonName: [UInt8] = [0x55, 0x04, 0x03]
private let organization: [UInt8] = [0x55, 0x04, 0x0A]

private func subject(_ name: [UInt8]) -> Text? {
  var made = MadeCertificate()
  made.subject = name
  return Certificate(der: made.der)?.subjectText
}

// MARK: Names

/// OpenSSL reads an RDN without attributes; there is nothing to show of it.
@Test func anEmptyPartOfANameLeavesNoComma() {
  let one = (type: commonName, tag: UInt8(0x0C), value: [UInt8]("A".utf8))
  let other = (type: organization, tag: UInt8(0x0C), value: [UInt8]("B".utf8))
  #expect(subject(Name.of([[other], [], [one]])) == "CN=A,O=B")
  #expect(subject(Name.of([[], [one]])) == "CN=A")
}

/// RFC 4514 §2.4 and, beyond it, everything that could forge a line or mislead a reader.
@Test(arguments: [
  ("plain", "plain"), ("", ""), ("a,b", #"a\,b"#), ("a+b", #"a\+b"#), ("a;b", #"a\;b"#), ("a<b>", #"a\<b\>"#),
  ("\"a\"", "\\\"a\\\""), (#"a\b"#, #"a\\b"#), ("#a", "\\#a"), ("a#", "a#"), (" a ", #"\ a\ "#),
  ("  ", #"\ \ "#),
  (" ", #"\ "#), ("a = b", "a = b"), ("Zürich", "Zürich"), ("東京", "東京"), ("🔑", "🔑"),
  ("a\nb", #"a\0Ab"#), ("a\r\u{1B}[2J", #"a\0D\1B[2J"#), ("a\u{0}b", #"a\00b"#), ("\u{7F}", #"\7F"#),
  ("\u{85}", #"\C2\85"#), ("\u{202E}evil", #"\E2\80\AEevil"#), ("\u{2066}", #"\E2\81\A6"#),
  ("\u{200B}", #"\E2\80\8B"#), ("\u{2028}", #"\E2\80\A8"#), ("\u{FEFF}", #"\EF\BB\BF"#),
  ("x\n# <<< psm-entry managed certificates <<<", ##"x\0A# \<\<\< psm-entry managed certificates \<\<\<"##),
])
func aValueIsWrittenSoThatItForgesNothing(value: String, shown: String) {
  #expect(subject(Name.commonName(value)) == Text("CN=" + shown))
}

/// The same letters in each string type of ASN.1.
@Test(
  arguments: [
    ("UTF8String", 0x0C, bytes("Zürich"), "Zürich"), ("PrintableString", 0x13, bytes("Corp"), "Corp"),
    ("IA5String", 0x16, bytes("a@b"), "a@b"), ("NumericString", 0x12, bytes("12 3"), "12 3"),

    ("TeletexString, in practice Latin-1", 0x14, [0x5A, 0xFC, 0x72], "Zür"),
    ("TeletexString with C1", 0x14, [0x41, 0x9B], #"A\C2\9B"#),
    ("BMPString", 0x1E, [0, 0x5A, 0, 0xFC, 0x67, 0x71], "Zü東"),

    ("BMPString with a newline", 0x1E, [0, 0x41, 0, 0x0A], #"A\0A"#),
    ("UniversalString", 0x1C, [0, 0, 0, 0x5A, 0, 1, 0xF5, 0x11], "Z🔑"),

    ("BIT STRING", 0x03, [0, 0xAB], "#030200ab"),
  ] as [(String, UInt8, [UInt8], String)])
func stringsOfAllKindsAreShown(kind: String, tag: UInt8, value: [UInt8], shown: String) {
  #expect(subject(Name.of([[(commonName, tag, value)]])) == Text("CN=" + shown), "\(kind)")
}

/// OpenSSL refuses each of these, and with it the whole bundle that contains it.
@Test(
  arguments: [
    ("UTF-8 that is none", 0x0C, [0x41, 0xFF]), ("UTF-8 cut short", 0x0C, [0xC3]),
    ("overlong UTF-8", 0x0C, [0xC0, 0x8A]),
    ("a surrogate in UTF-8", 0x0C, [0xED, 0xA0, 0x80]),
    ("UTF-8 beyond Unicode", 0x0C, [0xF4, 0x90, 0x80, 0x80]),
    ("five bytes", 0x0C, [0xF8, 0x88, 0x80, 0x80, 0x80]), ("continued by another", 0x0C, [0xC3, 0x41]),
    ("bytes that only continue", 0x0C, [0x80, 0xBF]), ("all ones", 0x0C, [0xFE, 0xFF]),
    ("half a BMPString", 0x1E, [0x41]), ("a surrogate", 0x1E, [0xD8, 0x3D, 0xDD, 0x11]),
    ("half a UniversalString", 0x1C, [0, 0, 0x41]), ("beyond Unicode", 0x1C, [0, 0x11, 0, 0]),
    ("a surrogate in four bytes", 0x1C, [0, 0, 0xD8, 0]), ("a BIT STRING of nothing", 0x03, []),
    ("an OCTET STRING", 0x04, [1, 2]), ("a VisibleString", 0x1A, [0x41]), ("a NULL", 0x05, []),
    ("no tag", 0x00, [0x41]),
    ("another class", 0x81, [0x41]),
  ] as [(String, UInt8, [UInt8])])
func aNameThatOpenSSLRefusesIsRefused(kind: String, tag: UInt8, value: [UInt8]) {
  #expect(subject(Name.of([[(commonName, tag, value)]])) == nil, "\(kind)")
}

@Test func theLastPartComesFirstAndPartsOfOneAreJoined() {
  let name = Name.of([
    [(organization, 0x0C, bytes("Corp"))],
    [([0x55, 0x04, 0x0B], 0x0C, bytes("IT")), ([0x55, 0x04, 0x05], 0x13, bytes("7"))],
    [(commonName, 0x0C, bytes("Root"))],
  ])
  #expect(subject(name) == "CN=Root,OU=IT+serialNumber=7,O=Corp")
}

@Test(
  arguments: [
    ([0x55, 0x04, 0x06], "C"), ([0x55, 0x04, 0x07], "L"), ([0x55, 0x04, 0x08], "ST"),
    ([0x55, 0x04, 0x09], "STREET"),
    ([0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 0x01, 0x19], "DC"),
    ([0x09, 0x92, 0x26, 0x89, 0x93, 0xF2, 0x2C, 0x64, 0x01, 0x01], "UID"),
    ([0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x01], "emailAddress"),
  ] as [([UInt8], String)])
func anAttributeHasItsShortName(type: [UInt8], name: String) {
  #expect(subject(Name.of([[(type, 0x13, bytes("x"))]])) == Text(name + "=x"))
}

/// RFC 4514 §2.3: a type without a name is written in dotted decimal, its value as its encoding.
@Test(
  arguments: [
    ([0x55, 0x1D, 0x13], "2.5.29.19"), ([0x2B, 0x06, 0x01], "1.3.6.1"), ([0x00], "0.0"), ([0x27], "0.39"),
    ([0x28], "1.0"), ([0x4F], "1.39"), ([0x50], "2.0"), ([0x88, 0x37], "2.999"),
  ] as [([UInt8], String)])
func anUnknownTypeIsShownInNumbers(type: [UInt8], dotted: String) {
  #expect(subject(Name.of([[(type, 0x13, bytes("x"))]])) == Text(dotted + "=#130178"))
}

@Test func anEmptySubjectIsEmptyText() {
  #expect(subject(Name.of([])) == "")
}

// MARK: Serial numbers

@Test(
  arguments: [
    ([0x01], "1"), ([0x00], "0"), ([0x0A], "a"), ([0x00, 0x80], "80"), ([0x00, 0xFF, 0xFF], "ffff"),
    ([0x10, 0x00], "1000"), ([0xFF], "-1"), ([0x80], "-80"), ([0xFF, 0x7F], "-81"), ([0xFF, 0x00], "-100"),
    ([0x80, 0x00], "-8000"), ([0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09], "10203040506070809"),
  ] as [([UInt8], String)])
func aSerialNumberIsHex(serial: [UInt8], hex: String) {
  var made = MadeCertificate()
  made.serial = serial
  #expect(Certificate(der: made.der)?.serialHex == Text(hex))
}

@Test(arguments: [[], [0x00, 0x01], [0xFF, 0x80]] as [[UInt8]])
func aSerialNumberThatIsNoDERIsRefused(serial: [UInt8]) {
  var made = MadeCertificate()
  made.serial = serial
  #expect(Certificate(der: made.der) == nil)
}

// MARK: Times

private func seconds(_ tag: UInt8, _ text: String) -> Int64? {
  let encoded = element(tag, bytes(text))
  var walk = DER(0..<encoded.count)
  let time = walk.next(encoded.span)
  return time.flatMap { Certificates.seconds(encoded.span, $0) }
}

@Test(
  arguments: [
    (0x17, "700101000000Z", 0), (0x17, "500101000000Z", -631_152_000), (0x17, "491231235959Z", 2_524_607_999),
    (0x17, "000229120000Z", 951_825_600), (0x18, "19700101000000Z", 0),
    (0x18, "20500101000000Z", 2_524_608_000),
    (0x18, "99991231235959Z", 253_402_300_799), (0x18, "00000101000000Z", -62_167_219_200),
    (0x18, "20000229000000Z", 951_782_400),
  ] as [(UInt8, String, Int64)])
func aTimeIsSecondsSinceTheEpoch(tag: UInt8, text: String, expected: Int64) {
  #expect(seconds(tag, text) == expected)
}

@Test(
  arguments: [
    (0x17, ""), (0x17, "Z"), (0x17, "700101"), (0x17, "700101000000"), (0x17, "701301000000Z"),
    (0x17, "700001000000Z"), (0x17, "7001010000Z"), (0x17, "700101013000+0130"), (0x17, "691231233000-0030"),
    (0x17, "700230000000Z"), (0x17, "700100000000Z"), (0x17, "700101240000Z"), (0x17, "700101006000Z"),
    (0x17, "700101000060Z"), (0x17, "70010100000aZ"), (0x17, "700101000000ZZ"), (0x17, "700101000000+1"),
    (0x17, "700101000000z"), (0x17, "7001010000/0Z"), (0x17, "19700101000000Z"),
    (0x18, "19000229000000Z"), (0x18, "700101000000Z"), (0x18, "-9990101000000Z"),
    (0x18, "19700101000000.5Z"),
    (0x18, "197001010000Z"), (0x18, "19700101000000+0000"),
  ] as [(UInt8, String)])
func whatIsNoTimeIsRefused(tag: UInt8, text: String) {
  #expect(seconds(tag, text) == nil)
}

/// `hasTime` and `seconds` are implemented differently. They agree on every text that differs from a time in one pair
/// of characters.
@Test(
  arguments: [(0x17, "260228235959Z"), (0x18, "20260228235959Z"), (0x17, "000229000000Z")]
    as [(UInt8, String)])
func whetherThereIsATimeIsToldAsItsSecondsAre(tag: UInt8, text: String) {
  let pairs = (0..<100).map { $0 < 10 ? "0\($0)" : "\($0)" } + ["/0", "0/", ":0", "0:", "\u{0}0", "0 ", "é"]
  for place in stride(from: text.utf8.count - 13, to: text.utf8.count - 1, by: 2) {
    for pair in pairs {
      var changed = bytes(text)
      changed.replaceSubrange(place..<(place + 2), with: bytes(pair))
      let encoded = element(tag, changed)
      var walk = DER(0..<encoded.count)
      guard let time = walk.next(encoded.span) else { return #expect(Bool(false)) }
      let isTime = Certificates.seconds(encoded.span, time) != nil
      #expect(hasTime(encoded.span, time) == isTime, "\(pair) at \(place)")
    }
  }
}

// MARK: Warnings

/// A moment in 2026, within the validity of the certificates made here.
private let now: Int64 = 1_790_000_000

private func made(_ change: (inout MadeCertificate) -> Void) -> [UInt8] {
  var made = MadeCertificate()
  change(&made)
  return made.der
}

@Test(
  arguments: [
    ("a CA", made { _ in }, []),
    ("no CA", made { $0.extensions = [authority(false)] }, [.notAuthority]),
    ("no constraints, version 3", made { $0.extensions = [] }, [.notAuthority]),
    (
      "version 1, self-issued", made { ($0.version, $0.extensions) = (nil, []) },
      [.refusedByStrict([.version1])]
    ),
    (
      "no keyUsage", made { $0.extensions = [authority(true), keyIdentifier] },
      [.refusedByStrict([.noKeyUsage])]
    ),
    (
      "no subjectKeyIdentifier", made { $0.extensions = [authority(true), certSign] },
      [.refusedByStrict([.noSubjectKeyIdentifier])]
    ),
    (
      "constraints that are not critical, and nothing else",
      made {
        $0.extensions = [
          element(
            0x30, element(0x06, [0x55, 0x1D, 0x13]) + element(0x04, element(0x30, element(0x01, [0xFF]))))
        ]
      },
      [.refusedByStrict([.basicConstraintsNotCritical, .noKeyUsage, .noSubjectKeyIdentifier])]
    ),
    (
      "a keyUsage without keyCertSign",
      made { $0.extensions = [authority(true), keyUsage(0x02), keyIdentifier] },
      [.noCertSign]
    ),
    (
      "version 1, issued by another",
      made { ($0.version, $0.extensions, $0.issuer) = (nil, [], Name.commonName("Other")) }, [.notAuthority]
    ),
    ("for servers", made { $0.extensions.append(uses([OIDs.clientAuth, OIDs.serverAuth])) }, []),
    ("for any use", made { $0.extensions.append(uses([OIDs.anyUse])) }, []),
    ("for clients", made { $0.extensions.append(uses([OIDs.clientAuth])) }, [.otherUsage]),
    ("expired", made { $0.notAfter = element(0x17, "210101000000Z") }, [.expired]),
    ("not yet valid", made { $0.notBefore = element(0x17, "390101000000Z") }, [.notYetValid]),
    ("RSA, 1024 bits", made { $0.publicKey = rsaKey(bits: 1024) }, [.shortRSAKey(bits: 1024)]),
    ("RSA, 2047 bits", made { $0.publicKey = rsaKey(bits: 2047) }, [.shortRSAKey(bits: 2047)]),
    ("RSA, 2048 bits", made { $0.publicKey = rsaKey(bits: 2048) }, []),
    ("SHA-1, self-issued", made { $0.signature = OIDs.sha1WithRSA }, []),
    (
      "SHA-1", made { ($0.signature, $0.issuer) = (OIDs.sha1WithRSA, Name.commonName("Other")) },
      [.weakSignature]
    ),
    (
      "MD5", made { ($0.signature, $0.issuer) = (OIDs.md5WithRSA, Name.commonName("Other")) },
      [.weakSignature]
    ),
    (
      "ECDSA with SHA-1", made { ($0.signature, $0.issuer) = (OIDs.ecdsaWithSHA1, Name.commonName("Other")) },
      [.weakSignature]
    ),
    (
      "ECDSA with SHA-256",
      made { ($0.signature, $0.issuer) = (OIDs.ecdsaWithSHA256, Name.commonName("Other")) }, []
    ),
    (
      "several",
      made { ($0.notAfter, $0.publicKey) = (element(0x17, "210101000000Z"), rsaKey(bits: 512)) },
      [.expired, .shortRSAKey(bits: 512)]
    ),
  ] as [(String, [UInt8], [CertificateWarning])])
func whatIsWrongWithACertificateIsWarnedOf(name: String, der: [UInt8], warnings: [CertificateWarning]) throws
{
  let certificate = try #require(Certificate(der: der), "\(name)")
  #expect(certificate.warnings(now: now) == warnings, "\(name)")
  #expect(warnings.allSatisfy { !$0.text.isEmpty })
}

@Test func validityEndsWithItsLastSecond() throws {
  let certificate = try #require(Certificate(der: made { $0.notAfter = element(0x17, "210101000000Z") }))
  #expect(certificate.warnings(now: certificate.notAfter) == [])
  #expect(certificate.warnings(now: certificate.notAfter + 1) == [.expired])
  #expect(certificate.warnings(now: certificate.notBefore) == [])
  #expect(certificate.warnings(now: certificate.notBefore - 1) == [.notYetValid])
}

// MARK: Structure

@Test(
  arguments: [
    ("a byte behind it", made { _ in } + [0]), ("a byte missing", Array(made { _ in }.dropLast())),
    ("no time", made { $0.notBefore = element(0x0C, "200101000000Z") }),
    ("a time that is none", made { $0.notBefore = element(0x17, "209901000000Z") }),
    ("a Name that is none", made { $0.subject = element(0x30, [1, 2, 3]) }),
    ("a value without a tag", made { $0.subject = Name.commonName("x", tag: 0) }),
    ("half a BMPString", made { $0.subject = Name.commonName("x", tag: 0x1E) }),
    ("a key that is none", made { $0.publicKey = element(0x30, []) }),
    (
      "a critical flag of two bytes",
      made {
        $0.extensions = [
          element(0x30, element(0x06, [0x55, 0x1D, 0x13]) + element(0x01, [0xFF, 0xFF]) + element(0x04, []))
        ]
      }
    ),
  ] as [(String, [UInt8])])
func whatIsNoWholeCertificateIsRefused(name: String, der: [UInt8]) {
  #expect(Certificate(der: der) == nil, "\(name)")
}

@Test func aCertificateCutAtAnyByteIsRefused() {
  let der = made { _ in }
  for count in 0..<der.count { #expect(Certificate(der: Array(der.prefix(count))) == nil, "\(count)") }
}
