import CLinux
import Testing
import Text

@testable import Linux
@testable import TestSupport

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

struct FileDescriptorTests {
  let temporary: TemporaryDirectory
  init() throws { temporary = try TemporaryDirectory() }

  private func opened(
    _ contents: [UInt8], _ body: (FileDescriptor) throws -> Void
  ) throws {
    try temporary.write("file", contents)
    let file = try FileDescriptor.currentDirectory.openFile(temporary.at("file"))
    defer { file.close() }
    try body(file)
  }

  /// Around the size of the buffers on the stack, and of larger allocations.
  @Test(arguments: [0, 1, 4095, 4096, 4097, 16384, 16385, 65536, 65537, 300_000])
  func aFileIsReadAsAWhole(count: Int) throws {
    let contents = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    try opened(contents) { file in
      #expect(try file.readAll(limit: count).contents == contents)
      try file.rewind()
      if count > 0 { #expect(throws: ReadError.tooLarge) { try file.readAll(limit: count - 1) } }
    }
    // Expected contents: the same, one byte less, and with another last byte.
    var variants = [contents, Array(contents.dropLast())]
    if let last = contents.last { variants.append(contents.dropLast() + [last ^ 1]) }
    for other in variants {
      try opened(contents) { file in
        let read = try file.readAll(limit: count, like: other).contents
        #expect(read == contents)
      }
    }
  }

  @Test(arguments: [0, 1, 8143, 8144, 8145, 16288, 40_000])
  func aFileIsReadInPiecesAndComparedWithAnother(count: Int) throws {
    let contents = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 251) }
    try opened(contents) { file in
      #expect(try file.ending(of: count, count: 7) == contents.suffix(7))
      // The expected contents, and whether they are the actual ones.
      for (size, isWhole) in [(count, true), (count - 1, false), (count + 1, true)] where size >= 0 {
        try file.rewind()
        var read: [UInt8] = []
        let isRead = file.readPieces(size) { append in !append(&read, 1000) }
        #expect(isRead == isWhole, "\(size)")
        if isWhole { #expect(read == contents) }
      }
      var variants = [(contents, true), (contents + [1], false), (Array(contents.dropLast()), count == 0)]
      if let last = contents.last { variants.append((contents.dropLast() + [last ^ 1], false)) }
      for (other, isSame) in variants {
        try temporary.write("other", other)
        let written = try FileDescriptor.currentDirectory.openFile(temporary.at("other"))
        defer { written.close() }
        try file.rewind()
        #expect(try file.hasContents(of: written, size: count) == isSame)
      }
    }
  }

  @Test func aFileThatHasGrownSinceIsReadToItsEnd() throws {
    try opened(bytes("first ")) { file in
      let known = try file.metadata()
      let writer = try FileDescriptor.currentDirectory.open(temporary.at("file"), [.writeOnly])
      try writer.write([UInt8](repeating: 0x78, count: 200_000))
      writer.close()
      let read = try file.readAll(known, limit: 1 << 20).contents
      #expect(read.count == 200_000 && read.allSatisfy { $0 == 0x78 })
      try file.rewind()
      #expect(throws: ReadError.tooLarge) { try file.readAll(known, limit: 100_000) }
    }
  }

  @Test func aFileThatHasShrunkSinceIsReadToItsEnd() throws {
    try opened(bytes("much text")) { file in
      let known = try file.metadata()
      #expect(truncate(temporary.at("file").terminated.map { CChar(bitPattern: $0) }, 4) == 0)
      #expect(try file.readAll(known, limit: 100).contents == bytes("much"))
    }
  }

  @Test func aFIFOIsNotEvenOpenedAndADirectoryIsNoFile() throws {
    try temporary.makeFIFO("fifo")
    #expect(try FileDescriptor.currentDirectory.openToRead(temporary.at("fifo")) == nil)
    #expect(throws: ReadError.notRegular) {
      try FileDescriptor.currentDirectory.openFile(temporary.at("fifo"))
    }
    let directory = try FileDescriptor.currentDirectory.openFile(temporary.path)
    defer { directory.close() }
    #expect(throws: ReadError.notRegular) { try directory.readAll(limit: 100) }
  }

  @Test func aLinkIsFollowedUnlessThatIsNotWanted() throws {
    try temporary.write("file", bytes("text"))
    try temporary.link("link", to: "file")
    try FileDescriptor.currentDirectory.openFile(temporary.at("link")).close()
    #expect(throws: ReadError.system(.tooManyLinks)) {
      try FileDescriptor.currentDirectory.openFile(temporary.at("link"), [.noFollow])
    }
  }

  @Test func aPipeGivesWhatIsThereAndThenItsEnd() throws {
    let pipe = try FileDescriptor.pipe()
    defer { pipe.reading.close() }
    #expect(pipe.reading.isOpen && !pipe.reading.isTerminal && pipe.reading.terminalColumns == nil)
    pipe.reading.setNonBlocking()
    #expect(throws: Errno.wouldBlock) { try pipe.reading.readSome() }
    #expect(waitToRead([pipe.reading], until: Deadline(nanosecondsFromNow: 0)) == 0)
    try pipe.writing.write(bytes("abc"))
    #expect(waitToRead([pipe.reading], until: Deadline(secondsFromNow: 5)) == 1)
    #expect(try pipe.reading.readSome() == bytes("abc"))
    pipe.writing.close()
    #expect(try pipe.reading.readSome().isEmpty)
  }

  @Test func whatTheFileIsComesAsTheKernelSaysIt() throws {
    try temporary.write("file", bytes("text"), mode: 0o4751)
    let file = try FileDescriptor.currentDirectory.openFile(temporary.at("file"))
    defer { file.close() }
    let metadata = try file.metadata()
    #expect(metadata.kind == .regular && metadata.size == 4 && metadata.mode == 0o4751)
    #expect(metadata.user == geteuid())
    #expect(abs(metadata.modified / 1_000_000_000 - Clock.secondsSinceEpoch) < 60)
    try file.setMode(0o600)
    #expect(try file.metadata().mode == 0o600)
    #expect(try FileDescriptor.currentDirectory.status(of: temporary.path, flags: 0).kind == .directory)
  }

  @Test func aCopyHasAHigherNumberAndOutlivesItsOriginal() throws {
    try opened(bytes("text")) { file in
      let copy = try file.copy(above: 40)
      defer { copy.close() }
      #expect(copy.rawValue > 40)
      #expect(try copy.metadata() == file.metadata())
      #expect(try file.aboveStandard() == file)
    }
  }
}
