import Testing
import Text

@testable import Proxies

struct NoProxyTests {
  /// The input, the value for the environment, and the repairs.
  static let lists: [(String, String, NoProxyRepairs)] = [
    ("", "", []),
    ("a", "a", []),
    ("a,b", "a,b", []),
    ("a, b", "a,b", .separators),
    ("a;b c\td\ne", "a,b,c,d,e", .separators),
    (",a,,b,", "a,b", .separators),
    ("\"a,b\"", "a,b", .quotes),
    ("'a' , \"b\"", "a,b", [.quotes, .separators]),
    ("\"\"", "", .quotes),
    ("a,A,b,a", "a,b", .duplicates),
    ("*.corp", ".corp", .wildcards),
    ("*.corp:8080", ".corp:8080", .wildcards),
    (".corp,*.corp", ".corp", [.wildcards, .duplicates]),
    ("*.*.corp", "*.*.corp", []),
    ("*corp", "*corp", []),
    ("*.", "*.", []),
    ("*", "*", []),
    ("*,*", "*", .duplicates),
    ("a,*", "a,*", []),
    ("[::1]", "::1", .brackets),
    ("[fd00::]/8", "fd00::/8", .brackets),
    ("[::1]:80", "[::1]:80", []),
    ("[a]", "[a]", []),
    ("[", "[", []),
    ("10.0.0.0/8,::1", "10.0.0.0/8,::1", []),
  ]

  @Test(arguments: lists)
  func aListIsNormalised(written: String, value: String, repairs: NoProxyRepairs) {
    let list = NoProxyList(bytes(written))
    #expect(text(list.value) == value)
    #expect(list.repairs == repairs)
    let again = NoProxyList(list.value)
    #expect(again.value == list.value)
    #expect(again.repairs == [])
  }

  static let kinds: [(String, NoProxyKind)] = [
    ("localhost", .name), ("repo_api", .name), ("repo.corp", .name), ("1.corp", .name),
    ("repo.corp.", .rootedName),
    (".corp", .suffix), (".a.corp", .suffix), (".corp.", .suffix), ("*", .everything),
    ("10.1.2.3", .ipv4), ("::1", .ipv6Loopback), ("fd00::1", .ipv6), ("::ffff:10.0.0.1", .ipv6Longer),
    ("fd00:0::1", .ipv6Longer), ("FD00::1", .ipv6), ("fd00::01", .ipv6Longer),
    ("1:0:0:2:3:4:5:6", .ipv6Longer),
    ("1::2:3:4:5:6:7", .ipv6Longer), ("1:0:2:3:4:5:6:7", .ipv6), ("::", .ipv6), ("1::", .ipv6),
    ("2001:db8::1:0:0:1", .ipv6), ("1::2:0:0:0:0:3", .ipv6Longer),
    ("10.0.0.0/8", .ipv4Network), ("10.0.0.0/33", .unreadable), ("10.0.0.0/", .unreadable),
    ("fd00::/8", .ipv6Network), ("fd00::/129", .unreadable), ("10.0.0.0/255.0.0.0", .ipv4Mask),
    ("10.0.0.1-10.0.0.9", .ipv4Range), ("repo.corp:8080", .nameWithPort), (".corp:8080", .suffixWithPort),
    ("10.1.2.3:8080", .ipv4WithPort), ("repo.corp:", .unreadable), ("repo.corp:x", .unreadable),
    ("a:b:1", .unreadable), ("a:1:1", .unreadable), ("*:1:1", .unreadable),
    ("[::1]:8080", .ipv6WithPort), ("[a]:8080", .unreadable), ("10.*", .wildcard), ("*corp", .wildcard),
    ("repo*.corp", .wildcard), ("repo*:8080", .wildcard), ("*:8080", .wildcard),
    ("http://repo.corp", .address),
    ("u:p@repo.corp", .address), ("<local>", .unreadable), ("10.1", .unreadable), ("10.1.", .unreadable),
    (".", .unreadable), ("..", .unreadable), ("b\u{FC}cher.de", .unreadable), ("[::1]", .unreadable),
    ("a/b", .unreadable),
  ]

  @Test(arguments: kinds)
  func anEntryIsOfOneKind(entry: String, kind: NoProxyKind) {
    #expect(NoProxyEntry(bytes(entry)).kind == kind)
  }

  @Test func aPastedAddressIsNotShown() {
    for list in ["http://u:geheim@repo", "http://u:ge,heim@repo", "repo,u:gehe im@repo", "http://u:geheim"] {
      let shown = NoProxyList(bytes(list)).shown
      #expect(!shown.contains("ge") && !shown.contains("im"), "\(shown)")
    }
    #expect(NoProxyList(bytes("repo,.corp,\u{1B}[2J,<local>")).shown == "repo,.corp,***,<local>")
  }

  @Test func everyRowOfTheTableIsOfTheKindOfItsExample() {
    for kind in NoProxyKind.allCases {
      let row = portability(of: kind)
      #expect(NoProxyList(row.example.entry.bytes).entries.last?.kind == row.kind)
    }
  }

  @Test(arguments: Self.kinds)
  func everyKindHasItsRow(entry: String, kind: NoProxyKind) {
    #expect(portability(of: NoProxyEntry(bytes(entry))).kind == kind)
  }

  static let clients: [(String, String)] = [
    ("repo.corp", "curl wget urllib requests aiohttp Go Ruby Node Node fetch rattler httpx uv"),
    ("*", "curl urllib requests aiohttp Go Node Node fetch rattler httpx uv"),
    ("10.0.0.0/8", "curl requests Go Ruby rattler uv"),
    ("repo.corp:8080", "urllib requests Go Ruby Node Node fetch httpx"),
    ("repo.corp:443", "Go Ruby Node Node fetch"),
    ("http://repo.corp", "httpx"),
  ]

  @Test(arguments: clients)
  func theClientsThatHonorAnEntryAreNamed(entry: String, names: String) {
    #expect(portability(of: NoProxyEntry(bytes(entry))).honoredBy.names.joined(by: " ").description == names)
  }

  @Test func anAsteriskMeansLessAmongOthers() {
    let list = NoProxyList(bytes("a,*"))
    #expect(
      list.entries.map { portability(of: $0).honoredBy } == [.all, [.go, .node, .rattler, .httpx, .uv]])
    #expect(NoProxyList(bytes("*")).entries.map(\.kind) == [.everything])
  }

  @Test func whatAStartAddsItselfDeservesNoWarning() {
    for entry in Unified(["ALL_PROXY=http://p:1"], hostName: "box-1").outcome.noProxy {
      #expect(!portability(of: entry).deservesWarning)
    }
    #expect(portability(of: NoProxyEntry(bytes("10.0.0.0/8"))).deservesWarning)
  }
}

/// Lists as long as an environment can hold are processed in the time it takes to sort them.
struct LongNoProxyTests {
  @Test func anEntryOfNothingButPortsIsReadOnce() {
    let ports = String(repeating: ":1", count: 65_000)
    #expect(NoProxyList(bytes("a\(ports)")).entries.map(\.kind) == [.unreadable])
  }

  @Test func ofManySpellingsThatDifferEightAreNamedAndTheRestCounted() throws {
    // All spellings of all_proxy.
    let names = (0..<256).map { number in
      String(
        "all_proxy".enumerated().map { place, letter in
          number >> place & 1 == 1 ? Character(letter.uppercased()) : letter
        })
    }
    let spellings = Set(names).sorted()
    let unified = Unified(spellings.enumerated().map { "\($1)=http://p\($0):1" } + ["no_proxy=*"])
    let warnings = unified.notes(.warning)
    #expect(warnings.count == 9)
    #expect(
      try #require(warnings.last).message.contains("\(spellings.count - 1 - 8) more problems not shown"))
    #expect(unified.environment.count == 4)
  }

  @Test func ofManyRepetitionsThatDifferEightAreNamedAndTheRestCounted() throws {
    let unified = Unified((0..<1000).map { "NO_PROXY=host\($0)" })
    #expect(unified.notes(.warning).count == 9)
    #expect(try #require(unified.notes(.warning).last).message.contains("991 more problems not shown"))
  }

  @Test func ofLongListsThatDifferAsMuchIsShownAsLeavesRoomForWhatToDo() throws {
    let long = (0..<5000).map { "host\($0).corp" }.joined(separator: ",")
    let unified = Unified(["no_proxy=\(long)", "NO_PROXY=\(long),other", "ALL_PROXY=http://p:1"])
    let message = try #require(unified.notes(.warning).first).message
    #expect(message.utf8.count < 1024)
    #expect(message.contains("host0.corp") && message.contains("…") && message.contains("--prefer lower"))
  }
}

struct FailingEntriesTests {
  /// An entry, and whether httpx raises on every request because of it: each was tried with httpx 0.28.
  static let entries: [(String, Bool)] = [
    ("repo.corp", false), ("a_b.corp", false), ("fd00::1", false), ("FD00:0::1", false), ("::1", false),
    ("fe80::1%lo", false), ("10.0.0.0/8", false), ("a:8080", false), ("a:", false), ("<local>", false),
    ("[x]", false), ("a@b", false), ("http://repo.corp", false), ("http://b\u{FC}cher.corp", false),
    ("http://[fd00::1]:8080", false), ("://x", false), ("*.*", false),
    ("fd00::/8", true), ("::1/128", true), ("[fd00::1]:8080", true), ("[fd00::1]:http", true),
    ("fd00::g", true),
    ("b\u{FC}cher.corp", true), ("a_b.corp:x", true), ("a:1:2", true), ("a@b:c", true), ("a\u{1}b", true),
    ("http://repo.corp:x", true), ("http://[x]", true), ("http://[fd00::1]x", true),
  ]

  @Test(arguments: entries)
  func anEntryOnWhichHTTPXFailsIsKnown(entry: String, fails: Bool) {
    #expect(NoProxyEntry(bytes(entry)).failsHTTPX == fails)
  }

  @Test(arguments: entries.filter(\.1).map(\.0))
  func itIsWarnedOfUnlessHTTPXReadsNoEntry(entry: String) {
    #expect(Unified(["no_proxy=\(entry)"]).notes(.warning).count == 1)
    let added = Unified(["https_proxy=http://p:1"], additions: entry)
    #expect(added.notes(.warning).count { $0.message.contains("httpx") } == 1)
    #expect(Unified(["no_proxy=\(entry),*"]).notes(.warning).allSatisfy { !$0.message.contains("httpx") })
  }
}
