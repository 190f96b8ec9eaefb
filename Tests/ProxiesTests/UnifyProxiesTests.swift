import Testing
import Text

@testable import Proxies

private let local = "localhost,127.0.0.1,::1"

struct UnifyProxiesTests {
  struct Case: CustomTestStringConvertible {
    let testDescription: String
    let environment: [String]
    var prefer: ProxySettings.Preference?
    var secrets: [(String, String)] = []
    let wanted: [String]
    var notes: [String] = []

    init(
      _ name: String, _ environment: [String], prefer: ProxySettings.Preference? = nil,
      secrets: [(String, String)] = [], wanted: [String], notes: [String] = []
    ) {
      (testDescription, self.environment, self.prefer) = (name, environment, prefer)
      (self.secrets, self.wanted, self.notes) = (secrets, wanted, notes)
    }
  }

  static let cases: [Case] = [
    Case("nothing is set", ["A=1", "B", "A=2", "=C"], wanted: ["A=1", "B", "A=2", "=C"]),
    Case(
      "upper case only", ["A=1", "HTTPS_PROXY=http://p:1", "Z=2"],
      wanted: [
        "A=1", "HTTPS_PROXY=http://p:1", "https_proxy=http://p:1", "Z=2", "no_proxy=\(local)",
        "NO_PROXY=\(local)",
      ]),
    Case(
      "lower case only", ["https_proxy=http://p:1", "Z=2"],
      wanted: [
        "https_proxy=http://p:1", "HTTPS_PROXY=http://p:1", "Z=2", "no_proxy=\(local)", "NO_PROXY=\(local)",
      ]),
    Case(
      "another spelling only", ["Https_Proxy=http://p:1", "no_proxy=*"],
      wanted: ["https_proxy=http://p:1", "HTTPS_PROXY=http://p:1", "no_proxy=*", "NO_PROXY=*"]),
    Case(
      "both stand where they stood",
      ["HTTPS_PROXY=http://p:1", "A=1", "https_proxy=http://p:1", "no_proxy=*"],
      wanted: ["HTTPS_PROXY=http://p:1", "A=1", "https_proxy=http://p:1", "no_proxy=*", "NO_PROXY=*"]),
    Case(
      "two differ, lower wins", ["HTTPS_PROXY=http://u:1@p:1", "https_proxy=http://p:2", "no_proxy=*"],
      wanted: ["HTTPS_PROXY=http://p:2", "https_proxy=http://p:2", "no_proxy=*", "NO_PROXY=*"],
      notes: ["warning HTTPS_PROXY"]),
    Case(
      "two differ, upper is preferred", ["HTTPS_PROXY=http://p:1", "https_proxy=http://p:2", "no_proxy=*"],
      prefer: .upper,
      wanted: ["HTTPS_PROXY=http://p:1", "https_proxy=http://p:1", "no_proxy=*", "NO_PROXY=*"],
      notes: ["warning https_proxy"]),
    Case(
      "an exact case wins over another spelling",
      ["hTTPS_proxy=http://p:1", "HTTPS_PROXY=http://p:2", "no_proxy=*"],
      wanted: ["HTTPS_PROXY=http://p:2", "https_proxy=http://p:2", "no_proxy=*", "NO_PROXY=*"],
      notes: ["warning hTTPS_proxy"]),
    Case(
      "two that differ in quotes only are the same",
      ["HTTPS_PROXY=\"p:1\"", "https_proxy=http://p:1", "no_proxy=*"],
      wanted: ["HTTPS_PROXY=http://p:1", "https_proxy=http://p:1", "no_proxy=*", "NO_PROXY=*"],
      notes: ["info HTTPS_PROXY"]),
    Case(
      "a fault that both have is told once", ["HTTPS_PROXY=p:1", "https_proxy=p:1", "no_proxy=*"],
      wanted: ["HTTPS_PROXY=http://p:1", "https_proxy=http://p:1", "no_proxy=*", "NO_PROXY=*"],
      notes: ["info https_proxy"]),
    Case(
      "an empty one counts as unset", ["https_proxy=", "HTTPS_PROXY=http://p:1", "no_proxy=*"],
      wanted: ["https_proxy=http://p:1", "HTTPS_PROXY=http://p:1", "no_proxy=*", "NO_PROXY=*"],
      notes: ["warning https_proxy"]),
    Case(
      "a value of quotes and blanks is empty",
      ["https_proxy=\" '' \"", "HTTPS_PROXY=http://p:1", "no_proxy=*"],
      wanted: ["https_proxy=http://p:1", "HTTPS_PROXY=http://p:1", "no_proxy=*", "NO_PROXY=*"],
      notes: ["warning https_proxy"]),
    Case("an empty one alone goes", ["https_proxy=", "A=1", "NO_PROXY= "], wanted: ["A=1"]),
    Case(
      "of duplicates the first counts", ["https_proxy=http://p:1", "https_proxy=http://p:2", "no_proxy=*"],
      wanted: ["https_proxy=http://p:1", "HTTPS_PROXY=http://p:1", "no_proxy=*", "NO_PROXY=*"],
      notes: ["warning https_proxy"]),
    Case(
      "duplicates that are the same are no news",
      ["https_proxy=http://p:1", "https_proxy=http://p:1", "no_proxy=*"],
      wanted: ["https_proxy=http://p:1", "HTTPS_PROXY=http://p:1", "no_proxy=*", "NO_PROXY=*"]),
    Case(
      "an empty first duplicate counts too", ["https_proxy=", "https_proxy=http://p:2"], wanted: [],
      notes: ["warning https_proxy"]),
    Case(
      "a value from a file", ["HTTPS_PROXY_FILE=/run/secrets/p", "NO_PROXY=*"],
      secrets: [("HTTPS_PROXY_FILE", "http://u:p@p:1\n")],
      wanted: [
        "HTTPS_PROXY_FILE=/run/secrets/p", "NO_PROXY=*", "no_proxy=*", "https_proxy=http://u:p@p:1",
        "HTTPS_PROXY=http://u:p@p:1",
      ]),
    Case(
      "a file beside a variable that was emptied on purpose", ["HTTPS_PROXY=", "NO_PROXY=*"],
      secrets: [("HTTPS_PROXY_FILE", "http://u:p@p:1\r\n")],
      wanted: ["HTTPS_PROXY=http://u:p@p:1", "https_proxy=http://u:p@p:1", "NO_PROXY=*", "no_proxy=*"]),
    Case(
      "the file wins over plain forms of any spelling",
      ["Https_proxy=http://p:1", "https_proxy=http://p:3", "HTTPS_PROXY=p:2", "NO_PROXY=*"],
      secrets: [("HTTPS_PROXY_FILE", "http://p:2")],
      wanted: ["https_proxy=http://p:2", "HTTPS_PROXY=http://p:2", "NO_PROXY=*", "no_proxy=*"],
      notes: ["warning https_proxy", "warning Https_proxy"]),
    Case(
      "the file wins whatever is preferred", ["HTTPS_PROXY=http://p:1", "NO_PROXY=*"], prefer: .upper,
      secrets: [("HTTPS_PROXY_FILE", "http://p:2")],
      wanted: ["HTTPS_PROXY=http://p:2", "https_proxy=http://p:2", "NO_PROXY=*", "no_proxy=*"],
      notes: ["warning HTTPS_PROXY"]),
    Case(
      "a file that cannot be read", ["https_proxy=http://p:1", "NO_PROXY=*"],
      secrets: [("HTTPS_PROXY_FILE", Unified.unreadable)],
      wanted: ["https_proxy=http://p:1", "HTTPS_PROXY=http://p:1", "NO_PROXY=*", "no_proxy=*"],
      notes: ["error HTTPS_PROXY_FILE"]),
    Case(
      "an empty file beside a plain form", ["https_proxy=http://p:1", "NO_PROXY=*"],
      secrets: [("HTTPS_PROXY_FILE", "\n")],
      wanted: ["https_proxy=http://p:1", "HTTPS_PROXY=http://p:1", "NO_PROXY=*", "no_proxy=*"],
      notes: ["warning HTTPS_PROXY_FILE"]),
    Case(
      "an empty file sets nothing", ["A=1"], secrets: [("ALL_PROXY_FILE", "\n")], wanted: ["A=1"],
      notes: ["warning ALL_PROXY_FILE"]),
    Case(
      "a file in UTF-16 is not used", [], secrets: [("ALL_PROXY_FILE", "h\0t\0t\0p\0")], wanted: [],
      notes: ["error ALL_PROXY_FILE"]),
    Case(
      "other variables have no file", [], secrets: [("FTP_PROXY_FILE", "p:1"), ("https_proxy_file", "p:1")],
      wanted: []),
    Case(
      "what cannot be read is handed on", ["HTTPS_PROXY= \"ftp://x:1\" ", "NO_PROXY=*"],
      wanted: ["HTTPS_PROXY= \"ftp://x:1\" ", "https_proxy= \"ftp://x:1\" ", "NO_PROXY=*", "no_proxy=*"],
      notes: ["error HTTPS_PROXY"]),
    Case(
      "HTTP without HTTPS", ["HTTP_PROXY=http://p:1", "NO_PROXY=*"],
      wanted: ["HTTP_PROXY=http://p:1", "http_proxy=http://p:1", "NO_PROXY=*", "no_proxy=*"],
      notes: ["warning HTTP_PROXY"]),
    Case(
      "ALL_PROXY is not copied", ["ALL_PROXY=http://p:1", "NO_PROXY=*"],
      wanted: ["ALL_PROXY=http://p:1", "all_proxy=http://p:1", "NO_PROXY=*", "no_proxy=*"]),
    Case(
      "a CGI variable", ["REQUEST_METHOD=", "HTTP_PROXY=http://p:1", "https_proxy=p:1", "NO_PROXY=*"],
      wanted: [
        "REQUEST_METHOD=", "HTTP_PROXY=http://p:1", "http_proxy=http://p:1", "https_proxy=http://p:1",
        "HTTPS_PROXY=http://p:1", "NO_PROXY=*", "no_proxy=*",
      ],
      notes: ["info https_proxy", "warning REQUEST_METHOD"]),
    Case(
      "a user without a password", ["HTTPS_PROXY=HTTP://u@p:1", "NO_PROXY=*"],
      wanted: ["HTTPS_PROXY=http://u@p:1", "https_proxy=http://u@p:1", "NO_PROXY=*", "no_proxy=*"],
      notes: ["info HTTPS_PROXY", "warning HTTPS_PROXY"]),
    Case(
      "an address with neither", ["HTTPS_PROXY=http://p:1", "NO_PROXY=*"],
      wanted: ["HTTPS_PROXY=http://p:1", "https_proxy=http://p:1", "NO_PROXY=*", "no_proxy=*"]),
    Case("a CGI variable without a proxy", ["REQUEST_METHOD=GET"], wanted: ["REQUEST_METHOD=GET"]),
    Case(
      "no port, and a proxy that is not plain",
      ["HTTPS_PROXY=socks5://p", "ALL_PROXY=https://p:1", "NO_PROXY=*"],
      wanted: [
        "HTTPS_PROXY=socks5://p", "https_proxy=socks5://p", "ALL_PROXY=https://p:1", "all_proxy=https://p:1",
        "NO_PROXY=*", "no_proxy=*",
      ],
      notes: ["warning HTTPS_PROXY", "warning HTTPS_PROXY", "warning ALL_PROXY"]),
    Case(
      "a password that is not ASCII", ["ALL_PROXY=http://u:%C3%BC@p:1", "NO_PROXY=*"],
      wanted: ["ALL_PROXY=http://u:%C3%BC@p:1", "all_proxy=http://u:%C3%BC@p:1", "NO_PROXY=*", "no_proxy=*"],
      notes: ["warning ALL_PROXY"]),
    Case(
      "names that are only like it", ["HTTP_PROXY", "XHTTP_PROXY=a", "HTTP_PROXY2=b", "http-proxy=c"],
      wanted: ["HTTP_PROXY", "XHTTP_PROXY=a", "HTTP_PROXY2=b", "http-proxy=c"]),
    Case(
      "NO_PROXY without a proxy is only tidied", ["NO_PROXY=a; b"], wanted: ["NO_PROXY=a,b", "no_proxy=a,b"],
      notes: ["info NO_PROXY"]),
    Case(
      "two NO_PROXY that differ", ["NO_PROXY=a,c", "no_proxy=b,C"],
      wanted: ["NO_PROXY=b,C,a", "no_proxy=b,C,a"], notes: ["warning NO_PROXY"]),
    Case(
      "three NO_PROXY that differ", ["NO_PROXY=a", "No_Proxy=*.d", "no_proxy=b"],
      wanted: ["NO_PROXY=b,a,.d", "no_proxy=b,a,.d"], notes: ["warning NO_PROXY", "warning No_Proxy"]),
    Case(
      "two NO_PROXY, one of them preferred", ["NO_PROXY=a", "no_proxy=b"], prefer: .lower,
      wanted: ["NO_PROXY=b", "no_proxy=b"], notes: ["warning NO_PROXY"]),
    Case(
      "two NO_PROXY, one of them everything", ["NO_PROXY=*", "no_proxy=b"],
      wanted: ["NO_PROXY=b", "no_proxy=b"], notes: ["warning NO_PROXY"]),
    Case(
      "two NO_PROXY, the lower one everything", ["NO_PROXY=a", "no_proxy=*"],
      wanted: ["NO_PROXY=*", "no_proxy=*"], notes: ["warning NO_PROXY"]),
    Case(
      "in a pod", ["KUBERNETES_SERVICE_HOST=10.96.0.1", "https_proxy=http://p:1", "no_proxy=a"],
      wanted: [
        "KUBERNETES_SERVICE_HOST=10.96.0.1", "https_proxy=http://p:1", "HTTPS_PROXY=http://p:1",
        "no_proxy=a,\(local),10.96.0.1,.svc,.cluster.local",
        "NO_PROXY=a,\(local),10.96.0.1,.svc,.cluster.local",
      ]),
    Case(
      "in a pod of IPv6", ["KUBERNETES_SERVICE_HOST=[fd00::1]", "https_proxy=http://p:1", "no_proxy=.svc"],
      wanted: [
        "KUBERNETES_SERVICE_HOST=[fd00::1]", "https_proxy=http://p:1", "HTTPS_PROXY=http://p:1",
        "no_proxy=.svc,\(local),fd00::1,.cluster.local", "NO_PROXY=.svc,\(local),fd00::1,.cluster.local",
      ]),
    Case(
      "in a pod without a proxy", ["KUBERNETES_SERVICE_HOST=10.96.0.1", "no_proxy=a"],
      wanted: ["KUBERNETES_SERVICE_HOST=10.96.0.1", "no_proxy=a", "NO_PROXY=a"]),
    Case(
      "an entry on which httpx fails", ["no_proxy=fd00::/8,a"],
      wanted: ["no_proxy=fd00::/8,a", "NO_PROXY=fd00::/8,a"],
      notes: ["warning NO_PROXY"]),
    Case(
      "two NO_PROXY that differ in form only", ["NO_PROXY=*.a, b", "no_proxy=.a,b"],
      wanted: ["NO_PROXY=.a,b", "no_proxy=.a,b"], notes: ["info NO_PROXY"]),
    Case(
      "* among others", ["NO_PROXY=a,*,b"], wanted: ["NO_PROXY=a,*,b", "no_proxy=a,*,b"],
      notes: ["warning NO_PROXY"]),
  ]

  @Test(arguments: cases)
  func anEnvironmentIsUnified(_ test: Case) {
    let unified = Unified(test.environment, prefer: test.prefer, secrets: test.secrets)
    #expect(unified.environment == test.wanted)
    #expect(unified.notes == test.notes, "\(unified.outcome.notes)")
  }

  @Test(arguments: cases)
  func aSecondTimeChangesAndRepairsNothing(_ test: Case) {
    let once = Unified(test.environment, prefer: test.prefer, secrets: test.secrets)
    let twice = Unified(once.environment, prefer: test.prefer, secrets: test.secrets)
    #expect(twice.environment == once.environment)
    #expect(twice.notes(.info) == [])
  }

  @Test(arguments: [
    (["https_proxy=http://p"], "http://p has no port, so curl uses 1080 and others use 80; add the port"),
    (["https_proxy=https://p"], "https://p has no port, so clients use 443; add the port"),
    (["https_proxy=socks5://p"], "socks5://p has no port, so clients use 1080; add the port"),
    (["http_proxy=http://p:1"], "HTTPS_PROXY is not set, so https:// URLs bypass the proxy; set it"),
    (
      ["http_proxy=http://p:1", "all_proxy=http://p:1"],
      "HTTPS_PROXY is not set, so https:// URLs bypass the proxy in clients that ignore ALL_PROXY, such as wget, Go and Node; set it"
    ),
    (
      ["https_proxy=http://p:1", "no_proxy=\u{FC}.de"],
      "httpx fails on every request because of an entry that is not ASCII; remove it or name the host or domain instead"
    ),
  ])
  func whatAWarningSaysIsTrue(environment: [String], message: String) {
    let notes = Unified(environment, prefer: nil, secrets: []).outcome.notes
    #expect(notes.contains { $0.level == .warning && $0.message.description == message }, "\(notes)")
  }

  @Test func bytesThatAreNotUTF8AreHandedOn() {
    let other: [[UInt8]] = [[0xFF, 0x3D, 0xFE], [0x41, 0x2E, 0x2D, 0x3D, 0xC3], [], [0x80]]
    let host: [UInt8] = bytes("NO_PROXY=") + [0xFF, 0xFE]
    let outcome = unifyProxies(in: other + [host], ProxySettings())
    #expect(outcome.environment == other + [host, bytes("no_proxy=") + [0xFF, 0xFE]])
    #expect(outcome.noProxy.map(\.shown) == ["***"])
  }

  @Test func anyProxyBringsTheHostsThatNeedNone() {
    for name in ["http_proxy", "HTTPS_PROXY", "ftp_proxy", "ALL_PROXY"] {
      let unified = Unified(
        ["\(name)=http://p:1", "NO_PROXY=.corp,LocalHost"], additions: "repo_api; [fd00::1] \"*.svc\"",
        hostName: "box")
      #expect(unified["no_proxy"] == ".corp,LocalHost,127.0.0.1,::1,box,repo_api,fd00::1,.svc")
      #expect(unified["NO_PROXY"] == unified["no_proxy"])
    }
  }

  @Test func aValueThatCannotBeReadIsAProxyAllTheSame() {
    #expect(Unified(["ALL_PROXY=?"])["NO_PROXY"] == local)
  }

  @Test func anAdditionOfEverythingIsWarnedOf() {
    let unified = Unified(["ALL_PROXY=http://p:1"], additions: "*")
    #expect(unified["NO_PROXY"] == local + ",*")
    #expect(unified.notes == ["warning PSM_ENTRY_NO_PROXY"])
  }

  @Test func anInvalidHostNameIsNotAdded() {
    #expect(Unified(["ALL_PROXY=http://p:1"], hostName: "a,b")["NO_PROXY"] == local)
  }

  @Test func theOutcomeTellsWhereAValueCameFrom() throws {
    let unified = Unified(
      ["Http_Proxy=http://u:pw@p:1", "HTTPS_PROXY=?"], secrets: [("ALL_PROXY_FILE", "socks5://u:pw@s:1")])
    #expect(unified.outcome.proxies.map(\.source) == ["Http_Proxy", "HTTPS_PROXY", "ALL_PROXY_FILE"])
    #expect(unified.outcome.proxies.map(\.url?.redacted) == ["http://u:***@p:1", nil, "socks5://u:***@s:1"])
    #expect(unified.outcome.redactedValue(of: bytes("HTTP_PROXY")) == "http://u:***@p:1")
    #expect(unified.outcome.redactedValue(of: bytes("https_proxy")) == "a value that cannot be read")
    #expect(unified.outcome.redactedValue(of: bytes("no_proxy"))?.description == local)
    #expect(unified.outcome.redactedValue(of: bytes("ftp_proxy")) == nil)
    #expect(unified.outcome.redactedValue(of: bytes("PATH")) == nil)
  }

  @Test func aConflictNamesBothTheirLikelySourceAndTheWayOut() throws {
    let unified = Unified(["HTTPS_PROXY=http://u:geheim@a:1", "https_proxy=u:topsecret@b:2", "no_proxy=*"])
    let note = try #require(unified.notes(.warning).first).message
    for part in [
      "https_proxy (http://u:***@b:2)", "HTTPS_PROXY (http://u:***@a:1)", "~/.docker/config.json",
      "--prefer",
    ] {
      #expect(note.contains(part))
    }
  }

  @Test func aConflictInThePasswordAloneIsStillTold() throws {
    let unified = Unified(["HTTPS_PROXY=http://u:1@a:1", "https_proxy=http://u:2@a:1", "no_proxy=*"])
    #expect(try #require(unified.notes(.warning).first).message.contains("not shown"))
  }
}
