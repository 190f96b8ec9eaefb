import Testing
import Text

@testable import Certificates

private let one = pem(MadeCertificate.numbered(1).der)
private let two = pem(MadeCertificate.numbered(2).der)

/// The numbers of the certificates found.
private func numbers(_ contents: BundleContents) -> [UInt8] {
  ders(in: contents).compactMap { Certificate(der: $0)?.serialDER.last }
}

/// A certificate revocation list.
/// - Parameter revoked: the SEQUENCE of revoked certificates.
private func revocationList(_ revoked: [UInt8]) -> [UInt8] {
  let algorithm = algorithm(OIDs.sha256WithRSA)
  let signed = algorithm + Name.commonName("CA") + element(0x17, "200101000000Z") + revoked
  return element(0x30, element(0x30, signed) + algorithm + element(0x03, [0, 1]))
}

@Test(
  arguments: [
    ("nothing", []), ("comments only", bytes("# nothing\n")), ("two", one + two),
    ("with text", bytes("# one\n") + one),
    ("the same twice", one + one), ("CRLF", pem(MadeCertificate.numbered(1).der, ending: "\r\n")),
    ("one long line", pem(MadeCertificate.numbered(1).der, columns: 4000)),
    ("a byte order mark for each file", [0xEF, 0xBB, 0xBF] + one + [0xEF, 0xBB, 0xBF] + two),
    ("a key between", one + pem([0x30, 0], "PRIVATE KEY") + two),
    ("a CRL between", one + pem(revocationList([]), "X509 CRL") + two),
    (
      "a CRL with an entry between",
      one
        + pem(
          revocationList(element(0x30, element(0x30, element(0x02, [1]) + element(0x17, "200101000000Z")))),
          "X509 CRL") + two
    ),
    ("an encrypted key between", one + pem([1, 2, 3], "ENCRYPTED PRIVATE KEY") + two),
    ("a block of another kind", one + pem([1, 2, 3], "DH PARAMETERS") + two),
    ("an old label", pem(MadeCertificate.numbered(1).der, "X509 CERTIFICATE")),
    ("bytes behind the DER", pem(MadeCertificate.numbered(1).der + [1, 2, 3])),
  ] as [(String, [UInt8])])
func aTextThatOpenSSLReadsIsNotDamaged(name: String, text: [UInt8]) {
  #expect(BundleContents(reading: text).damage == nil, "\(name)")
}

/// OpenSSL 3.0 refuses the file because of it, newer versions do not.
@Test(arguments: [[0x81, 0x00], [0x82, 0x00, 0x00]] as [[UInt8]])
func aNullThatIsLongerThanItMustBeIsDamage(length: [UInt8]) {
  var made = MadeCertificate()
  made.algorithm = element(0x30, element(0x06, OIDs.sha256WithRSA) + [0x05] + length)
  #expect(BundleContents(reading: one + pem(made.der)).damage != nil)
}

/// Both certificates are saved, and the damage has its line.
@Test(
  arguments: [
    ("joined lines", Array(one.dropLast()) + two, [1, 2], 1),
    // OpenSSL trusts the first and does not see the second.
    ("no END", Array(one.dropLast(26)) + two, [1, 2], 1),
    ("no END at the end", one + two.dropLast(26), [1, 2], numberOfLines(one) + 1),
    ("half a certificate without END", Array(one.dropLast(130)) + bytes("\n") + two, [2], 1),
    ("cut at the end", one + two.dropLast(40), [1], numberOfLines(one) + 1),
    (
      "junk in a block", one + bytes("-----BEGIN X-----\n!\n-----END X-----\n") + two, [1, 2],
      numberOfLines(one) + 1
    ),
    ("an empty block", one + pem([], "X") + two, [1, 2], numberOfLines(one) + 1),
    ("no certificate in it", pem([0x30, 0]) + two, [2], 1),
    ("a certificate cut short", pem(MadeCertificate.numbered(1).der.dropLast()) + two, [2], 1),
    ("a key that is none", one + pem([1, 2, 3], "RSA PRIVATE KEY") + two, [1, 2], numberOfLines(one) + 1),
    (
      "a key of OpenSSH", one + pem(bytes("openssh-key-v1"), "OPENSSH PRIVATE KEY") + two, [1, 2],
      numberOfLines(one) + 1
    ),
    ("a CRL of nothing", one + pem([0x30, 0], "X509 CRL") + two, [1, 2], numberOfLines(one) + 1),
    (
      "a CRL whose entry has no time",
      one + pem(revocationList(element(0x30, element(0x30, element(0x02, [1])))), "X509 CRL") + two, [1, 2],
      numberOfLines(one) + 1
    ),
    ("a CRL that is none", one + pem([1, 2, 3], "X509 CRL") + two, [1, 2], numberOfLines(one) + 1),
    ("a header", bytes("-----BEGIN CERTIFICATE-----\na: b\n\n") + one.dropFirst(28) + two, [2], 1),
    ("a line that begins with NUL", one + [0, 0x0A] + two, [1, 2], 1),
  ] as [(String, [UInt8], [UInt8], Int)])
func damageIsFoundAndWhatIsGoodIsSaved(name: String, text: [UInt8], saved: [UInt8], line: Int) throws {
  let contents = BundleContents(reading: text)
  let damage = try #require(contents.damage, "\(name)")
  #expect(damage.line == line, "\(name)")
  #expect(!damage.text.isEmpty)
  #expect(numbers(contents) == saved, "\(name)")
}

private func numberOfLines(_ text: [UInt8]) -> Int { text.count { $0 == UInt8(ascii: "\n") } }

@Test func ofManyJoinedCertificatesAllAreSavedAndTheFirstJointIsTold() {
  var text = bytes("# comment\n")
  for number in 1...9 { text += pem(MadeCertificate.numbered(UInt8(number)).der).dropLast() }
  let contents = BundleContents(reading: text)
  #expect(contents.damage?.line == 2)
  #expect(numbers(contents) == Array(1...9))
}

@Test func theCanonicalTextOfWhatIsSavedIsNotDamaged() {
  let contents = BundleContents(reading: Array(one.dropLast()) + two + bytes("-----BEGIN X-----"))
  #expect(contents.canonicalText == one + two)
  #expect(BundleContents(reading: contents.canonicalText).damage == nil)
}

// MARK: TRUSTED CERTIFICATE

/// Settings: trusted uses and rejected uses; nil for a list that is absent.
private func trusted(_ trust: [[UInt8]]?, _ reject: [[UInt8]]?) -> [UInt8] {
  func list(_ tag: UInt8, _ uses: [[UInt8]]?) -> [UInt8] {
    uses.map { element(tag, $0.flatMap { element(0x06, $0) }) } ?? []
  }
  let settings = element(0x30, list(0x30, trust) + list(0xA0, reject))
  return pem(MadeCertificate.numbered(1).der + settings, "TRUSTED CERTIFICATE")
}

@Test(
  arguments: [
    ("no settings", pem(MadeCertificate.numbered(1).der, "TRUSTED CERTIFICATE"), true),
    ("empty settings", trusted(nil, nil), true), ("servers", trusted([OIDs.serverAuth], nil), true),
    ("any use", trusted([OIDs.anyUse], nil), true),
    ("clients and servers", trusted([OIDs.clientAuth, OIDs.serverAuth], nil), true),
    ("clients only", trusted([OIDs.clientAuth], nil), false), ("nothing", trusted([], nil), false),
    ("servers rejected", trusted(nil, [OIDs.serverAuth]), false),
    ("all rejected", trusted(nil, [OIDs.anyUse]), false),
    ("clients rejected", trusted(nil, [OIDs.clientAuth]), true),
    ("servers trusted and rejected", trusted([OIDs.serverAuth], [OIDs.serverAuth]), false),
  ] as [(String, [UInt8], Bool)])
func trustSettingsDecideWhetherServersAreTrusted(name: String, text: [UInt8], isTrusted: Bool) throws {
  let contents = BundleContents(reading: text)
  #expect(contents.damage == nil)
  #expect(try #require(contents.certificates.first).isTrustedForServers == isTrusted, "\(name)")
  // As an input, a certificate that is not trusted is an error.
  let file = CertificateFile(reading: text)
  #expect(file.certificates.count == (isTrusted ? 1 : 0), "\(name)")
  #expect(file.problems.map { $0.isWarning } == (isTrusted ? [] : [false]), "\(name)")
}

@Test func trustSettingsAreKeptInCanonicalForm() {
  let text = trusted([OIDs.clientAuth], nil)
  #expect(BundleContents(reading: text).canonicalText == text)
}

/// - Source: OpenSSL's X509_CERT_AUX, as its `PEM_X509_INFO_read_bio` reads it.
@Test(
  arguments: [
    ("no SEQUENCE", [1, 2, 3]), ("a use that is none", element(0x30, element(0x30, element(0x06, [0x80])))),
    ("a use of another tag", element(0x30, element(0x30, [4, 0]))),
    ("a rejected one that is none", element(0x30, element(0xA0, element(0x06, [])))),
    ("reject before trust", element(0x30, element(0xA0, []) + element(0x30, []))),
    ("another algorithm that is none", element(0x30, element(0xA1, element(0x30, [])))),
    ("more than there is", element(0x30, element(0x30, []) + element(0x02, [1]))),
  ] as [(String, [UInt8])])
func malformedTrustSettingsAreDamage(name: String, settings: [UInt8]) {
  let text = pem(MadeCertificate.numbered(1).der + settings, "TRUSTED CERTIFICATE")
  #expect(BundleContents(reading: text).damage != nil, "\(name)")
  #expect(CertificateFile(reading: text).certificates.isEmpty, "\(name)")
}

// A bundle as a distribution's tool writes it.

@Test func aPlainBundleIsReadAsFarAsIsAskedFor() {
  let numbered = (1...9).map { MadeCertificate.numbered($0).der }
  let odd = MadeCertificate(subject: Name.commonName("Another CA of another length")).der
  let text =
    numbered.flatMap { bytes("# a name\n\n") + pem($0) } + pem(odd) + bytes("the end, without a newline")
  #expect(plain(text, [odd.count, numbered[0].count]) == numbered + [odd])
  #expect(plain(text, [odd.count]) == [odd])
  #expect(plain(text, [17]) == [])
  #expect(plain(text, []) == [])
  #expect(plain([], [17]) == [])
}

/// The certificates found in a plain bundle; nil if it is not plain.
private func plain(_ text: [UInt8], _ lengths: [Int]) -> [[UInt8]]? {
  var ders: [[UInt8]] = []
  var walk = BundleWalk(.named, lengths: lengths, over: text)
  while true {
    switch walk.next() {
    case .certificate: ders.append(Array(walk.der))
    case .end: return ders
    case .mark, .needsMore, .irregular: return nil
    }
  }
}

@Test(
  arguments: [
    ("CRLF", pem(MadeCertificate.numbered(1).der, ending: "\r\n")),
    ("other columns", pem(MadeCertificate.numbered(1).der, columns: 76)),
    ("another label", pem(MadeCertificate.numbered(1).der, "TRUSTED CERTIFICATE")),
    ("a byte order mark", [0xEF, 0xBB, 0xBF] + one), ("cut", Array(one.dropLast(3))),
    ("cut in the first line", Array(one.prefix(30))), ("joined lines", Array(one.dropLast()) + two),
    ("bytes behind the DER", pem(MadeCertificate.numbered(1).der + [1, 2, 3])),
    ("no DER", pem(bytes("no DER at all"))), ("a blank line", replacing(one, 27, with: [0x0A, 0x0A])),
    ("a mark behind a long line", bytes(String(repeating: "x", count: 254)) + one),
    ("a line of nothing", [0] + bytes("\n") + one),
  ] as [(String, [UInt8])])
func whateverElseIsReadInFull(name: String, text: [UInt8]) {
  #expect(plain(text, Array(300...2000)) == nil, "\(name)")
}

private func replacing(_ text: [UInt8], _ place: Int, with bytes: [UInt8]) -> [UInt8] {
  text[..<place] + bytes + text[(place + 1)...]
}
