import Testing
import Text

@testable import Entry

struct JSONTests {
  private func written(_ body: (inout JSON) -> Void) -> String {
    var json = JSON()
    body(&json)
    return String(decoding: json.bytes, as: UTF8.self)
  }

  static let strings: [(text: String, json: String)] = [
    ("", #""""#), ("a b", #""a b""#), ("say \"x\"", #""say \"x\"""#), (#"a\b"#, #""a\\b""#),
    ("a\nb\tc\r", #""a\u000ab\u0009c\u000d""#), ("\u{0}\u{1F}\u{7F}", #""\u0000\u001f\u007f""#),
    ("ü€🙂\u{2028}", "\"ü€🙂\u{2028}\""), ("</script>", #""</script>""#),
  ]

  @Test(arguments: strings)
  func ofATextOnlyWhatTheStandardDemandsIsEscaped(text: String, json: String) {
    #expect(written { $0.string(Text(utf8: Array(text.utf8))) } == json)
  }

  @Test func onlyValuesAreSeparatedByCommas() {
    let text = written { json in
      json.object { object in
        object.member("a", "1")
        object.member("b", true)
        object.name("c")
        object.array { list in
          list.object { _ in }
          list.array { _ in }
          list.string("x")
          list.bool(false)
        }
        object.member("d", ["y", "z"])
        object.member("e", [] as [Text])
      }
    }
    #expect(text == #"{"a":"1","b":true,"c":[{},[],"x",false],"d":["y","z"],"e":[]}"#)
  }

  @Test func aNameIsEscapedAsAnyText() {
    #expect(written { json in json.object { $0.member("a\"b", "c") } } == #"{"a\"b":"c"}"#)
  }
}
