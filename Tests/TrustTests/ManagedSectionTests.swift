import Certificates
import Testing
import Text

@testable import TestSupport
@testable import Trust

struct ManagedSectionTests {
  static let opening = "# >>> psm-entry managed certificates >>>\n"
  static let closing = "# <<< psm-entry managed certificates <<<\n"
  static let block = shown(pem(9))
  static let section = opening + "# Subject: CN=Test CA\n" + block + closing

  /// A text, the part of it that is the section, and whether other markers remain.
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let text: String
    let found: String?
    let hasStrays: Bool

    init(_ name: String, _ text: String, _ found: String?, strays: Bool = false) {
      (testDescription, self.text, self.found, hasStrays) = (name, text, found, strays)
    }
  }

  static let cases = [
    Case("nothing", "", nil),
    Case("no marks", block, nil),
    Case("a section alone", section, section),
    Case("behind a base", block + section, section),
    Case("with text appended", block + section + block, section),
    Case("without certificates", opening + closing, opening + closing),
    Case("without a last newline", block + String(section.dropLast()), String(section.dropLast())),
    Case("CRLF", crlf(block + section), crlf(section)),
    Case("blank lines and spaces behind the marks", opening.dropLast() + " \t\n\n" + closing, spaced),
    Case("unclosed", block + opening + block, nil, strays: true),
    Case("unopened", block + closing, nil, strays: true),
    Case("closed before it is opened", closing + block + opening, nil, strays: true),
    Case("doubled: the last is it", section + block + section, section, strays: true),
    Case("opened twice: the last mark opens it", opening + section, section, strays: true),
    Case("closed twice: the first mark closes it", section + closing, section, strays: true),
    Case("an unclosed one behind it", section + opening + block, section, strays: true),
    Case("foreign text inside", opening + block + "corporate root\n" + closing, nil, strays: true),
    Case("a private key inside", opening + shown(key) + closing, nil, strays: true),
    Case("a trusted certificate inside", opening + trusted + closing, nil, strays: true),
    Case("an open block inside", opening + "-----BEGIN CERTIFICATE-----\n" + closing, nil, strays: true),
    Case(
      "a mark inside a block", "-----BEGIN CERTIFICATE-----\n" + section + "-----END CERTIFICATE-----\n",
      section),
    Case("a mark that is not the whole line", "x" + opening + closing, nil, strays: true),
    Case("a mark quoted in a comment", "## >>> psm-entry managed certificates >>>\n" + section, section),
  ]

  private static let spaced = opening.dropLast() + " \t\n\n" + closing
  private static let key = bytes("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
  private static let trusted =
    "-----BEGIN TRUSTED CERTIFICATE-----\nAAAA\n-----END TRUSTED CERTIFICATE-----\n"
  private static func crlf(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
  }

  @Test(arguments: cases)
  func theLastWholePairOfMarksIsTheSection(_ one: Case) {
    let content = bytes(one.text)
    let location = ManagedSection.locate(in: content)
    #expect(location.range.map { String(decoding: content[$0], as: UTF8.self) } == one.found)
    #expect(location.hasStrayMarks == one.hasStrays)
  }

  @Test
  func itsOwnTextIsFoundAgainWholeAndAlone() {
    for count in 1...5 {
      let wanted = made((0..<count).map { MadeCertificate(serial: UInt8($0)) })
      let own = ManagedSection.text(for: wanted)
      #expect(ManagedSection.locate(in: pem(9) + own).range == pem(9).count..<(pem(9) + own).count)
      #expect(Trust.certificates(in: own[...]).map { $0.der } == wanted.map { $0.der })
    }
  }

  @Test
  func aSubjectCannotForgeALineOrAMark() {
    let hostile = [
      "x\n# <<< psm-entry managed certificates <<<", "\r\n-----END CERTIFICATE-----", "\u{1b}[2J",
    ]
    for name in hostile {
      let own = ManagedSection.text(for: made([MadeCertificate(serial: 1, name: name)]))
      #expect(ManagedSection.locate(in: own).range == own.indices)
      #expect(own.split(separator: newline).count { $0.starts(with: bytes("# Subject: ")) } == 1)
      #expect(!own.contains { $0 < 0x20 && $0 != newline })
    }
  }

  @Test
  func noneIsNothing() { #expect(ManagedSection.text(for: []) == []) }
}
