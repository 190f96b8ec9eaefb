import CLinux
import Testing
import Text

@testable import Linux

/// Serialized: the shipped program has no threads either.
@Suite(.serialized)
struct MemoryTests {
  private struct Block {
    let start: UnsafeMutableRawPointer
    let count: Int
    let mark: UInt8

    var keepsItsMark: Bool { MemoryTests.areAll(start, count, mark) }
  }

  /// Each byte equals the one before it, and so the first. The C library compares them, since a closure for each byte
  /// takes twenty seconds in a debug build.
  private static func areAll(_ start: UnsafeMutableRawPointer, _ count: Int, _ byte: UInt8) -> Bool {
    if count == 0 { return true }
    return start.load(as: UInt8.self) == byte && memcmp(start, start + 1, count - 1) == 0
  }

  @Test func everyBlockIsAlignedAndKeepsWhatIsWrittenIntoIt() throws {
    var numbers = SystemRandomNumberGenerator()
    var blocks: [Block] = []
    for round in 0..<20_000 {
      if round % 3 == 2, let place = blocks.indices.randomElement(using: &numbers) {
        let block = blocks.remove(at: place)
        #expect(block.keepsItsMark)
        giveBack(block.start)
      }
      // Around each power of two, and around the size from which blocks are mapped.
      let count = (1 << Int.random(in: 0...17, using: &numbers)) + Int.random(in: -1...17, using: &numbers)
      let start = try #require(allocate(count))
      #expect(UInt(bitPattern: start) % 16 == 0)
      let mark = UInt8.random(in: 0...255, using: &numbers)
      start.initializeMemory(as: UInt8.self, repeating: mark, count: count)
      blocks.append(Block(start: start, count: count, mark: mark))
      if blocks.count > 200 {
        let block = blocks.removeFirst()
        #expect(block.keepsItsMark)
        giveBack(block.start)
      }
    }
    for block in blocks {
      #expect(block.keepsItsMark)
      giveBack(block.start)
    }
  }

  @Test(arguments: [0, 1, 16, 17, 1000, 65520])
  func whatWasGivenBackIsHandedOut(count: Int) throws {
    let block = try #require(allocate(count))
    giveBack(block)
    let next = try #require(allocate(count))
    #expect(next == block)
    giveBack(next)
  }

  @Test func whatIsZeroedIsZeroEvenWhereItWasUsedBefore() throws {
    for count in [64, 100_000] {
      let used = try #require(allocate(count))
      used.initializeMemory(as: UInt8.self, repeating: 0xFF, count: count)
      giveBack(used)
      let zeros = try #require(allocateZeros(count / 4, 4))
      #expect(Self.areAll(zeros, count, 0))
      giveBack(zeros)
    }
  }

  @Test func anImpossibleAllocationReturnsNil() {
    #expect(allocate(.max) == nil)
    #expect(allocate(-1) == nil)
    #expect(allocate(1 << 60) == nil)
    #expect(allocateZeros(.max, 2) == nil)
    var block: UnsafeMutableRawPointer?
    #expect(allocate(&block, 32, 8) != 0)
    #expect(allocate(&block, 16, 8) == 0)
    giveBack(block)
    giveBack(nil)
  }
}
