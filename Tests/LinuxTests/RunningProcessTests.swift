import Testing
import Text

@testable import Linux
@testable import TestSupport

/// What /proc says about a process, and whether it shows TLS.
struct RunningProcessTests {
  private func process(_ stat: String) -> RunningProcess? {
    RunningProcess(ProcessID(rawValue: 7), stat: Array(stat.utf8))
  }

  @Test func theNameMayHoldAnyByte() throws {
    let numbers = (5...22).map { "\($0)" }.joined(separator: " ")
    let read = try #require(process("7 (a) S 1 (x) 2)) S 3 \(numbers) 4096 0\n"))
    #expect(read.name == Array("a) S 1 (x) 2)".utf8))
    #expect(read.parent == ProcessID(rawValue: 3))
    #expect(read.started == 22 && read.hasMemory)
    #expect(try #require(process("7 (k) Z 2 \(numbers) 0 0\n")).hasMemory == false)
  }

  @Test(arguments: ["", "7", "7 (a", "7 )a( S 1", "7 (a) S", "7 (a) S x", "7 (a) S -1"])
  func whatIsNoStatIsNoProcess(text: String) {
    #expect(process(text) == nil)
  }

  @Test func aStartThatCannotBeReadIsNotKnown() throws {
    let read = try #require(process("7 (a) S 1 2 3"))
    #expect(read.started == nil && read.hasMemory)
  }

  @Test func thisProcessAndItsAncestorsAreNotAmongTheOthers() throws {
    let all = try RunningProcess.all(startedBefore: Clock.ticksSinceBoot)
    #expect(!all.contains { $0.id == .current || $0.id == .parent })
    #expect(try RunningProcess.all(startedBefore: -1).allSatisfy { $0.started == nil })
  }

  static let lines: [(line: String, file: String?)] = [
    ("55-56 r-xp 00000000 00:19 42                 /usr/bin/a b", "/usr/bin/a b"),
    ("55-56 r--p 00000000 00:19 42                 /usr/bin/a", nil),
    ("55-56 rwxp 00000000 00:00 0", nil),
    ("55-56 r-xp 00000000 00:00 0                  [vdso]", nil),
    ("55-56 r-xp 00000000 00:19 42                 /a (deleted)", "/a (deleted)"),
    ("", nil), ("x", nil),
  ]

  @Test(arguments: lines)
  func codeIsWhatMayBeExecuted(line: String, file: String?) {
    let bytes = Array(line.utf8)
    #expect(mappedCode(in: bytes[...]).map { Array($0) } == file.map { Array($0.utf8) })
  }

  @Test func aWordIsFoundAcrossThePartsThatAreRead() throws {
    let temporary = try TemporaryDirectory()
    for (name, before, isThere) in [("a", 4090, true), ("b", 0, true), ("c", 8191, true), ("d", 5, false)] {
      let text: [UInt8] =
        [UInt8](repeating: 0x43, count: before) + Array((isThere ? "CERTIFICATE" : "CERTIFICAT").utf8)
      try temporary.write(name, text)
      let file = try temporary.root.openFile(Path(Array("/\(name)".utf8)))
      defer { file.close() }
      #expect(try file.contains("CERTIFICATE") == isThere)
    }
  }
}
