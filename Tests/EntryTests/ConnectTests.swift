import Linux
import Proxies
import Testing
import Text

@testable import Entry
@testable import TestSupport

/// The requests of `check --connect`, its routes, and its explanations of failures; without a network.
struct ConnectTests {
  static let targets: [(url: String, shown: String?)] = [
    ("https://repo.anaconda.com", "repo.anaconda.com:443"),
    ("https://repo:8443/pkgs/main", "repo:8443/pkgs/main"),
    ("HTTPS://Repo/", "Repo:443"), ("https://[fd00::1]:8443", "[fd00::1]:8443"),
    ("https://10.0.0.1", "10.0.0.1:443"), ("http://repo", "repo:80"), ("HTTP://repo:8080/a#b", "repo:8080/a"),
    ("https://repo/t/main?token=secret", "repo:443/t/main?***"), ("https://repo?x", "repo:443/?***"),
    ("ftp://repo", nil), ("repo", nil), ("", nil), ("https://", nil),
    ("https://user:secret@repo", nil), ("https://repo:0", nil), ("https://repo:x", nil),
    ("https://repo:70000", nil), ("https:/repo", nil), ("https://repo/a b", nil),
    ("https://repo/a\r\nb", nil),
  ]

  @Test(arguments: targets)
  func aTargetIsAnAddressOfHTTPOrHTTPS(url: String, shown: String?) {
    #expect(ConnectTarget(bytes(url))?.shown.description == shown)
  }

  @Test func aPlainTargetIsAskedOfAProxyByItsWholeAddress() throws {
    let target = try #require(ConnectTarget(bytes("http://repo/pkgs?x=1")))
    let proxy = try parseProxyURL(bytes("http://alice:secret@proxy:3128"))
    let direct = String(decoding: target.headRequest(of: nil), as: UTF8.self)
    #expect(direct.hasPrefix("HEAD /pkgs?x=1 HTTP/1.1\r\nHost: repo:80\r\n"))
    #expect(!direct.contains("Authorization") && direct.hasSuffix("\r\n\r\n"))
    let proxied = String(decoding: target.headRequest(of: proxy), as: UTF8.self)
    #expect(proxied.hasPrefix("HEAD http://repo:80/pkgs?x=1 HTTP/1.1\r\n"))
    #expect(proxied.contains("\r\nProxy-Authorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n"))
  }

  /// An answer, and the authentication schemes that it offers.
  static let challenges: [(String, [String])] = [
    ("", []),
    ("Proxy-Authenticate: Basic realm=\"a, b\"\r\n", ["Basic"]),
    ("proxy-authenticate: NTLM\r\nPROXY-AUTHENTICATE: Negotiate\r\n", ["NTLM", "Negotiate"]),
    ("Proxy-Authenticate: Digest realm=\"x\", nonce=\"y\", Basic realm=\"x\"\r\n", ["Digest", "Basic"]),
    ("Proxy-Authenticate:Negotiate, NTLM, Negotiate\r\n", ["Negotiate", "NTLM"]),
    ("WWW-Authenticate: Basic\r\nProxy-Authenticate: \u{1B}[2J\r\nProxy-Authenticate:\r\n", []),
  ]

  @Test(arguments: challenges)
  func theSchemesThatAProxyOffersAreRead(headers: String, schemes: [String]) {
    let answer = bytes("HTTP/1.1 407 Authenticate\r\n\(headers)\r\n")
    #expect(offeredSchemes(answer).map { String(decoding: $0, as: UTF8.self) } == schemes)
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
      #expect(routes.count == 1 && routes[0].hasPrefix("--proxy number 1 ! invalid proxy URL ("))
      #expect(!routes[0].contains("secret"))
    }
    let read = try routes(["HTTPS_PROXY=http://u:secret@p:x"])
    #expect(read.count == 1 && read[0].hasSuffix(" ! invalid proxy URL (see proxy)"))
    #expect(!read[0].contains("secret"))
  }

  @Test func aProxyInAFileEndsBeforeItsLineDoes() throws {
    let directory = try TemporaryDirectory()
    try directory.write("proxy", bytes("http://u:secret@p:1\r\n"))
    let root = try directory.root
    #expect(try routes([], ["--proxy-file", "/proxy"], in: root) == ["http://u:***@p:1"])
    let missing = try routes([], ["--proxy-file", "/missing"], in: root)
    #expect(missing.count == 1 && missing[0] == "/missing ! no such file or directory")
  }

  private func probe() throws -> Probe { Probe(context: try context([]).0, bundle: nil) }

  static let failures: [(failure: Connection.Failure, explanation: String)] = [
    (.notResolved, "cannot resolve proxy; check its spelling and the container's DNS"),
    (.system(.connectionRefused), "connection refused: proxy:3128"),
    (.late, "connection timed out: proxy:3128 (firewall?)"),
    (.closed, "connection closed by proxy"),
    (.system(Errno(rawValue: 113)), "cannot connect to proxy:3128: no route to host"),
  ]

  @Test(arguments: failures)
  func aConnectionThatFailsIsExplained(failure: Connection.Failure, explanation: String) throws {
    #expect(try probe().explanation(failure, "proxy", 3128).description == explanation)
  }

  static let statuses: [(status: Int, offered: [String], explanation: String)] = [
    (
      407, ["Basic"],
      "407 Proxy Authentication Required: credentials of user alice rejected; correct user and password"
    ),
    (
      407, [],
      "407 Proxy Authentication Required: credentials of user alice rejected; correct user and password"
    ),
    (
      407, ["NTLM", "basic"],
      "407 Proxy Authentication Required: credentials of user alice rejected; correct user and password"
    ),
    (
      407, ["NTLM", "Negotiate"],
      "407 Proxy Authentication Required: the proxy offers only NTLM and Negotiate, which conda and Python's clients cannot use; ask for Basic, or run a local forwarder (px, cntlm)"
    ),
    (
      407, ["Digest"],
      "407 Proxy Authentication Required: the proxy offers only Digest, which conda and Python's clients cannot use; ask for Basic, or run a local forwarder (px, cntlm)"
    ),
    (403, [], "403 Forbidden: the proxy does not allow repo:443; ask its administrator to allow it"),
    (502, [], "502: the proxy cannot reach repo:443; check that the proxy can resolve the name"),
    (504, [], "504: the proxy cannot reach repo:443; check that the proxy can resolve the name"),
    (
      400, [], "status 400 for CONNECT repo:443: not an HTTP proxy, perhaps a web server; check host and port"
    ),
    (
      405, [], "status 405 for CONNECT repo:443: not an HTTP proxy, perhaps a web server; check host and port"
    ),
    (418, [], "status 418 for CONNECT repo:443; ask the proxy's administrator"),
  ]

  @Test(arguments: statuses)
  func aProxysAnswerIsExplainedWithoutThePassword(status: Int, offered: [String], explanation: String) throws
  {
    let proxy = try parseProxyURL(bytes("http://alice:secret@proxy:3128"))
    #expect(proxyRefusal(status, offered: offered.map(bytes), proxy, "repo:443").description == explanation)
  }

  @Test func aMissingPasswordIsReportedWithTheFormThatHasOne() throws {
    let proxy = try parseProxyURL(bytes("http://proxy:3128"))
    #expect(
      proxyRefusal(407, offered: [bytes("Basic")], proxy, "repo:443")
        == "407 Proxy Authentication Required: no user given; write http://user:password@host:port")
  }

  @Test func eachRefusalOfAStrictPythonHasARemedy() throws {
    let probe = try probe()
    // X509_V_ERR_INVALID_CA to X509_V_ERR_EC_KEY_EXPLICIT_PARAMS.
    for verdict in 79...94 { #expect(probe.remedy(verdict) != nil) }
    #expect(probe.remedy(20) == nil)
  }
}
