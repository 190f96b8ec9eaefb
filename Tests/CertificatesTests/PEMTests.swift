import Testing

@testable import Certificates

/// The faults of the blocks in a text, `nil` for an intact one.
private func faults(_ text: [UInt8]) -> [PEM.Fault?] {
  var pem = PEM(text)
  var faults: [PEM.Fault?] = []
  while let block = pem.next() { faults.append(block.fault) }
  return faults
}

private let begin = "-----BEGIN CERTIFICATE-----"
private let end = "-----END CERTIFICATE-----"

/// `TWFu` is the Base64 of `Man`.
@Test(arguments: [
  // Common changes to a text.
  ("as written", "\(begin)\nTWFu\n\(end)\n"),
  ("no newline at the end", "\(begin)\nTWFu\n\(end)"),
  ("CRLF", "\(begin)\r\nTWFu\r\n\(end)\r\n"),
  ("white space behind each line", "\(begin) \t\nTWFu  \n\(end) \n"),
  ("white space before the data", "\(begin)\n  TWFu\n\(end)\n"),
  ("white space within the data", "\(begin)\nTW Fu\n\(end)\n"),
  ("UTF-8 byte order mark", "\u{FEFF}\(begin)\nTWFu\n\(end)\n"),
  ("a blank line behind BEGIN", "\(begin)\n\nTWFu\n\(end)\n"),
  ("text around", "Corp Root\n\(begin)\nTWFu\n\(end)\nthe end\n"),
  ("short lines", "\(begin)\nTW\nFu\n\(end)\n"),
  ("leftover NUL behind a line", "\(begin)\nTWFu\u{0}\n\(end)\n"),
  ("a dashed line that marks nothing", "-----begin-----\n---- BEGIN\n\(begin)\nTWFu\n\(end)\n"),
])
func oneGoodBlockIsFound(name: String, text: String) {
  #expect(faults(bytes(text)) == [nil], "\(name)")
}

@Test(
  arguments: [
    ("no END", "\(begin)\nTWFu\n", [PEM.Fault.noEnd]),
    ("BEGIN alone", begin, [.noEnd]),
    ("BEGIN inside", "\(begin)\nTWFu\n\(begin)\nTWFu\n\(end)\n", [.noEnd, nil]),
    ("END of another label", "\(begin)\nTWFu\n-----END X509 CRL-----\n", [.badEnd]),
    ("END of a longer label", "\(begin)\nTWFu\n-----END CERTIFICATES-----\n", [.badEnd]),
    ("END that goes on", "\(begin)\nTWFu\n\(end)x\n", [.badEnd]),
    ("joined lines", "\(begin)\nTWFu\n\(end)\(begin)\nTWFu\n\(end)\n", [.badEnd]),
    ("two blank lines behind BEGIN", "\(begin)\n\n\nTWFu\n\(end)\n", [.misplacedLine]),
    ("a blank line before END", "\(begin)\nTWFu\n\n\(end)\n", [.notBase64]),
    ("two blank lines in the data", "\(begin)\nTWFu\n\nTWFu\n\n\(end)\n", [.misplacedLine]),
    ("a header and no blank line", "\(begin)\na: b\nTWFu\n\(end)\n", [.misplacedLine]),
    ("no data", "\(begin)\n\(end)\n", [.notBase64]),
    ("a line that begins with NUL inside", "\(begin)\n\u{0}\nTWFu\n\(end)\n", [.misplacedLine]),
    ("END without its space", "\(begin)\nTWFu\n-----END \nTWFu\n\(end)\n", [.notBase64]),
    ("a hyphen behind the data", "\(begin)\nTWFu\n- the rest: lost\n\(end)\n", [.misplacedLine]),
    ("a hyphen within four characters", "\(begin)\nTW\n-Fu\n\(end)\n", [.notBase64]),
    ("a byte above 127 at a line's end", "\(begin)\u{A0}\nTWFu\n\(end)\n", [nil]),
    (
      "a byte order mark behind a block", "\(begin)\nTWFu\n\(end)\n\u{FEFF}\(begin)\nTWFu\n\(end)\n",
      [nil, nil]
    ),
    ("a byte order mark behind text", "x\n\u{FEFF}\(begin)\nTWFu\n\(end)\n", []),
    (
      "a BEGIN line so long that its end is a blank line to OpenSSL",
      "\(begin)\(String(repeating: " ", count: 254))\n\nTWFu\n\(end)\n", [.misplacedLine]
    ),
    ("a comment inside", "\(begin)\nTWFu\n# Corp\n\(end)\n", [.notBase64]),
    ("junk inside", "\(begin)\nTW!u\n\(end)\n", [.notBase64]),
    ("missing padding", "\(begin)\nTWE\n\(end)\n", [.notBase64]),
    ("padding too early", "\(begin)\nTQ==\nTWFu\n\(end)\n", [.notBase64]),
    ("data in the mark's line", "\(begin) TWFu\n\(end)\n", []),
    ("a mark that is indented", " \(begin)\nTWFu\n \(end)\n", []),
    ("END without BEGIN", "\(end)\n", []),
    ("a mark of four dashes", "----BEGIN CERTIFICATE-----\nTWFu\n\(end)\n", []),
  ] as [(String, String, [PEM.Fault?])])
func theVerdictIsOpenSSLs(name: String, text: String, verdict: [PEM.Fault?]) {
  #expect(faults(bytes(text)) == verdict, "\(name)")
}

@Test func aBlockTellsTheLineThatItBeginsIn() {
  var pem = PEM(bytes("a comment\n\n\(begin)\nTWFu\n\(end)\n\r\n\(begin)\nTWE\n\(end)\n"))
  #expect(pem.next()?.line == 3)
  #expect(pem.next()?.line == 7)
  #expect(pem.next() == nil)
}

@Test func aHeaderIsNoPartOfTheContents() throws {
  let text =
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nTWFu\n-----END RSA PRIVATE KEY-----\n"
  var pem = PEM(bytes(text))
  let next = pem.next()
  let block = try #require(next)
  #expect(block.fault == nil)
  #expect(block.hasHeader)
  #expect(pem.decoded[block.contents].elementsEqual(bytes("Man")))
}

@Test func everythingBeforeABlankLineIsAHeader() {
  var pem = PEM(bytes("\(begin)\nTWFu\n\nTWFu\n\(end)\n"))
  #expect(pem.next()?.hasHeader == true)
}

/// OpenSSL reads lines in portions of 254 bytes.
@Test(arguments: [1, 63, 64, 65, 76, 253, 254, 255, 256, 508, 509, 4000])
func aLineMayHaveAnyLength(columns: Int) throws {
  let contents = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 37) }
  var reader = PEM(pem(contents, columns: columns))
  let next = reader.next()
  let block = try #require(next)
  #expect(block.fault == nil)
  #expect(reader.decoded[block.contents].elementsEqual(contents))
}

@Test func aMarkBehindALongLineIsFoundOnlyAtItsLinesBeginning() {
  let filler = String(repeating: "x", count: 253)
  #expect(faults(bytes("\(filler)\n\(begin)\nTWFu\n\(end)\n")) == [nil])
  // A portion begins at the 255th byte, and OpenSSL takes it for a line.
  #expect(faults(bytes("\(filler)x\(begin)\nTWFu\n\(end)\n")) == [nil])
  #expect(faults(bytes("\(filler)\(begin)\nTWFu\n\(end)\n")) == [])
}

@Test func textWithNULBytesIsPassedOver() {
  #expect(faults([0x61, 0, 0x62, 0x0A] + bytes("\(begin)\nTWFu\n\(end)\n")) == [nil])
}

/// A file's bytes as text.
@Test(arguments: [
  ("LF", "a\nb\n", nil), ("CRLF", "a\r\nb\r\n", nil), ("CR alone", "a\rb\r", "a\nb\n"),
  ("CR and LF", "a\rb\n", "a\nb\n"), ("CR twice before LF", "a\r\r\nb\r", "a\r\r\nb\n"),
])
func linesThatEndWithCRAloneEndWithLF(name: String, file: String, text: String?) {
  #expect(withLineFeeds(bytes(file)) == text.map { bytes($0) }, "\(name)")
}

@Test(arguments: [(true, true), (true, false), (false, true), (false, false)])
func textInUTF16IsRead(hasMark: Bool, isBigEndian: Bool) {
  let text = (hasMark ? "\u{FEFF}" : "") + "\(begin)\r\nTWFu\r\n\(end)\r\n"
  let file = text.utf16.flatMap { unit in
    isBigEndian ? [UInt8(unit >> 8), UInt8(unit & 0xFF)] : [UInt8(unit & 0xFF), UInt8(unit >> 8)]
  }
  #expect(faults(plainText(file)) == [nil])
}

@Test func anOddByteAtTheEndOfUTF16IsPassedOver() {
  #expect(plainText([0xFF, 0xFE, 0x41, 0, 0x42]) == [0x41])
  #expect(plainText([0xFF, 0xFE]) == [])
}

@Test func manyBeginLinesTakeLinearTime() {
  let clock = ContinuousClock()
  func time(_ size: Int) -> Duration {
    let line = bytes("-----BEGIN X-----\n")
    var text: [UInt8] = []
    text.reserveCapacity(size + line.count)
    while text.count < size { text += line }
    return clock.measure {
      let file = CertificateFile(reading: text)
      #expect(file.certificates.isEmpty)
      #expect(file.problems.count + file.omittedErrors == text.count / line.count)
      #expect(BundleContents(reading: text).damage != nil)
    }
  }
  let (small, large) = (time(1 << 17), time(1 << 21))
  // Sixteen times the input: linear time with tolerance for a busy machine, far from 256 times.
  #expect(large < small * 64, "\(small) for 128 KiB, \(large) for 2 MiB")
}
