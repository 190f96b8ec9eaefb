import Testing

@testable import Linux

@Suite struct AccountTests {
  private let passwd = Array("svc:x:1234:2345::/srv:/bin/sh\n".utf8)

  private func groups(_ lines: String...) -> [UInt8] { Array(lines.joined(separator: "\n").utf8) }

  @Test func aGroupThatListsTheUserTwiceCountsOnceAndTheOrderStays() throws {
    let account = try Account(
      Array("svc".utf8), passwd: passwd,
      groups: groups("b:x:9:svc", "a:x:7:other,svc", "again:x:9:svc,svc", "no:x:8:svcs"))
    #expect(account.supplementaryGroups == [9, 7])
  }

  /// As many as a file of the maximum size can contain; searching them one by one would take an hour.
  @Test(.timeLimit(.minutes(1))) func aFileFullOfGroupsIsReadInTheTimeThatItTakesToSortThem() throws {
    let many = (0..<300_000).map { "g:x:\($0):svc" }.joined(separator: "\n")
    let account = try Account(Array("svc".utf8), passwd: passwd, groups: groups(many))
    #expect(account.supplementaryGroups.count == 300_000)
  }
}
