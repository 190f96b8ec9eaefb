import Testing

@testable import Text

@Suite struct SortedBytesTests {
  private let keys: [[UInt8]] = [[2], [1, 0], [], [1], [2], [1, 0], [255], [2]]

  @Test func bytesCountAsNumbersAndAPartComesBeforeTheWhole() {
    #expect(SortedBytes(keys).numbers.map { keys[$0] } == [[], [1], [1, 0], [1, 0], [2], [2], [2], [255]])
  }

  @Test func equalKeysStayInTheirOrderAndTheFirstIsFound() {
    let order = SortedBytes(keys)
    #expect(order.numbers == [2, 3, 1, 5, 0, 4, 7, 6])
    for (key, number) in [([2], 0), ([1, 0], 1), ([], 2), ([255], 6)] as [([UInt8], Int)] {
      #expect(order.number(of: key) == number)
    }
    #expect(!order.contains([3]) && !order.contains([1, 0, 0]))
  }

  @Test func theFirstsAreEachKeyOnce() {
    #expect(SortedBytes(keys).firsts == [0, 1, 2, 3, 6])
    #expect(SortedBytes([]).firsts == [])
    #expect(SortedBytes([[7]]).firsts == [0])
  }
}

@Suite struct CutTests {
  @Test(arguments: [
    ("", 5, ""), ("abcde", 5, "abcde"), ("abcdef", 5, "ab…"), ("abcdef", 3, "…"),
    // Each letter has two bytes: none is split.
    ("ääää", 8, "ääää"), ("äääää", 8, "ää…"), ("äääää", 9, "äää…"), ("\u{1F600}\u{1F600}", 7, "\u{1F600}…"),
  ])
  func aTextIsCutAtACharacter(_ whole: String, _ limit: Int, _ part: String) {
    let cut = Text(utf8: Array(whole.utf8)).cut(to: limit)
    #expect(cut.description == part)
    #expect(cut.utf8.count <= max(limit, 3))
  }
}
