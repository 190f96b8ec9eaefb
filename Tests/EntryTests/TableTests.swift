import Testing
import Text

@testable import Entry

struct TableTests {
  private func lines(_ rows: [[Text]], columns: Int? = nil, endsInSentences: Bool = false) -> [String] {
    var table = Table(endsInSentences: endsInSentences)
    for row in rows { table.row(row) }
    return table.text(columns: columns).description.split(
      separator: "\n", omittingEmptySubsequences: false
    ).map { String($0) }
  }

  @Test func columnsAreAlignedAndTheLastHasNoSpacesBehindIt() {
    let rows: [[Text]] = [["NAME", "CA", "SUBJECT"], ["a", "yes", "x"], ["longer name", "no", "CN=A B"]]
    #expect(
      lines(rows) == ["NAME         CA   SUBJECT", "a            yes  x", "longer name  no   CN=A B", ""])
  }

  @Test func aTableWithoutRowsIsNoText() { #expect(lines([]) == [""]) }

  @Test func aLetterTakesAsManyColumnsAsATerminalGivesIt() {
    #expect(lines([["ü", "x"], ["ab", "y"], ["証", "z"]]) == ["ü   x", "ab  y", "証  z", ""])
  }

  static let cuts: [(line: Text, columns: Int?, cut: String)] = [
    ("abcdef", 6, "abcdef"), ("abcdef", 5, "abcd…"), ("abcdef", 1, "…"), ("abcdef", 0, "abcdef"),
    ("abcdef", nil, "abcdef"), ("証明書", 6, "証明書"), ("証明書", 5, "証明…"), ("証明書", 4, "証…"),
    ("äöü", 2, "ä…"), ("", 3, ""),
  ]

  @Test(arguments: cuts)
  func whatDoesNotFitIsCutWithAMarkAndNeverWithinALetter(line: Text, columns: Int?, cut: String) {
    #expect(Entry.cut(line, columns).description == cut)
  }

  @Test func noLineIsWiderThanTheTerminal() {
    let rows: [[Text]] = [["first", "a subject that goes on and on"], ["second", "x"]]
    #expect(lines(rows, columns: 20) == ["first   a subject t…", "second  x", ""])
  }

  @Test func aSentenceIsFoldedBetweenWordsAndLosesNone() {
    let sentence: Text = "cannot replace the file; make its directory writable"
    let rows: [[Text]] = [["✗ error", "bundle", sentence]]
    let folded = lines(rows, columns: 30, endsInSentences: true)
    #expect(folded.first == "✗ error  bundle")
    #expect(folded.count > 3 && folded.allSatisfy { $0.count <= 30 })
    #expect(folded.dropFirst().dropLast().allSatisfy { $0.hasPrefix("    ") })
    let words = folded.dropFirst().flatMap { $0.split(separator: " ") }.joined(separator: " ")
    #expect(words == sentence.description)
    // If the output is not a terminal, it stays on its line.
    #expect(lines(rows, endsInSentences: true) == ["✗ error  bundle  \(sentence)", ""])
  }

  @Test func aWordThatIsLongerThanALineGoesOnInTheNext() {
    let path: Text = "/a/very/long/path/without/any/space/in/it"
    let folded = lines([["x", path]], columns: 20, endsInSentences: true)
    #expect(folded.allSatisfy { $0.count <= 20 })
    #expect(folded.dropFirst().map { $0.drop { $0 == " " } }.joined() == path.description)
  }
}
