import Testing
import Text

@testable import TestSupport

struct PathTests {
  private func shown(_ path: Path) -> String { String(decoding: path.bytes, as: UTF8.self) }

  static let splits: [(path: StaticString, directory: String, name: String)] = [
    ("/a/b", "/a", "b"), ("/a", "/", "a"), ("a", ".", "a"), ("a/b", "a", "b"), ("/", "/", ""),
    ("/a/", "/a", ""),
    ("", ".", ""), ("//a", "/", "a"),
  ]

  @Test(arguments: splits)
  func aPathIsSplitAtItsLastSlash(path: StaticString, directory: String, name: String) {
    let split = Path(path).split
    #expect(shown(split.directory) == directory && shown(split.name) == name)
  }

  static let joins: [(path: StaticString, name: StaticString, joined: String)] = [
    ("/a", "b", "/a/b"), ("/", "b", "/b"), ("", "b", "b"), ("/a/", "b", "/a/b"), ("/a", "b/c", "/a/b/c"),
  ]

  @Test(arguments: joins)
  func oneSlashStandsBetweenADirectoryAndAName(path: StaticString, name: StaticString, joined: String) {
    #expect(shown(Path(path).appending(name)) == joined)
    #expect(Path(path).appending(Path(name)) == Path(path).appending(name))
  }

  @Test func aPathEndsAtTheFirstNUL() {
    let path = Path([0x2F, 0x61, 0, 0x62])
    #expect(shown(path) == "/a" && path.terminated == [0x2F, 0x61, 0])
    #expect(Path("").isEmpty && !Path("").isAbsolute && Path("/").isAbsolute && !Path("a/").isAbsolute)
  }

  @Test func emptyComponentsAreLeftOut() {
    #expect(
      Path("//a/./b//").components.map { Array($0) } == [Array("a".utf8), Array(".".utf8), Array("b".utf8)])
    #expect(Path("/").components.isEmpty)
    #expect(shown(Path("/a.pem").suffixed(".old")) == "/a.pem.old")
  }

  @Test func aURLInsteadOfAPathIsNotShown() {
    #expect(Path("http://user:secret@proxy").shown == "(not shown: no path)")
    #expect(Path("/a\nb").shown == "/a\\x0ab")
  }
}
