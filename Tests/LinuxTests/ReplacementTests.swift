import CLinux
import Testing
import Text

@testable import Linux
@testable import TestSupport

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A file is replaced as a whole or not at all, and no temporary file remains.
struct ReplacementTests {
  let temporary: TemporaryDirectory
  let directory: Directory
  private static let name = Path("cacert.pem")

  init() throws {
    temporary = try TemporaryDirectory()
    try temporary.write("cacert.pem", bytes("old"), mode: 0o640)
    directory = try Directory(temporary.path, in: .system)
  }

  private func replacement(mode: UInt32 = 0o640) -> Replacement {
    Replacement(mode: mode, owner: nil, expected: directory.metadata(of: Self.name))
  }

  private func names() throws -> [String] {
    // A directory that has been listed is at its end.
    let directory = try Directory(temporary.path, in: .system)
    defer { directory.close() }
    return try directory.names().map { $0.shown.description }
  }

  @Test func theNewFileHasTheContentsAndTheModeWhateverTheUmask() throws {
    let former = directory.metadata(of: Self.name)?.identity
    try replacement(mode: 0o666).replace(Self.name, in: directory, with: bytes("new")) { $0 == bytes("new") }
    #expect(try temporary.read("cacert.pem") == bytes("new"))
    let metadata = try #require(directory.metadata(of: Self.name))
    #expect(metadata.mode == 0o666 && metadata.identity != former)
    #expect(try names() == ["cacert.pem"])
  }

  @Test func whatTheCheckRefusesDoesNotTakeTheName() throws {
    #expect(throws: Replacement.Failure.notWhole) {
      try replacement().replace(Self.name, in: directory, with: bytes("new")) { _ in false }
    }
    #expect(try temporary.read("cacert.pem") == bytes("old"))
    #expect(try names() == ["cacert.pem"])
  }

  @Test func aFileThatAnotherProcessReplacedStays() throws {
    let replacement = replacement()
    // First under a name of its own, because the inode of a removed file may be reused.
    try temporary.write("other", bytes("theirs"))
    try directory.rename(Path("other"), to: Self.name)
    #expect(throws: Replacement.Failure.overtaken) {
      try replacement.replace(Self.name, in: directory, with: bytes("new")) { _ in true }
    }
    #expect(try temporary.read("cacert.pem") == bytes("theirs"))
    #expect(try names() == ["cacert.pem"])
  }

  @Test func aMissingFileIsCreatedOnlyIfNoneWasExpected() throws {
    let none = Replacement(mode: 0o644, owner: nil, expected: nil)
    try none.replace(Path("fresh"), in: directory, with: bytes("new"), isDurable: false) { _ in true }
    #expect(try temporary.read("fresh") == bytes("new"))
    #expect(throws: Replacement.Failure.overtaken) {
      try none.replace(Self.name, in: directory, with: bytes("new")) { _ in true }
    }
  }

  @Test func aStepThatIsRefusedIsNamed() throws {
    #expect(throws: Replacement.Failure.system(.create, Errno(rawValue: ENAMETOOLONG))) {
      let long = Path([UInt8](repeating: 0x61, count: 250))
      try Replacement(mode: 0o644, owner: nil, expected: nil)
        .replace(long, in: directory, with: []) { _ in true }
    }
    try temporary.makeDirectory("taken")
    #expect(throws: Replacement.Failure.system(.rename, Errno(rawValue: EISDIR))) {
      let taken = Path("taken")
      try Replacement(mode: 0o644, owner: nil, expected: directory.metadata(of: taken))
        .replace(taken, in: directory, with: []) { _ in true }
    }
    #expect(try names() == ["cacert.pem", "taken"])
  }

  @Test func leftoversOfThisNameAreRemovedAndNoOthers() throws {
    let all = [
      ".psm-entry-new.cacert.pem.1", ".psm-entry-new.cacert.pem.99", ".psm-entry-new.other.pem.1",
      "cacert.pem.bak",
    ]
    for name in all { try temporary.write(name, []) }
    Replacement.removeLeftovers(of: Self.name, in: directory, among: try directory.names())
    #expect(try names() == [".psm-entry-new.other.pem.1", "cacert.pem", "cacert.pem.bak"])
  }

  @Test func aTemporaryNameIsRecognized() {
    let name = Replacement.temporaryName(for: Self.name)
    #expect(Replacement.isTemporary(name, for: Self.name))
    #expect(!Replacement.isTemporary(name, for: Path("acert.pem")))
    #expect(!Replacement.isTemporary(Self.name, for: Self.name))
  }
}
