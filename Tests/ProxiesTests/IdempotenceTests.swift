import Testing
import Text

@testable import Proxies

struct IdempotenceTests {
  /// A random spelling, value and position.
  private static func environment(_ random: inout SeededGenerator) -> [String] {
    let names = [
      "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "ftp_proxy", "ALL_PROXY", "all_proxy",
      "no_proxy",
      "NO_PROXY", "Http_Proxy", "hTTPS_PROXY", "No_Proxy", "A", "PATH", "",
    ]
    let values = [
      "", " ", "\"\"", "http://p:1", "p:1", "http://u:p@p:1", "u:p@s/w@p:1", "http://p", "ftp://p:1",
      "http://p:0", "?",
      "*", "a,*", "a, b;c", "*.corp,.corp", "[::1],::1", "localhost", "x=y", "https://p:1", "socks5://p:1",
      "'p:1",
      "\"*.corp\", *", "''a,a",
    ]
    return (0..<Int.random(in: 0...12, using: &random)).map { _ in
      let name = names.randomElement(using: &random) ?? ""
      let value = values.randomElement(using: &random) ?? ""
      return Int.random(in: 0...20, using: &random) == 0 ? name : "\(name)=\(value)"
    }
  }

  private static func isProxyVariable(_ entry: String) -> Bool {
    guard let end = entry.firstIndex(of: "=") else { return false }
    return ["http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"].contains(
      entry[..<end].lowercased())
  }

  @Test func unifyingTwiceEqualsUnifyingOnce() {
    var random = SeededGenerator(state: 3)
    for _ in 0..<3_000 {
      let environment = Self.environment(&random)
      let prefer: ProxySettings.Preference = Bool.random(using: &random) ? .lower : .upper
      let additions = Bool.random(using: &random) ? "repo_api *.svc [fd00::1]" : ""
      let once = Unified(environment, prefer: prefer, additions: additions, hostName: "box")
      let twice = Unified(once.environment, prefer: prefer, additions: additions, hostName: "box")
      #expect(twice.environment == once.environment, "\(environment)")
      #expect(twice.notes(.info) == [], "\(environment)")
      #expect(!twice.notes(.warning).contains { $0.message.contains("--prefer") }, "\(environment)")
      #expect(
        once.environment.filter { !Self.isProxyVariable($0) }
          == environment.filter { !Self.isProxyVariable($0) })
    }
  }

  @Test func bothNamesHaveTheSameValueOrNeitherIsThere() {
    var random = SeededGenerator(state: 4)
    for _ in 0..<1_000 {
      let environment = Self.environment(&random)
      let unified = Unified(environment, hostName: "box")
      for variable in ProxyVariable.each {
        #expect(unified[variable.lowerCase.string] == unified[variable.upperCase.string], "\(environment)")
      }
      let proxyEntries = unified.environment.filter(Self.isProxyVariable)
      #expect(proxyEntries.allSatisfy { !$0.hasSuffix("_proxy=") && !$0.hasSuffix("_PROXY=") })
      let names = proxyEntries.compactMap { $0.split(separator: "=").first }
      #expect(Set(names).count == names.count, "no name stands twice: \(environment)")
    }
  }

  /// Bytes that settings are made of, and any others.
  private static func anyBytes(_ random: inout SeededGenerator) -> [UInt8] {
    let telling = bytes("://@%[]*.,; \"'-_09afhtpsu=#?\\\0\n")
    return (0..<Int.random(in: 0...24, using: &random)).map { _ in
      Int.random(in: 0...7, using: &random) == 0
        ? UInt8.random(in: 0...255, using: &random) : telling.randomElement(using: &random) ?? 0
    }
  }

  @Test func anyBytesAreReadOrRefused() throws {
    var random = SeededGenerator(state: 5)
    var read = 0
    for round in 0..<20_000 {
      let start = round % 2 == 0 ? bytes("http://") : []
      let written = start + Self.anyBytes(&random)
      if let url = try? parseProxyURL(written) {
        read += 1
        let again = try readProxyURL(url.value)
        #expect(again.url == url && again.repairs == [], "\(written)")
        #expect(url.redacted.utf8.allSatisfy { $0.isPrintable })
      }
      let list = NoProxyList(written)
      let twice = NoProxyList(list.value)
      #expect(twice.entries.map(\.text) == list.entries.map(\.text) && twice.repairs == [], "\(written)")
      #expect(list.shown.utf8.allSatisfy { $0.isPrintable })
    }
    #expect(read > 300)
  }

  @Test func anyEntriesAreUnifiedOnceAndForAll() {
    var random = SeededGenerator(state: 6)
    let names = ["http_proxy=", "HTTPS_PROXY=", "No_Proxy=", "ALL_PROXY", "X="].map(bytes)
    for _ in 0..<1_500 {
      let environment = (0..<4).map { _ in
        (names.randomElement(using: &random) ?? []) + Self.anyBytes(&random)
      }
      let settings = ProxySettings(
        additions: Self.anyBytes(&random), hostName: Self.anyBytes(&random),
        secrets: [(variable: bytes("ALL_PROXY_FILE"), file: .contents(Self.anyBytes(&random)))])
      let once = unifyProxies(in: environment, settings)
      #expect(unifyProxies(in: once.environment, settings).environment == once.environment, "\(environment)")
      let messages = once.notes.map(\.message).joined(by: "")
      #expect(messages.utf8.allSatisfy { $0.isPrintable || $0 == ASCII.space })
    }
  }
}
