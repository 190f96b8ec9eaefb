import CLinux
import Testing
import Text

@testable import Linux
@testable import TestSupport

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Paths under another root: no link leads out of it.
struct RootTests {
  let temporary: TemporaryDirectory
  let root: Root

  init() throws {
    temporary = try TemporaryDirectory()
    root = try temporary.root
    try temporary.write("etc/file", bytes("inside"))
    try temporary.write("outside", bytes("inside too"))
  }

  @Test func aRootMustBeADirectory() throws {
    #expect(throws: Errno(rawValue: ENOTDIR)) { try Root(at: temporary.at("etc/file")) }
    #expect(throws: Errno(rawValue: ENOENT)) { try Root(at: temporary.at("missing")) }
    #expect(Root.system.isSystem && !root.isSystem)
  }

  /// The target of a link, and what is read through it.
  static let links: [(target: String, contents: String?)] = [
    ("file", "inside"), ("/etc/file", "inside"), ("../etc/file", "inside"),
    ("../../../../../../etc/file", "inside"), ("../../outside", "inside too"), ("/outside", "inside too"),
    ("/etc/passwd", nil), ("../../../../etc/passwd", nil), ("/proc/self/environ", nil), ("link", nil),
    ("nowhere", nil), (".", nil),
  ]

  @Test(arguments: links)
  func aLinkIsFollowedInsideTheRoot(target: String, contents: String?) throws {
    try temporary.link("etc/link", to: target)
    let read = try? root.read(Path("/etc/link"), limit: 100)
    #expect(read.map { String(decoding: $0, as: UTF8.self) } == contents)
  }

  @Test(arguments: links)
  func aLinkAmongTheNamesOfADirectoryIsFollowedInsideTheRoot(target: String, contents: String?) throws {
    try temporary.link("etc/link", to: target)
    let directory = try Directory(Path("/etc"), in: root)
    defer { directory.close() }
    let opened = try? root.openToRead(Path("link"), in: directory.descriptor, at: Path("/etc/link"))
    defer { opened?.file.close() }
    #expect(opened?.isLink != false)
    let read = try? opened?.file.readAll(limit: 100).contents
    #expect(read.map { String(decoding: $0, as: UTF8.self) } == contents)
  }

  @Test func whatIsNoRegularFileIsNotRead() throws {
    try temporary.makeFIFO("fifo")
    try temporary.link("to-fifo", to: "fifo")
    for root in [root, Root.system] {
      let prefix = root.isSystem ? temporary.path : Path("/")
      for name in ["fifo", "to-fifo", "etc"] {
        let path = prefix.appending(bytes(name)[...])
        #expect(throws: ReadError.notRegular, "\(name)") { try root.read(path, limit: 100) }
      }
      #expect(throws: ReadError.system(.noSuchFile)) { try root.read(prefix.appending("x"), limit: 100) }
    }
  }

  @Test func aLimitIsTheLargestSizeThatIsRead() throws {
    #expect(try root.read(Path("/etc/file"), limit: 6) == bytes("inside"))
    #expect(throws: ReadError.tooLarge) { try root.read(Path("/etc/file"), limit: 5) }
  }

  @Test func metadataIsTheSameUnderBothRoots() throws {
    try temporary.link("etc/link", to: "file")
    try temporary.link("etc/dead", to: "nowhere")
    let one = try #require(root.metadata(of: Path("/etc/link")))
    #expect(Root.system.metadata(of: temporary.at("etc/file")) == one)
    #expect(one.kind == .regular && one.size == 6 && one.mode == 0o644)
    #expect(root.exists(Path("/etc")) && !root.exists(Path("/etc/dead")) && !root.exists(Path("/x/y")))
  }

  @Test func theSystemsPathOfWhatIsInsideIsFreeOfLinks() throws {
    try temporary.link("conf", to: "/etc")
    #expect(root.systemPath(of: Path("/conf/file")) == temporary.at("etc/file"))
    #expect(root.systemPath(of: Path("/conf/missing")) == nil)
    #expect(Root.system.systemPath(of: Path("/any/thing")) == Path("/any/thing"))
    #expect(Root.system.resolved(temporary.at("etc/file")) == temporary.at("etc/file"))
  }

  static let dead: [(path: StaticString, isDead: Bool)] = [
    ("/etc/dead", true), ("/etc/dead/a/b", true), ("/etc/missing", false), ("/etc/file", false),
    ("/missing/a", false), ("/etc/alive/x", false), ("/", false),
  ]

  @Test(arguments: dead)
  func whatIsMissingBehindADeadLinkIsToldFromWhatIsNotThere(path: StaticString, isDead: Bool) throws {
    try temporary.link("etc/dead", to: "/nowhere")
    try temporary.link("etc/alive", to: "/etc")
    #expect(root.isBehindDeadLink(Path(path)) == isDead)
  }
}
