import Testing
import Text

@Test(arguments: [
  ("plain", "plain"), ("a\nb", "a\\x0ab"), ("\u{1B}[31m", "\\x1b[31m"), ("Zürich", "Zürich"),
  ("\u{202E}abc", "\\xe2\\x80\\xaeabc"), ("\u{85}", "\\xc2\\x85"),
])
func whatCouldForgeALineIsEscaped(text: String, shown: String) {
  #expect(escaped(Array(text.utf8)) == Text(utf8: Array(shown.utf8)))
}

@Test(
  arguments: [
    ([0xFF], "\\xff"), ([0xC3], "\\xc3"), ([0xC0, 0x80], "\\xc0\\x80"),
    ([0xED, 0xA0, 0x80], "\\xed\\xa0\\x80"),
  ] as [([UInt8], String)])
func whatIsNotUTF8IsEscapedByteByByte(bytes: [UInt8], shown: String) {
  #expect(escaped(bytes) == Text(utf8: Array(shown.utf8)))
}

@Test(
  arguments: [
    Array("Zürich \u{202E}€😀".utf8), [0xFF, 0x41], [0xC3, 0x41], [0xE2, 0x82, 0x41], [0xF0, 0x9F, 0x98],
    [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xE0, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF0, 0x80, 0x80],
    [0xE2, 0xE2, 0x82, 0xAC], [0x80, 0xBF], [0xF5, 0x80], [],
  ] as [[UInt8]])
func whatIsNotUTF8IsRepairedAsTheStandardLibraryDoes(bytes: [UInt8]) {
  #expect(repaired(bytes[...]).description == String(decoding: bytes, as: UTF8.self))
}
