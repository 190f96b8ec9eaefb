import Linux
import Proxies
import Testing
import Text

@testable import Entry
@testable import TestSupport

/// What `check --connect` asks for, which ways it goes, and how it explains what it meets; without a network.
struct ConnectTests {
  static let targets: [(url: String, shown: String?)] = [
    ("https://repo.anaconda.com", "repo.anaconda.com:443"), ("https://repo:8443/pkgs/main", "repo:8443"),
    ("HTTPS://Repo/", "Repo:443"), ("https://[fd00::1]:8443", "[fd00::1]:8443"),
    ("https://10.0.0.1", "10.0.0.1:443"), ("http://repo", nil), ("repo", nil), ("", nil), ("https://", nil),
    ("https://user:secret@repo", nil), ("https://repo:0", nil), ("https://repo:x", nil),
    ("https://repo:70000", nil), ("https:/repo", nil),
  ]

  @Test(arguments: targets)
  func aTargetIsAnAddressOfHTTPS(url: String, shown: String?) {
    #expect(ConnectTarget(bytes(url))?.shown.description == shown)
  }

  private func context(_ environment: [String], in root: Root = .system) throws -> (StartContext, CommandLine)
  {
    let source = Source(
      commandLine: try CommandLine(["check", "--certs", "/nonexistent"].map(bytes)),
      environment: Environment(entries: environment.map(bytes)))
    let settings = try Settings(source, BasicSettings(source))
    return (StartContext(settings, source.environment, in: root), source.commandLine)
  }

  private func routes(_ environment: [String], _ options: [String] = [], in root: Root = .system) throws
    -> [String]
  {
    let (context, _) = try context(environment, in: root)
    let commandLine = try CommandLine((["check", "--connect"] + options).map(bytes))
    return connectRoutes(context, commandLine).map { route in
      "\(route.name)\(route.problem.map { " ! \($0)" as Text } ?? "" as Text)"
    }
  }

  @Test func withoutAProxyTheWayIsDirect() throws { #expect(try routes([]) == ["direct"]) }

  @Test func eachProxyIsOneWayWhateverNamesIt() throws {
    let environment = [
      "HTTP_PROXY=http://u:secret@p:1", "HTTPS_PROXY=http://u:secret@p:1", "ALL_PROXY=http://q:2",
    ]
    #expect(try routes(environment) == ["http://u:***@p:1", "http://q:2"])
    #expect(
      try routes(["HTTPS_PROXY=http://p:1"], ["--proxy", "http://r:3"]) == ["http://p:1", "http://r:3"])
  }

  @Test func aProxyThatCannotBeReadIsAWayThatSaysSoWithoutItsValue() throws {
    for options in [["--proxy", "http://u:secret@p:x"], ["--proxy", "http://u:secret@"]] {
      let routes = try routes([], options)
      #expect(routes.count == 1 && routes[0].hasPrefix("--proxy number 1 ! cannot be read: "))
      #expect(!routes[0].contains("secret"))
    }
    let read = try routes(["HTTPS_PROXY=http://u:secret@p:x"])
    #expect(read.count == 1 && read[0].hasSuffix(" ! its value cannot be read: see proxy"))
    #expect(!read[0].contains("secret"))
  }

  @Test func aProxyInAFileEndsBeforeItsLineDoes() throws {
    let directory = try TemporaryDirectory()
    try directory.write("proxy", bytes("http://u:secret@p:1\r\n"))
    let root = try directory.root
    #expect(try routes([], ["--proxy-file", "/proxy"], in: root) == ["http://u:***@p:1"])
    let missing = try routes([], ["--proxy-file", "/missing"], in: root)
    #expect(missing.count == 1 && missing[0].hasPrefix("/missing ! cannot be read ("))
  }

  private func probe() throws -> Probe { Probe(context: try context([]).0, bundle: nil) }

  static let failures: [(failure: Connection.Failure, explanation: String)] = [
    (.notResolved, "the name proxy is not found: check its spelling and the container's DNS"),
    (
      .system(.connectionRefused),
      "proxy refuses connections to port 3128: is the port right, is it running?"
    ),
    (.late, "proxy does not answer on port 3128: is a firewall between?"),
    (.closed, "proxy closed the connection"),
    (.system(Errno(rawValue: 113)), "proxy cannot be reached on port 3128 (No route to host)"),
  ]

  @Test(arguments: failures)
  func aConnectionThatFailsIsExplained(failure: Connection.Failure, explanation: String) throws {
    #expect(try probe().explanation(failure, "proxy", 3128).description == explanation)
  }

  static let statuses: [(status: Int, explanation: String)] = [
    (
      407,
      "the proxy does not accept user alice with this password (407): ask for the right ones"
    ),
    (403, "the proxy does not allow repo:443 (403): ask its administrator to allow it"),
    (502, "the proxy itself cannot reach repo:443 (502): is the name known there?"),
    (503, "the proxy itself cannot reach repo:443 (503): is the name known there?"),
    (504, "the proxy itself cannot reach repo:443 (504): is the name known there?"),
    (
      400,
      "what answers there is no HTTP proxy but perhaps a web server (400 to CONNECT repo:443): check host and port"
    ),
    (
      405,
      "what answers there is no HTTP proxy but perhaps a web server (405 to CONNECT repo:443): check host and port"
    ),
    (418, "the proxy answers 418 to CONNECT repo:443"),
  ]

  @Test(arguments: statuses)
  func aProxysAnswerIsExplainedWithoutThePassword(status: Int, explanation: String) throws {
    let proxy = try parseProxyURL(bytes("http://alice:secret@proxy:3128"))
    #expect(try probe().explanation(status, proxy, "repo:443").description == explanation)
  }

  @Test func whoGivesNoPasswordIsToldHowToWriteOne() throws {
    let proxy = try parseProxyURL(bytes("http://proxy:3128"))
    #expect(
      try probe().explanation(407, proxy, "repo:443")
        == "the proxy wants a user and a password (407): write http://user:password@host:port")
  }

  @Test func whatIsNoHTTPProxyIsNotAskedForMore() throws {
    let target = try #require(ConnectTarget(bytes("https://repo")))
    let proxy = try parseProxyURL(bytes("socks5://proxy:1080"))
    let verdict = try probe().run(ConnectRoute(name: "x", proxy: proxy, problem: nil), target)
    #expect(verdict.level == .warning)
    #expect(verdict.detail == "only http:// proxies are tried here; this one was not")
  }
}
