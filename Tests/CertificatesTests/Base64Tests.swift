import Testing

@testable import Certificates

@Test(arguments: [
  ("", ""), ("TQ==", "M"), ("TWE=", "Ma"), ("TWFu", "Man"), ("TWFuTQ==", "ManM"),
  // White space anywhere, also within the padding.
  (" T W\tF\r\nu ", "Man"), ("TQ=\n=", "M"), ("T\nQ==", "M"), ("TWFu\n\n", "Man"),
  // Bits that are left over may be anything.
  ("TR==", "M"), ("TWF=", "Ma"),
])
func base64IsDecoded(text: String, decoded: String) {
  #expect(Base64.decode(bytes(text)[...]) == bytes(decoded))
}

@Test(arguments: [
  "T", "TQ", "TWE", "TQ=", "T===", "=", "==", "====", "TWFu=", "TWFu==", "TWFu====", "TQ===",
  // Nothing may follow padding but white space.
  "TQ==TWFu", "TQ==T", "TWE=TWFu",
  // Of other alphabets, and of none.
  "TW-_", "TWF!", "TWF\u{0}", "TWF.", "TWF\u{B}u", "TWFü", "TWF#u",
])
func whatIsNotBase64IsRefused(text: String) {
  #expect(Base64.decode(bytes(text)[...]) == nil)
}

@Test func whatIsEncodedIsDecodedAgain() {
  var generator = SeededGenerator(state: 64)
  for count in 0..<200 {
    let original = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    var text: [UInt8] = []
    Base64.appendLines(of: original[...], to: &text)
    #expect(Base64.decode(text[...]) == original)
    let lines = text.split(separator: UInt8(ascii: "\n"))
    #expect(lines.dropLast().allSatisfy { $0.count == 64 })
    #expect((lines.last?.count ?? 0) <= 64)
    #expect(text.isEmpty || text.last == UInt8(ascii: "\n"))
  }
}
