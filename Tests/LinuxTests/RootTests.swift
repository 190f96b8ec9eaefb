import CLinux
import Testing
import Text

@testable import Linux

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Paths under another root: no link leads out of it.
struct RootTests {
  let directory: TemporaryDirectory
  let root: Root

  init() throws {
    directory = try TemporaryDirectory()
    root = try directory.root
    try directory.write("etc/file", bytes("inside"))
    try directory.write("outside", bytes("inside too"))
  }

  @Test func aRootMustBeAFolder() throws {
    #expect(throws: Errno(rawValue: ENOTDIR)) { try Root(at: directory.at("etc/file")) }
    #expect(throws: Errno(rawValue: ENOENT)) { try Root(at: directory.at("missing")) }
    #expect(Root.system.isSystem && !root.isSystem)
  }

  /// A link's text, and what is read through it.
  static let links: [(target: String, contents: String?)] = [
    ("file", "inside"), ("/etc/file", "inside"), ("../etc/file", "inside"),
    ("../../../../../../etc/file", "inside"), ("../../outside", "inside too"), ("/outside", "inside too"),
    ("/etc/passwd", nil), ("../../../../etc/passwd", nil), ("/proc/self/environ", nil), ("link", nil),
    ("nowhere", nil), (".", nil),
  ]

  @Test(arguments: links)
  func aLinkIsFollowedInsideTheRoot(target: String, contents: String?) throws {
    try directory.link("etc/link", to: target)
    let read = try? root.read(Path("/etc/link"), limit: 100)
    #expect(read.map { String(decoding: $0, as: UTF8.self) } == contents)
  }

  @Test(arguments: links)
  func aLinkAmongTheNamesOfAFolderIsFollowedInsideTheRoot(target: String, contents: String?) throws {
    try directory.link("etc/link", to: target)
    let folder = try Folder(Path("/etc"), in: root)
    defer { folder.close() }
    let file = try? root.openToRead(Path("link"), in: folder.descriptor, at: Path("/etc/link"))
    defer { file?.close() }
    let read = try? file?.readAll(limit: 100).contents
    #expect(read.map { String(decoding: $0, as: UTF8.self) } == contents)
  }

  @Test func whatIsNoRegularFileIsNotRead() throws {
    try directory.makeFIFO("fifo")
    try directory.link("to-fifo", to: "fifo")
    for root in [root, Root.system] {
      let prefix = root.isSystem ? directory.path : Path("/")
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

  @Test func whatStandsAtAPathIsTheSameUnderBothRoots() throws {
    try directory.link("etc/link", to: "file")
    try directory.link("etc/dead", to: "nowhere")
    let one = try #require(root.metadata(of: Path("/etc/link")))
    #expect(Root.system.metadata(of: directory.at("etc/file")) == one)
    #expect(one.kind == .regular && one.size == 6 && one.mode == 0o644)
    #expect(root.exists(Path("/etc")) && !root.exists(Path("/etc/dead")) && !root.exists(Path("/x/y")))
  }

  @Test func theSystemsPathOfWhatIsInsideIsFreeOfLinks() throws {
    try directory.link("conf", to: "/etc")
    #expect(root.systemPath(of: Path("/conf/file")) == directory.at("etc/file"))
    #expect(root.systemPath(of: Path("/conf/missing")) == nil)
    #expect(Root.system.systemPath(of: Path("/any/thing")) == Path("/any/thing"))
    #expect(Root.system.resolved(directory.at("etc/file")) == directory.at("etc/file"))
  }

  static let dead: [(path: StaticString, isDead: Bool)] = [
    ("/etc/dead", true), ("/etc/dead/a/b", true), ("/etc/missing", false), ("/etc/file", false),
    ("/missing/a", false), ("/etc/alive/x", false), ("/", false),
  ]

  @Test(arguments: dead)
  func whatIsMissingBehindADeadLinkIsToldFromWhatIsNotThere(path: StaticString, isDead: Bool) throws {
    try directory.link("etc/dead", to: "/nowhere")
    try directory.link("etc/alive", to: "/etc")
    #expect(root.isBehindDeadLink(Path(path)) == isDead)
  }
}
