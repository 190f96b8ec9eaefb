import CLinux
import Testing
import Text

@testable import Linux
@testable import TestSupport

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private func names(_ paths: [Path]) -> [String] { paths.map { $0.shown.description } }

struct DirectoryTests {
  let temporary: TemporaryDirectory
  init() throws { temporary = try TemporaryDirectory() }

  private func opened(_ path: String = "") throws(Errno) -> Directory {
    try Directory(temporary.at(path), in: .system)
  }

  @Test func namesComeInTheOrderOfTheirBytesWithoutTheTwoDots() throws {
    for name in ["b", "a", "B", ".hidden", "..x", "ab", "é"] { try temporary.write(name, []) }
    let directory = try opened()
    defer { directory.close() }
    #expect(names(try directory.names()) == ["..x", ".hidden", "B", "a", "ab", "b", "é"])
  }

  @Test func moreNamesThanFitOneCallAreAllListed() throws {
    let expected = (0..<500).map { "name-\(1000 + $0)-\(String(repeating: "x", count: $0 % 40))" }
    for name in expected { try temporary.write(name, []) }
    let directory = try opened()
    defer { directory.close() }
    #expect(names(try directory.names()) == expected.sorted())
  }

  @Test func aFileAndAMissingDirectoryAreNotOpened() throws {
    try temporary.write("file", [])
    #expect(throws: Errno(rawValue: ENOTDIR)) { try opened("file") }
    #expect(throws: Errno(rawValue: ENOENT)) { try opened("missing") }
  }

  @Test func aMissingDirectoryIsMadeWithThoseAboveItWhateverTheUmask() throws {
    let directory = try Directory.making(Path("/a/b/c"), in: try temporary.root)
    directory.close()
    for path in ["a", "a/b", "a/b/c"] {
      let metadata = try #require(Root.system.metadata(of: temporary.at(path)))
      #expect(metadata.kind == .directory && metadata.mode == 0o755)
    }
    // Doing it again is not an error.
    try Directory.making(Path("/a/b/c"), in: try temporary.root).close()
    try temporary.write("a/file", [])
    #expect(throws: Errno(rawValue: ENOTDIR)) {
      try Directory.making(Path("/a/file/x"), in: try temporary.root)
    }
  }

  @Test func aLinkIsSeenAsItselfAndThroughToWhatItMeans() throws {
    try temporary.write("file", bytes("text"))
    try temporary.link("link", to: "file")
    try temporary.link("dead", to: "nowhere")
    let directory = try opened()
    defer { directory.close() }
    #expect(directory.metadata(of: Path("link"))?.kind == .link)
    #expect(directory.metadata(of: Path("file"))?.kind == .regular)
    #expect(directory.metadata(of: Path("nothing")) == nil)
    #expect(directory.resolves(Path("link")))
    #expect(directory.metadata(of: Path("dead"))?.kind == .link && !directory.resolves(Path("dead")))
    #expect(try directory.target(ofLink: Path("dead")) == Path("nowhere"))
    #expect(throws: Errno(rawValue: EINVAL)) { try directory.target(ofLink: Path("file")) }
  }

  @Test func namesAreLinkedRenamedAndRemovedInTheVeryDirectory() throws {
    try temporary.write("a", bytes("text"))
    try temporary.makeDirectory("sub")
    let (directory, sub) = (try opened(), try opened("sub"))
    defer {
      directory.close()
      sub.close()
    }
    let identity = try #require(directory.metadata(of: Path("a"))?.identity)
    try directory.link(Path("a"), to: Path("b"))
    try directory.link(Path("a"), to: Path("c"), in: sub)
    #expect(directory.metadata(of: Path("b"))?.identity == identity)
    #expect(sub.metadata(of: Path("c"))?.identity == identity)
    #expect(throws: Errno(rawValue: EEXIST)) { try directory.link(Path("a"), to: Path("b")) }
    try directory.rename(Path("b"), to: Path("d"))
    try directory.remove(Path("a"))
    #expect(names(try opened().names()) == ["d", "sub"])
    #expect(throws: Errno(rawValue: ENOENT)) { try directory.remove(Path("a")) }
    #expect(throws: (any Error).self) { try directory.remove(Path("sub")) }
    // It is the directory that was opened, whatever its name refers to now.
    try directory.rename(Path("sub"), to: Path("moved"))
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
      try temporary.makeDirectory("sub", mode: mode)
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

  @Test func mountPointsAreRecognized() throws {
    try temporary.write("file", [])
    let directory = try opened()
    defer { directory.close() }
    #expect(!directory.isMountPoint(Path("file")) && !directory.isMountPoint(Path("missing")))
    let top = try Directory(Path("/"), in: .system)
    defer { top.close() }
    #expect(top.isMountPoint(Path("proc")))
  }

  @Test func aDirectoryThatMayBeWrittenAllowsChanges() throws {
    let directory = try opened()
    defer { directory.close() }
    #expect(throws: Never.self) { try directory.allowsChanges() }
  }
}
