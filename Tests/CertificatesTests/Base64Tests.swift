import Testing

@testable import Certificates

@Test(arguments: [
  ("", ""), ("TQ==", "M"), ("TWE=", "Ma"), ("TWFu", "Man"), ("TWFuTQ==", "ManM"),
  // White space anywhere, even within the padding.
  (" T W\tF\r\nu ", "Man"), ("TQ=\n=", "M"), ("T\nQ==", "M"), ("TWFu\n\n", "Man"),
  // Unused bits may have any value.
  ("TR==", "M"), ("TWF=", "Ma"),
])
func base64IsDecoded(text: String, decoded: String) {
  #expect(Base64.decode(bytes(text)[...]) == bytes(decoded))
}

@Test(arguments: [
  "T", "TQ", "TWE", "TQ=", "T===", "=", "==", "====", "TWFu=", "TWFu==", "TWFu====", "TQ===",
  // Only white space may follow the padding.
  "TQ==TWFu", "TQ==T", "TWE=TWFu",
  // Characters of other alphabets, and of none.
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

/// Whole lines are decoded in groups of sixteen characters; the result must equal that of the exact reading, for any
/// byte in any position.
@Test func linesAreDecodedAsAnyOtherText() {
  var generator = SeededGenerator(state: 16)
  for count in [1, 2, 3, 11, 12, 13, 36, 47, 48, 49, 96, 100] {
    let original = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    var body: [UInt8] = []
    Base64.appendLines(of: original[...], to: &body)
    #expect(decodedLines(body) == original)
    for place in 0..<(min(body.count, 70) - 1) {
      for byte in UInt8.min ... .max {
        var changed = body
        changed[place] = byte
        if let decoded = decodedLines(changed) { #expect(decoded == Base64.decode(changed[...])) }
        if isAlphabet(byte) && isAlphabet(body[place]) { #expect(decodedLines(changed) != nil) }
      }
    }
  }
}

@Test(arguments: 0...60) func linesThatDoNotFitAreNotDecoded(room: Int) {
  var body: [UInt8] = []
  Base64.appendLines(of: bytes("forty-eight bytes are one line of Base64, and so")[...], to: &body)
  // One surplus byte is written.
  #expect((decodedLines(body, room: room) != nil) == (room >= 49))
}

private func decodedLines(_ body: [UInt8], room: Int = 4096) -> [UInt8]? {
  var output = [UInt8](repeating: 0, count: room)
  let text = body + bytes("-----END X-----\n")
  guard let (count, _, length) = Base64.decodeLines(text.span, into: &output), length == body.count else {
    return nil
  }
  return Array(output[..<count])
}

private func isAlphabet(_ byte: UInt8) -> Bool {
  bytes("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/").contains(byte)
}
