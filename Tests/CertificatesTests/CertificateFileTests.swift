import Testing
import Text

@testable import Certificates

private let one = MadeCertificate.numbered(1).der
private let onePEM = String(decoding: pem(one), as: UTF8.self)

/// Base64 in lines, without BEGIN and END.
private func base64(_ contents: [UInt8]) -> [UInt8] {
  let lines = String(decoding: pem(contents), as: UTF8.self).split(separator: "\n")
  return bytes(lines.dropFirst().dropLast().joined(separator: "\n") + "\n")
}
private let two = MadeCertificate.numbered(2).der

private func numbers(_ file: CertificateFile) -> [UInt8] {
  file.certificates.compactMap { $0.serialDER.last }
}

// MARK: Accepted input

@Test(
  arguments: [
    ("PEM", pem(one) + pem(two), [1, 2]), ("DER", one, [1]),
    ("PKCS #7 in DER", signedData([one, two]), [1, 2]),
    ("PKCS #7 in PEM", pem(signedData([one, two]), "PKCS7"), [1, 2]),
    ("CMS in PEM", pem(signedData([one, two]), "CMS"), [1, 2]),
    ("the old label", pem(one, "X509 CERTIFICATE"), [1]),
    ("PEM, CRLF", pem(one, ending: "\r\n"), [1]), ("PEM, CR", pem(one, ending: "\r"), [1]),
    ("PEM, UTF-8 with a mark", [0xEF, 0xBB, 0xBF] + pem(one), [1]),
    ("PEM, UTF-16", [0xFF, 0xFE] + pem(one).flatMap { [$0, 0] }, [1]),
    ("PEM, UTF-16 and big-endian", [0xFE, 0xFF] + pem(one).flatMap { [0, $0] }, [1]),
    ("PEM, UTF-16 without a mark", pem(one).flatMap { [$0, 0] }, [1]),
    (
      "PEM behind a dump in Latin-1",
      bytes("Certificate:\n  Subject: CN=Z") + [0xFC] + bytes("rich\n") + pem(one), [1]
    ),
    ("PEM, joined by empty lines", pem(one) + bytes("\n\n \n") + pem(two), [1, 2]),
    ("PEM, CR, behind a DER's first byte", bytes("0 comment\r") + pem(one, ending: "\r"), [1]),
    ("PEM behind a DER's first byte", bytes("0 comment\n") + pem(one), [1]),
  ] as [(String, [UInt8], [UInt8])])
func certificatesOfAllFormsAreFound(name: String, file: [UInt8], found: [UInt8]) {
  let file = CertificateFile(reading: file)
  #expect(file.problems == [], "\(name)")
  #expect(numbers(file) == found, "\(name)")
}

/// PKCS #7 as streaming writers produce it: BER with indefinite lengths.
@Test func signedDataOfIndefiniteLengthIsRead() {
  func open(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] { [tag, 0x80] + content + [0, 0] }
  let signed =
    element(0x02, [1]) + element(0x31, []) + open(0x30, element(0x06, OIDs.data)) + open(0xA0, one + two)
    + element(0x31, [])
  let file = open(0x30, element(0x06, OIDs.signedData) + open(0xA0, open(0x30, signed)))
  #expect(numbers(CertificateFile(reading: file)) == [1, 2])
  #expect(numbers(CertificateFile(reading: pem(file, "PKCS7"))) == [1, 2])
}

// MARK: Refused input, each with its advice

private let request = element(
  0x30,
  element(0x30, element(0x02, [0]) + Name.commonName("x") + rsaKey(bits: 2048) + element(0xA0, []))
    + element(0x30, element(0x06, OIDs.sha256WithRSA)) + element(0x03, [0, 1]))
private let crl = element(
  0x30,
  element(
    0x30,
    element(0x02, [1]) + element(0x30, element(0x06, OIDs.sha256WithRSA)) + Name.commonName("x")
      + element(0x17, "200101000000Z"))
    + element(0x30, element(0x06, OIDs.sha256WithRSA)) + element(0x03, [0, 1]))
private let pkcs8 = element(
  0x30, element(0x02, [0]) + element(0x30, element(0x06, OIDs.rsa)) + element(0x04, [1]))

@Test(
  arguments: [
    ("nothing", [], .empty), ("white space", bytes(" \r\n\t"), .empty), ("NUL bytes", [0, 0, 0], .empty),
    ("a mark of UTF-16 alone", [0xFF, 0xFE], .empty),
    ("text", bytes("hello"), .notCertificate),
    ("binary", [0x7F, 0x45, 0x4C, 0x46, 0, 1, 2], .notCertificate),
    ("a DER of something", element(0x30, element(0x0C, "x")), .notCertificate),
    ("HTML", bytes("<!DOCTYPE html>\n<html><body>Sign in</body></html>"), .html),
    ("HTML behind a comment", bytes("\u{FEFF}\n <!-- x -->\n<HTML>"), .html),
    ("XML", bytes("<?xml version=\"1.0\"?><a/>"), .notCertificate),
    ("PKCS #12", element(0x30, element(0x02, [3]) + element(0x30, [])), .pkcs12),
    ("a Java keystore", [0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2], .javaKeystore),
    ("a Java keystore with secrets", [0xCE, 0xCE, 0xCE, 0xCE, 0, 0, 0, 2], .javaKeystore),
    ("PKCS #8 in DER", pkcs8, .privateKey),
    (
      "PKCS #1 in DER", element(0x30, element(0x02, [0]) + element(0x02, [5]) + element(0x02, [3])),
      .privateKey
    ),
    ("SEC 1 in DER", element(0x30, element(0x02, [1]) + element(0x04, [5])), .privateKey),
    (
      "an encrypted key in DER",
      element(
        0x30,
        element(0x30, element(0x06, [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D]))
          + element(0x04, [1])),
      .privateKey
    ),
    ("a request in DER", request, .request), ("a CRL in DER", crl, .crl),
    ("a request in PEM", pem(request, "CERTIFICATE REQUEST"), .request),
    ("a request of old", pem(request, "NEW CERTIFICATE REQUEST"), .request),
    ("a CRL in PEM", pem(crl, "X509 CRL"), .crl),
    ("a block of another kind", pem([1, 2, 3], "DH PARAMETERS"), .otherBlock),
    ("a certificate cut short", Array(one.dropLast()), .damagedDER),
    ("a certificate and more", one + [0], .damagedDER),
    ("gzip", [0x1F, 0x8B, 8, 0], .gzip), ("ZIP", [0x50, 0x4B, 3, 4, 20, 0], .zip),
    ("PEM on one line", bytes(onePEM.replacing("\n", with: " ")), .oneLine),
    ("PEM with \\n", bytes(onePEM.replacing("\n", with: "\\n")), .writtenLineBreaks),
    (
      "PEM with \\n in quotes", bytes("\"" + onePEM.replacing("\n", with: "\\n") + "\"\n"), .writtenLineBreaks
    ),
    ("indented PEM", bytes("  " + onePEM.replacing("\n", with: "\n  ")), .indented),
    ("quoted PEM", bytes("> " + onePEM.replacing("\n", with: "\n> ")), .textBeforeBegin),
    ("a BEGIN with a space", bytes(onePEM.replacing("-----BEGIN", with: "----- BEGIN")), .misspeltBegin),
    ("a BEGIN of four hyphens", bytes(onePEM.replacing("-----BEGIN", with: "----BEGIN")), .misspeltBegin),
    (
      "a BEGIN of dashes", bytes(onePEM.replacing("-----BEGIN", with: "\u{2013}\u{2014}\u{2014}BEGIN")),
      .misspeltBegin
    ),
    (
      "a BEGIN in small letters", bytes(onePEM.replacing("BEGIN CERTIFICATE", with: "begin certificate")),
      .misspeltBegin
    ),
    ("PEM without its BEGIN", Array(pem(one).dropFirst(28)), .bareBase64),
    ("the rest of a PEM", Array(pem(one).dropFirst(28 + 65)), .noBegin),
    ("bare Base64", base64(one), .bareBase64), ("Base64 of Base64", base64(base64(one)), .base64Twice),
    ("Base64 of PEM", base64(pem(one)), .base64OfPEM),
    ("a block of PEM", pem(pem(one)), .textInBlock), ("a block of Base64", pem(base64(one)), .textInBlock),
    (
      "a sentence", bytes("To begin, get the certificate of your CA.\nBEGIN with the CERTIFICATE.\n"),
      .notCertificate
    ),
    ("PKCS #7 without certificates", signedData([]), .emptyPKCS7),
    ("PKCS #7 with something else", signedData([element(0x30, [])]), .badCertificateInPKCS7),
    ("PKCS #7 of another type", pem(element(0x30, element(0x06, OIDs.data)), "PKCS7"), .badPKCS7),
    (
      "a certificate with a header", bytes("-----BEGIN CERTIFICATE-----\na: b\n\n") + pem(one).dropFirst(28),
      .broken(.misplacedLine)
    ),
  ] as [(String, [UInt8], CertificateProblem.Kind)])
func whatIsNoCertificateIsToldApart(name: String, file: [UInt8], kind: CertificateProblem.Kind) {
  let file = CertificateFile(reading: file)
  #expect(file.certificates.isEmpty, "\(name)")
  #expect(file.problems.map { $0.kind } == [kind], "\(name)")
  #expect(
    file.problems.allSatisfy { $0.isWarning == (kind == .notCertificate) && !$0.text.isEmpty }, "\(name)")
  #expect(file.hasDamage == file.problems.contains { $0.isDamage }, "\(name)")
}

@Test(arguments: [
  "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY",
  "OPENSSH PRIVATE KEY", "ED25519 PRIVATE KEY",
])
func aPrivateKeyIsAnErrorAloneAndAWarningBesideACertificate(label: String) {
  let alone = CertificateFile(reading: pem(pkcs8, label))
  #expect(alone.problems.map { $0.kind } == [.privateKey])
  let beside = CertificateFile(reading: pem(pkcs8, label) + pem(one))
  #expect(numbers(beside) == [1])
  #expect(beside.problems.map { $0.kind } == [.keyBeside])
  #expect(beside.problems.allSatisfy { $0.isWarning })
}

@Test func parametersBesideAnECKeyAreNoCertificate() {
  let file = CertificateFile(
    reading: pem([6, 1, 0], "EC PARAMETERS") + pem(pkcs8, "EC PRIVATE KEY") + pem(one))
  #expect(numbers(file) == [1])
}

@Test func aBrokenBlockIsRefusedAndTheOthersAreTaken() {
  let file = CertificateFile(
    reading: pem(one) + bytes("-----BEGIN CERTIFICATE-----\nTW!u\n-----END CERTIFICATE-----\n") + pem(two))
  #expect(numbers(file) == [1, 2])
  #expect(file.problems.map { $0.kind } == [.broken(.notBase64)])
  #expect(file.problems.first?.line == 1 + pem(one).count { $0 == UInt8(ascii: "\n") })
}

private let twoPEM = String(decoding: pem(two), as: UTF8.self)
private let damaged: [(String, String, CertificateProblem.Kind)] = [
  ("indented", "  " + twoPEM.replacing("\n", with: "\n  "), .indented),
  ("indented in its first line", "\t" + twoPEM, .indented),
  ("four hyphens", twoPEM.replacing("-----BEGIN", with: "----BEGIN"), .misspeltBegin),
  ("dashes", twoPEM.replacing("-----BEGIN", with: "\u{2013}\u{2014}\u{2014}BEGIN"), .misspeltBegin),
  ("on one line", " " + twoPEM.replacing("\n", with: " ") + "\n", .oneLine),
  ("with \\n", " " + twoPEM.replacing("\n", with: "\\n") + "\n", .writtenLineBreaks),
  ("text before BEGIN", "CA: " + twoPEM, .textBeforeBegin),
  ("bare Base64", String(decoding: base64(two), as: UTF8.self), .bareBase64),
  ("the rest of a PEM", String(decoding: pem(two).dropFirst(28 + 65), as: UTF8.self), .noBegin),
]

/// A damaged CA beside an intact one may be meant to stay.
@Test(arguments: damaged.indices)
func damageBesideAGoodCertificateIsToldAsAlone(number: Int) {
  let (name, text, kind) = damaged[number]
  let behind = CertificateFile(reading: pem(one) + bytes(text))
  #expect(numbers(behind) == [1], "\(name)")
  #expect(behind.problems == [CertificateProblem(kind, line: behind.problems.first?.line)], "\(name)")
  #expect(behind.hasDamage, "\(name)")
  #expect((behind.problems.first?.line ?? 0) > pem(one).count { $0 == newline }, "\(name)")
  let before = CertificateFile(reading: bytes(text + "\n") + pem(one))
  #expect(numbers(before) == [1] && before.problems.map { $0.kind } == [kind], "\(name)")
}

@Test(arguments: [
  "# " + twoPEM.replacing("\n", with: "\n# ") + "\n", "; -----BEGIN CERTIFICATE-----\n",
  "Certificates begin with -----BEGIN CERTIFICATE----- on a line of its own.\n",
  "* BEGIN of the CERTIFICATES\n", "# ---- BEGIN CERTIFICATE ----\n",
  "Server certificate\nsubject=CN = x\nissuer=CN = y\n---\nNo client certificate CA names sent\n",
  "  " + String(decoding: pem(pkcs8, "PRIVATE KEY"), as: UTF8.self),
])
func whatOnlySpeaksOfCertificatesIsNoDamage(text: String) {
  let file = CertificateFile(reading: pem(one) + bytes(text))
  #expect(numbers(file) == [1])
  #expect(!file.hasDamage && file.problems.isEmpty)
}

// MARK: Properties

/// Text in complete lines, none of which begins a block.
private func noise(_ generator: inout SeededGenerator) -> [UInt8] {
  var text: [UInt8] = []
  for _ in 0..<Int.random(in: 0...6, using: &generator) {
    let length = [0, 1, 7, 64, 253, 254, 255, 600].randomElement(using: &generator) ?? 0
    // Never a hyphen: the BEGIN of a block begins with one.
    let line = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
      .map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "+") : $0 }
    text += line + [0x0A]
  }
  return text
}

@Test func textAroundBlocksChangesNothing() {
  var generator = SeededGenerator(state: 3)
  for round in 0..<500 {
    // The first byte distinguishes DER and keystores from text.
    let file = bytes("#\n") + noise(&generator) + pem(one) + noise(&generator) + pem(two) + noise(&generator)
    #expect(numbers(CertificateFile(reading: file)) == [1, 2], "round \(round)")
    #expect(numbers(of: BundleContents(reading: file)) == [1, 2], "round \(round)")
  }
}

private func numbers(of contents: BundleContents) -> [UInt8] {
  ders(in: contents).compactMap { Certificate(der: $0)?.serialDER.last }
}

@Test(
  arguments: [
    ("PEM", bytes("a dump\n") + pem(one) + bytes("between\n") + pem(two) + bytes("end\n")), ("DER", one),
    ("PKCS #7", signedData([one, two])), ("PKCS #7 in PEM", pem(signedData([one, two]), "PKCS7")),
    ("one line", pem(one, columns: 4000)),
    ("UTF-16", [0xFF, 0xFE] + (pem(one) + pem(two)).flatMap { [$0, 0] }),
    (
      "trusted",
      pem(one + element(0x30, element(0x30, element(0x06, OIDs.serverAuth))), "TRUSTED CERTIFICATE")
    ),
  ] as [(String, [UInt8])])
func aFileCutAnywhereHoldsNoCertificateThatTheWholeDoesNot(name: String, file: [UInt8]) {
  let whole = CertificateFile(reading: file).certificates.map { $0.fingerprint }
  let wholeBundle = ders(in: BundleContents(reading: file))
  for count in 0..<file.count {
    let part = Array(file.prefix(count))
    let found = CertificateFile(reading: part).certificates.map { $0.fingerprint }
    #expect(found.allSatisfy { whole.contains($0) }, "\(name), \(count)")
    let saved = ders(in: BundleContents(reading: part))
    #expect(saved.allSatisfy { wholeBundle.contains($0) }, "\(name), \(count)")
  }
}

@Test func aDamagedBundleCutAnywhereHoldsNothingNew() {
  let text = Array(pem(one).dropLast()) + pem(two)
  for count in 0..<text.count {
    let saved = numbers(of: BundleContents(reading: Array(text.prefix(count))))
    #expect([1, 2].starts(with: saved), "\(count)")
  }
}

/// One changed byte: the reader ends, and what it finds are certificates.
@Test func aChangedByteBreaksNothingElse() {
  var generator = SeededGenerator(state: 9)
  let files = [pem(one) + pem(two), one, signedData([one, two]), pem(one, "TRUSTED CERTIFICATE")]
  for file in files {
    for _ in 0..<400 {
      var changed = file
      changed[Int.random(in: 0..<file.count, using: &generator)] = UInt8.random(
        in: .min ... .max, using: &generator)
      for certificate in CertificateFile(reading: changed).certificates {
        #expect(Certificate(der: certificate.der) != nil)
        #expect(escaped(certificate.subjectText.utf8) == certificate.subjectText)
      }
    }
  }
}
