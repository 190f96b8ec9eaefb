import Testing
import Text

@testable import Proxies

struct ProxyURLTests {
  /// The input, the value for the environment, and the text for display.
  static let readable: [(String, String, String)] = [
    ("http://proxy:8899", "http://proxy:8899", "http://proxy:8899"),
    ("http://proxy:8899/", "http://proxy:8899/", "http://proxy:8899/"),
    ("HTTP://Proxy:8899", "http://Proxy:8899", "http://Proxy:8899"),
    ("http://proxy", "http://proxy", "http://proxy"),
    ("http://proxy:8080/a?token=b", "http://proxy:8080/a?token=b", "http://proxy:8080/***"),
    ("http://proxy:8080?token=b", "http://proxy:8080?token=b", "http://proxy:8080/***"),
    ("proxy:8899", "http://proxy:8899", "http://proxy:8899"),
    ("proxy", "http://proxy", "http://proxy"),
    ("repo_proxy.corp.:3128", "http://repo_proxy.corp.:3128", "http://repo_proxy.corp.:3128"),
    ("10.1.2.3:3128", "http://10.1.2.3:3128", "http://10.1.2.3:3128"),
    ("[fd00::1]:3128", "http://[fd00::1]:3128", "http://[fd00::1]:3128"),
    ("http://[fe80::1%25eth0]:3128", "http://[fe80::1%25eth0]:3128", "http://[fe80::1%25eth0]:3128"),
    ("https://proxy:443", "https://proxy:443", "https://proxy:443"),
    ("socks5h://u:p@proxy:1080", "socks5h://u:p@proxy:1080", "socks5h://u:***@proxy:1080"),
    ("\"http://proxy:1\"", "http://proxy:1", "http://proxy:1"),
    (" 'http://proxy:1", "http://proxy:1", "http://proxy:1"),
    ("\t\"' http://proxy:1 '\"\n", "http://proxy:1", "http://proxy:1"),
    ("\u{201C}http://proxy:1\u{201D}\u{A0}", "http://proxy:1", "http://proxy:1"),
    ("\u{FEFF}http://proxy:1", "http://proxy:1", "http://proxy:1"),
    ("http://user:pw@proxy:1", "http://user:pw@proxy:1", "http://user:***@proxy:1"),
    ("user:pw@proxy:1", "http://user:pw@proxy:1", "http://user:***@proxy:1"),
    ("http://user@proxy:1", "http://user@proxy:1", "http://***@proxy:1"),
    ("http://user:@proxy:1", "http://user:@proxy:1", "http://user:***@proxy:1"),
    (
      "http://dom\\user:p@ss/w#rd@proxy:8899", "http://dom%5Cuser:p%40ss%2Fw%23rd@proxy:8899",
      "http://dom%5Cuser:***@proxy:8899"
    ),
    ("user:p://x@proxy:1", "http://user:p:%2F%2Fx@proxy:1", "http://user:***@proxy:1"),
    ("http://u:a:b:c@proxy:1", "http://u:a:b:c@proxy:1", "http://u:***@proxy:1"),
    ("http://u:100%@proxy:1", "http://u:100%25@proxy:1", "http://u:***@proxy:1"),
    ("http://u:%4a%zz%4@proxy:1", "http://u:%4a%25zz%254@proxy:1", "http://u:***@proxy:1"),
    ("http://u:!$&'()*,;=~@proxy:1", "http://u:!$&'()*,;=~@proxy:1", "http://u:***@proxy:1"),
    ("http://u:a+b@proxy:1", "http://u:a%2Bb@proxy:1", "http://u:***@proxy:1"),
    ("http://u:\u{E4} \"\u{7F}@proxy:1", "http://u:%C3%A4%20%22%7F@proxy:1", "http://u:***@proxy:1"),
    ("//u:p@h:1", "http://u:p@h:1", "http://u:***@h:1"),
    ("http:/u:p@h:1", "http://u:p@h:1", "http://u:***@h:1"),
    ("http:///u:p@h:1", "http://u:p@h:1", "http://u:***@h:1"),
    ("http:////u@h:1", "http://u@h:1", "http://***@h:1"),
    ("http:\\\\u:p@h:1", "http://u:p@h:1", "http://u:***@h:1"),
    ("\\\\u:p@h:1", "http://u:p@h:1", "http://u:***@h:1"),
    ("http:u:p@h:1", "http://u:p@h:1", "http://u:***@h:1"),
    ("HTTP//u:p@h:1", "http://u:p@h:1", "http://u:***@h:1"),
    ("SOCKS5h:/d\\u:p@h:1", "socks5h://d%5Cu:p@h:1", "socks5h://d%5Cu:***@h:1"),
    ("https:u:p:q@h:1", "https://u:p:q@h:1", "https://u:***@h:1"),
    ("http\\u:x@h:1", "http://http%5Cu:x@h:1", "http://http%5Cu:***@h:1"),
    ("http:u:@h:1", "http://u:@h:1", "http://u:***@h:1"),
    ("httpx:u:p@h:1", "http://httpx:u:p@h:1", "http://httpx:***@h:1"),
    ("http://u://p@h:1", "http://u:%2F%2Fp@h:1", "http://u:***@h:1"),
    ("http://u:$(@h:1", "http://u:$(@h:1", "http://u:***@h:1"),
    ("http://u:50%off%now@h:1", "http://u:50%25off%25now@h:1", "http://u:***@h:1"),
    ("http://u:%41%42%@h:1", "http://u:%41%42%25@h:1", "http://u:***@h:1"),
    ("http://u:%AB%@h:1", "http://u:%AB%25@h:1", "http://u:***@h:1"),
    ("http://u:a<b>@h:1", "http://u:a%3Cb%3E@h:1", "http://u:***@h:1"),
    ("http://none:3128", "http://none:3128", "http://none:3128"),
    ("http://u:p@proxy:8080/a@b:1", "http://u:p%40proxy:8080%2Fa@b:1", "http://u:***@b:1"),
  ]

  @Test(arguments: readable)
  func anAddressIsReadRepairedAndRedacted(written: String, value: String, redacted: String) throws {
    let url = try parseProxyURL(bytes(written))
    #expect(text(url.value) == value)
    #expect(url.redacted.description == redacted)
  }

  @Test(arguments: readable)
  func aRepairedAddressNeedsNoRepair(_: String, value: String, redacted: String) throws {
    let again = try readProxyURL(bytes(value))
    #expect(text(again.url.value) == value)
    #expect(again.url.redacted.description == redacted)
    #expect(again.repairs == [])
  }

  static let unreadable: [(String, ProxyURLFault)] = [
    ("", .empty), (" \"\" ", .empty), ("''", .empty),
    ("ftp://proxy:1", .unknownScheme), ("://proxy:1", .unknownScheme), ("socks://proxy:1", .unknownScheme),
    ("http://", .missingHost), ("http://:8080", .missingHost), ("http://u:p@", .missingHost),
    ("http:///proxy:1", .missingHost), ("//proxy:1", .missingHost), ("u:p@proxy:1@", .missingHost),
    ("http://pr\u{F6}xy:1", .nonASCIIHost), ("http://pr oxy:1", .unreadableHost),
    ("http://pro\u{1B}xy:1", .unreadableHost), ("http://pr%6Fxy:1", .unreadableHost),
    ("http://a..b:1", .unreadableHost), ("http://.a:1", .unreadableHost), ("http://a,b:1", .unreadableHost),
    ("http://1.2.3:1", .unreadableHost), ("http://1.2.3.256:1", .unreadableHost),
    ("http://010.0.0.1:1", .unreadableHost), ("http://[::1:1", .unreadableHost),
    ("http://[::g]:1", .unreadableHost), ("http://[1::2::3]:1", .unreadableHost),
    ("http://[fe80::1%eth0]:1", .unreadableHost), ("http://[proxy]:1", .unreadableHost),
    ("http://proxy:", .unreadablePort), ("http://proxy:0", .unreadablePort),
    ("http://proxy:65536", .unreadablePort),
    ("http://proxy:80x", .unreadablePort), ("http://proxy:-1", .unreadablePort),
    ("http://fe80::1:1", .unreadablePort),
    ("http://proxy:99999999999999999999999", .unreadablePort), ("http://[::1]1", .unreadablePort),
    ("http:proxy:1", .unreadablePort), ("http:/proxy:1", .ambiguousScheme),
    ("http://a:1 http://b:1", .unreadablePort),
    ("http://http://h:1", .twoSchemes), ("http://http://u:p@h:1", .twoSchemes),
    ("https://http:/u:p@h:1", .twoSchemes), ("http://HTTP//u:p@h:1", .twoSchemes),
    ("http://htp://u:p@h:1", .twoSchemes), ("//http://u:p@h:1", .twoSchemes),
    ("http:http://u:p@h:1", .twoSchemes),
    ("http:u@h:1", .ambiguousScheme), ("http::p@h:1", .ambiguousScheme),
    ("HTTP/h@REALM:p@h:1", .ambiguousScheme), ("http//proxy:1", .ambiguousScheme),
    ("http//http://h:1", .ambiguousScheme), ("htp:/u:p@h:1", .ambiguousScheme),
    ("/u:p@h:1", .unreadableUser), ("http;//u:p@h:1", .unreadableUser), ("htp//u@h:1", .unreadableUser),
    ("$(PROXY)", .placeholder), ("http://$(PROXY_USER):${PROXY_PASSWORD}@h:1", .placeholder),
    ("http://u:a${B:-c}@h:1", .placeholder), ("%PROXY%", .placeholder), ("http://%USER%:p@h:1", .placeholder),
    ("http://d\\%USERNAME%:p@h:1", .placeholder), ("http://<PROXY_USER>:<password>@h:1", .placeholder),
    ("http://<your proxy>:3128", .placeholder), ("http://{{ user }}:p@h:1", .placeholder),
    ("http://wpad.corp/wpad.dat", .pacFile), ("http://u:p@h:1/a/Proxy.PAC?x=/", .pacFile),
    ("file:///etc/proxy.pac", .pacFile), ("pac+https://h/x", .pacFile),
    ("none", .word), ("DIRECT", .word), ("False", .word), ("null", .word), (" 'off' ", .word),
    ("http://undefined", .word), ("http://proxy:1/ x", .unreadableRest),
    ("http://proxy\0:1", .nul), ("http://\(String(repeating: "a", count: 64)):1", .unreadableHost),
  ]

  @Test(arguments: unreadable)
  func aTextThatIsNoAddressIsRefused(written: String, fault: ProxyURLFault) {
    #expect(throws: fault) { try parseProxyURL(bytes(written)) }
  }

  @Test func theLargestPortAndTheSmallestAreRead() throws {
    #expect(try parseProxyURL(bytes("http://p:65535")).port == 65535)
    #expect(try parseProxyURL(bytes("http://p:1")).port == 1)
    #expect(try parseProxyURL(bytes("http://p")).port == nil)
  }

  /// The input, and the decoded user and password.
  static let credentials: [(String, String, String)] = [
    ("http://dom\\user:p@ss/w#rd@proxy:8899", "dom\\user", "p@ss/w#rd"),
    ("http://user:%70%2f%41@proxy:1", "user", "p/A"),
    ("http://user:100%@proxy:1", "user", "100%"),
    ("http://a%40b:c:d@proxy:1", "a@b", "c:d"),
    ("http://a@b:c@proxy:1", "a@b", "c"),
    ("http://user@proxy:1", "user", ""),
    ("http://:pw@proxy:1", "", "pw"),
    ("http://u:\u{E4}+ ?&@proxy:1", "u", "\u{E4}+ ?&"),
  ]

  @Test(arguments: credentials)
  func userAndPasswordAreDecoded(written: String, user: String, password: String) throws {
    let userinfo = try #require(parseProxyURL(bytes(written)).userinfo)
    #expect(text(userinfo.decodedUser) == user)
    #expect(text(userinfo.decodedPassword.bytes) == password)
    #expect(text(userinfo.basicCredentials.bytes) == "\(user):\(password)")
  }

  /// The text before the host, and what is shown of it.
  static let users: [(String, String, String)] = [
    ("alice:secret", "alice:***", "alice"),
    ("dom\\alice:secret", "dom%5Calice:***", "dom\\alice"),
    ("m\u{FC}ller:secret", "m%C3%BCller:***", "m%C3%BCller"),
    ("alice@corp:secret", "alice%40corp:***", "alice@corp"),
    ("alice", "***", "***"),
    ("alice%3Asecret", "***", "***"),
    ("alice%253Asecret", "***", "***"),
    ("alice/secret", "***", "***"),
    ("alice;secret", "***", "***"),
    ("alice secret", "***", "***"),
    ("alice/secret:x", "***:***", "***"),
    ("token@proxy:1/x", "***:***", "***"),
    ("secret:secret", "***:***", "***"),
    ("my-secret-1:secret", "***:***", "***"),
    ("s%65cret:secret", "***:***", "***"),
  ]

  @Test(arguments: users)
  func aUserIsShownUnlessItMayHoldThePassword(written: String, redacted: String, displayed: String) throws {
    let url = try parseProxyURL(bytes("http://\(written)@proxy:1"))
    #expect(url.redacted.description == "http://\(redacted)@proxy:1")
    #expect(url.userinfo?.displayedUser.description == displayed)
  }

  @Test func nothingThatPrintsAValueFindsThePassword() throws {
    let url = try parseProxyURL(bytes("http://user:hunter2@proxy:1/hunter2"))
    var printed = "\(url) \(String(describing: url)) \(String(reflecting: url))"
    dump(url, to: &printed)
    dump([url.userinfo], to: &printed)
    print(url, url.userinfo as Any, to: &printed)
    debugPrint(url, url.userinfo as Any, to: &printed)
    #expect(!printed.contains("hunter2"))
    #expect(!printed.contains("104"), "104 is the first byte of the password")
    #expect(printed.contains("http://user:***@proxy:1/***"))
  }

  @Test func aPasswordOfNothingButBracesIsReadOnce() {
    let braces = String(repeating: "{", count: 130_000)
    #expect((try? parseProxyURL(bytes("http://u:\(braces)@h:1"))) != nil)
    #expect(throws: ProxyURLFault.placeholder) { try parseProxyURL(bytes("http://u:\(braces)}}@h:1")) }
  }
}
