import Text

/// The text without the white space and quotes that YAML, shells, editors and mail programs leave around it, paired or
/// single, in any number. No URL and no host begins or ends with any of them.
func trimmingQuotesAndSpace(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
  var bare = text
  while true {
    if let byte = bare.first, byte.isWhiteSpace || isQuote(byte) {
      bare = bare.dropFirst()
    } else if let byte = bare.last, byte.isWhiteSpace || isQuote(byte) {
      bare = bare.dropLast()
    } else if let mark = typographicMarks.first(where: { bare.begins(with: $0[...]) }) {
      bare = bare.dropFirst(mark.count)
    } else if let mark = typographicMarks.first(where: { bare.ends(with: $0) }) {
      bare = bare.dropLast(mark.count)
    } else {
      return bare
    }
  }
}

private func isQuote(_ byte: UInt8) -> Bool { byte == 0x22 || byte == 0x27 }

/// In UTF-8: a byte order mark, a no-break space, and the four quotes that word processors insert.
private let typographicMarks: [[UInt8]] = [
  [0xEF, 0xBB, 0xBF], [0xC2, 0xA0],
  [0xE2, 0x80, 0x98], [0xE2, 0x80, 0x99], [0xE2, 0x80, 0x9C], [0xE2, 0x80, 0x9D],
]
