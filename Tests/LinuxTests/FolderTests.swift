import CLinux
import Testing
import Text

@testable import Linux

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private func names(_ paths: [Path]) -> [String] { paths.map { $0.shown.description } }

struct FolderTests {
  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  private func opened(_ path: String = "") throws(Errno) -> Folder {
    try Folder(directory.at(path), in: .system)
  }

  @Test func namesComeInTheOrderOfTheirBytesWithoutTheTwoDots() throws {
    for name in ["b", "a", "B", ".hidden", "..x", "ab", "é"] { try directory.write(name, []) }
    let folder = try opened()
    defer { folder.close() }
    #expect(names(try folder.names()) == ["..x", ".hidden", "B", "a", "ab", "b", "é"])
  }

  @Test func moreNamesThanFitOneCallAreAllListed() throws {
    let expected = (0..<500).map { "name-\(1000 + $0)-\(String(repeating: "x", count: $0 % 40))" }
    for name in expected { try directory.write(name, []) }
    let folder = try opened()
    defer { folder.close() }
    #expect(names(try folder.names()) == expected.sorted())
  }

  @Test func aFileIsNoFolderAndAMissingOneIsNone() throws {
    try directory.write("file", [])
    #expect(throws: Errno(rawValue: ENOTDIR)) { try opened("file") }
    #expect(throws: Errno(rawValue: ENOENT)) { try opened("missing") }
  }

  @Test func aMissingFolderIsMadeWithThoseAboveItWhateverTheUmask() throws {
    let folder = try Folder.making(Path("/a/b/c"), in: try directory.root)
    folder.close()
    for path in ["a", "a/b", "a/b/c"] {
      let metadata = try #require(Root.system.metadata(of: directory.at(path)))
      #expect(metadata.kind == .folder && metadata.mode == 0o755)
    }
    // Once more is no error.
    try Folder.making(Path("/a/b/c"), in: try directory.root).close()
    try directory.write("a/file", [])
    #expect(throws: Errno(rawValue: ENOTDIR)) { try Folder.making(Path("/a/file/x"), in: try directory.root) }
  }

  @Test func aLinkIsSeenAsItselfAndThroughToWhatItMeans() throws {
    try directory.write("file", bytes("text"))
    try directory.link("link", to: "file")
    try directory.link("dead", to: "nowhere")
    let folder = try opened()
    defer { folder.close() }
    #expect(folder.metadata(of: Path("link"))?.kind == .link)
    #expect(folder.metadata(of: Path("file"))?.kind == .regular)
    #expect(folder.metadata(of: Path("nothing")) == nil)
    #expect(folder.leadsSomewhere(Path("link")))
    #expect(folder.metadata(of: Path("dead"))?.kind == .link && !folder.leadsSomewhere(Path("dead")))
    #expect(try folder.target(ofLink: Path("dead")) == Path("nowhere"))
    #expect(throws: Errno(rawValue: EINVAL)) { try folder.target(ofLink: Path("file")) }
  }

  @Test func namesAreLinkedRenamedAndRemovedInTheVeryFolder() throws {
    try directory.write("a", bytes("text"))
    try directory.makeDirectory("sub")
    let (folder, sub) = (try opened(), try opened("sub"))
    defer {
      folder.close()
      sub.close()
    }
    let identity = try #require(folder.metadata(of: Path("a"))?.identity)
    try folder.link(Path("a"), to: Path("b"))
    try folder.link(Path("a"), to: Path("c"), in: sub)
    #expect(folder.metadata(of: Path("b"))?.identity == identity)
    #expect(sub.metadata(of: Path("c"))?.identity == identity)
    #expect(throws: Errno(rawValue: EEXIST)) { try folder.link(Path("a"), to: Path("b")) }
    try folder.rename(Path("b"), to: Path("d"))
    try folder.remove(Path("a"))
    #expect(names(try opened().names()) == ["d", "sub"])
    #expect(throws: Errno(rawValue: ENOENT)) { try folder.remove(Path("a")) }
    #expect(throws: (any Error).self) { try folder.remove(Path("sub")) }
    // The folder is the one that was opened, whatever its name has become.
    try folder.rename(Path("sub"), to: Path("moved"))
    #expect(names(try sub.names()) == ["c"])
  }

  @Test func onlyOneAtATimeHasTheLock() throws {
    let (one, other) = (try opened(), try opened())
    defer { other.close() }
    #expect(one.lock(until: Deadline(secondsFromNow: 1)))
    #expect(!other.lock(until: Deadline(nanosecondsFromNow: 30_000_000)))
    one.close()
    #expect(other.lock(until: Deadline(secondsFromNow: 1)))
  }

  @Test func aLockThatOthersMayHoldIsWaitedForTwoSeconds() throws {
    for (mode, seconds) in [(UInt32(0o755), 2.0), (0o700, 3.0)] {
      try directory.makeDirectory("sub", mode: mode)
      let (one, other) = (try opened("sub"), try opened("sub"))
      defer {
        one.close()
        other.close()
      }
      #expect(one.lock(until: Deadline(secondsFromNow: 1)))
      let begin = Clock.monotonic
      #expect(!other.lock(until: Deadline(secondsFromNow: 3)))
      let waited = Double(Clock.monotonic - begin) / 1e9
      #expect(waited > seconds - 0.1 && waited < seconds + 0.9, "mode \(mode)")
    }
  }

  @Test func whatIsMountedIsToldFromWhatIsNot() throws {
    try directory.write("file", [])
    let folder = try opened()
    defer { folder.close() }
    #expect(!folder.isMountPoint(Path("file")) && !folder.isMountPoint(Path("missing")))
    let top = try Folder(Path("/"), in: .system)
    defer { top.close() }
    #expect(top.isMountPoint(Path("proc")))
  }

  @Test func aFolderThatMayBeWrittenAllowsChanges() throws {
    let folder = try opened()
    defer { folder.close() }
    #expect(throws: Never.self) { try folder.allowsChanges() }
  }
}
