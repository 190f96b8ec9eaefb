import Testing
import Text

@testable import Proxies

/// A password with characters that no message contains, and a URL around it, valid or not.
private struct Leak {
  let text: String
  let password: String

  private static let specials = [
    "@", ":", "/", "#", "%", "?", "&", " ", "\"", "'", "\\", "\u{E9}", "\u{20AC}", "+", "=", ",", ";", "[",
    "]", "|",
    "@@", "://", "%41", "%4", "%%", "$", "!", "*", "<", ">", "^", "`", "{", "}", "~", "\t", "..", "//", "/@",
    ":@",
  ]

  init(_ random: inout SeededGenerator) {
    let marks = (0..<Int.random(in: 1...4, using: &random)).map { _ in
      String(
        (0..<Int.random(in: 4...7, using: &random)).map { _ in "QZXJ".randomElement(using: &random) ?? "Q" })
    }
    var secret = Int.random(in: 0...3, using: &random) == 0 ? Self.special(&random) : ""
    for (index, mark) in marks.enumerated() {
      secret += (index == 0 ? "" : Self.special(&random)) + mark
    }
    if Int.random(in: 0...3, using: &random) == 0 { secret += Self.special(&random) }
    password = secret
    text = Self.address(secret, &random)
  }

  private static func special(_ random: inout SeededGenerator) -> String {
    specials.randomElement(using: &random) ?? "@"
  }

  private static let schemes = [
    "http://", "", "https://", "socks5://", "HTTP://", "ftp://", "http:/", "http:", "://", "//",
    "\"http://", " ",
  ]
  private static let users = ["alice", "corp\\alice", "a@corp", "a%40b", "", "m\u{FC}ller", "alice+1", "a b"]
  private static let separators = [":", ":", ":", ":", ":", "%3A", "%3a", ";", "/", " ", "%253A"]
  private static let ends = [
    "@proxy:8899", "@proxy:8899/", "@proxy", "@[fd00::1]:3128", "@10.0.0.1:3128", "@pr oxy:1", "@proxy:0",
    "@proxy:x",
    "@", "@:8080", "@proxy:8899@", "", "@pr\u{F6}xy:1", "@proxy:1\"", "@proxy:1/x@y:2", "@proxy:1/x y",
    "@[::1",
    "@proxy:1 ",
  ]

  private static func address(_ secret: String, _ random: inout SeededGenerator) -> String {
    // Without a host, the text after an `@` in the password is the host by definition, so it is shown.
    let end = ends.filter { !$0.isEmpty || !secret.contains("@") }.randomElement(using: &random) ?? ""
    // A password with neither a user nor a colon before it is a user up to its first colon, also by definition.
    let user = users.randomElement(using: &random) ?? ""
    let separator = user.isEmpty ? ":" : separators.randomElement(using: &random) ?? ":"
    return (schemes.randomElement(using: &random) ?? "") + user + separator + secret + end
  }
}

struct RedactionTests {
  /// Everything in an outcome that a person may see, at any level.
  private static func everythingShown(_ outcome: ProxyOutcome) -> String {
    var shown = outcome.notes.map { "\($0.level) \($0.subject) \($0.message)" }.joined(separator: "\n")
    for variable in ProxyVariable.each {
      shown += "\n\(outcome.redactedValue(of: variable.upperCase.bytes) ?? "")"
    }
    for proxy in outcome.proxies {
      shown += "\n\(proxy) \(proxy.url.map { "\($0) \($0.endpoint)" } ?? "")"
      shown += " \(proxy.url?.userinfo?.displayedUser ?? "")"
    }
    for entry in outcome.noProxy { shown += "\n\(entry) \(entry.shown) \(portability(of: entry).advice)" }
    return shown
  }

  /// Three consecutive letters of the secret characters: no message contains them. In a debug build a closure for each
  /// byte took a third of the test.
  private static func firstMark(in shown: String) -> String? {
    var shown = shown
    return shown.withUTF8 { bytes in
      var length = 0
      var position = 0
      while position < bytes.count {
        switch bytes[position] {
        case 0x51, 0x5A, 0x58, 0x4A: length += 1
        default: length = 0
        }
        position += 1
        if length == 3 { return String(decoding: bytes[(position - 3)...].prefix(40), as: UTF8.self) }
      }
      return nil
    }
  }

  /// Random pairs of leaks: the same in every run.
  private static let leaks: [(one: Leak, other: Leak)] = {
    var random = SeededGenerator(state: 1)
    return (0..<6_000).map { _ in (Leak(&random), Leak(&random)) }
  }()

  /// In parts that run in parallel.
  @Test(arguments: 0..<4)
  func aPasswordIsNeverShown(part: Int) {
    var readable = 0
    for (leak, other) in Self.leaks[(part * 1_500)..<((part + 1) * 1_500)] {
      let outcomes = [
        Unified(["HTTP_PROXY=\(leak.text)", "http_proxy=\(other.text)", "https_PROXY=\(leak.text)"]),
        Unified(
          ["HTTPS_PROXY=\(other.text)", "HTTPS_PROXY=\(leak.text)", "https_proxy="],
          secrets: [("ALL_PROXY_FILE", leak.text + "\n"), ("HTTPS_PROXY_FILE", other.text)]),
        Unified(["NO_PROXY=\(leak.text)@", "no_proxy=\(other.text)@"], additions: "\(leak.text)@"),
      ].map(\.outcome)
      if outcomes[0].proxies.contains(where: { $0.url != nil }) { readable += 1 }
      let shown = outcomes.map(Self.everythingShown).joined(separator: "\n")
      if let mark = Self.firstMark(in: shown) {
        Issue.record("\(mark) of \(leak.text) or \(other.text) is in \(shown)")
        return
      }
    }
    #expect(readable > 500, "most addresses must be such that something is shown of them")
  }

  @Test func aMarkIsFoundWhereOneIsShown() {
    #expect(Self.firstMark(in: "a QZ b XJQ") == "XJQ")
    #expect(Self.firstMark(in: "QZ XJ Q") == nil)
    #expect(Self.leaks.allSatisfy { Self.firstMark(in: $0.one.text) != nil })
  }

  /// `<QZXJ>` and `%QZXJ%` look like placeholders, and after a user `//QZ:XJ` looks like a second URL.
  private static func isTakenForAnotherThing(_ secret: String) -> Bool {
    let middle = secret.dropFirst().dropLast()
    let ends = [secret.prefix(1), secret.suffix(1)]
    return (ends == ["<", ">"] || ends == ["%", "%"]) && middle.allSatisfy { "QZXJ".contains($0) }
      || secret.hasPrefix("//") && secret.contains(":")
  }

  @Test func whatIsHandedOnHoldsTheVeryPassword() throws {
    var random = SeededGenerator(state: 2)
    var checked = 0
    for _ in 0..<4_000 {
      let secret = Leak(&random).password
      let address = bytes("http://alice:\(secret)@proxy:1")
      if Self.isTakenForAnotherThing(secret) {
        #expect(throws: ProxyURLFault.self) { try parseProxyURL(address) }
        continue
      }
      let url = try parseProxyURL(address)
      let again = try parseProxyURL(url.value)
      #expect(again == url)
      let expected = text(percentDecoded(bytes(secret)))
      #expect(text(try #require(url.userinfo).decodedPassword.bytes) == expected)
      checked += secret.contains("%") ? 1 : 0
    }
    #expect(checked > 300)
  }
}
