import Testing
import Text

@testable import Certificates

/// The file contents that a variable's value stands for.
struct VariableContentsTests {
  static let pem = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n"
  static let written = #"-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n"#
  static let base64 = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JST0KLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo="

  static let values: [(value: String, contents: String?)] = [
    (pem, pem), (written, pem), ("\"\(written)\"", pem), ("'\(pem)'", pem),
    (written.replacing(#"\n"#, with: #"\r\n"#), pem.replacing("\n", with: "\r\n")),
    (base64, pem), (" \(base64)\n", pem), ("\"\(base64)\"", pem),
    (String(base64.prefix(40)) + "\n" + String(base64.dropFirst(40)), pem),
    (String(base64.prefix(40)) + #"\n"# + String(base64.dropFirst(40)) + #"\n"#, pem),
    ("\u{FEFF}" + base64, pem),
    (#"# C:\new\n"# + "\n" + pem, #"# C:\new\n"# + "\n" + pem),
    ("  \n", "  \n"), ("\"", nil), ("\"\"", nil), ("", ""),
    ("/etc/repo/ca.pem", nil), ("LS0tL", nil), ("LS0tL=S0", nil), ("%%%", nil), (#"\"#, nil), (#"\\n"#, nil),
  ]

  @Test(arguments: values)
  func aValueIsAFileOrNothing(value: String, contents: String?) {
    #expect(fileContents(ofVariable: Array(value.utf8)) == contents.map { Array($0.utf8) })
  }
}
