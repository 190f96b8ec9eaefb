import Text

/// Reads the certificates of a bundle as the distributions' tools write it: `CERTIFICATE` blocks of whole lines
/// of 64 columns, and comments. A block tells by its first characters how long it is, and only those of
/// a length that is asked for are decoded.
///
/// - Parameters:
///   - lengths: of how many bytes the certificates are that are asked for.
///   - take: is given the DER of each.
/// - Returns: false where the text is not written like that: then some may be missed.
public func readPlainBundle(
  _ text: [UInt8], lengths: [Int], take: (ArraySlice<UInt8>) -> Void
) -> Bool {
  let (begin, end): (StaticString, StaticString) = (
    "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n"
  )
  var decoded = [UInt8](repeating: 0, count: 4 + (lengths.max() ?? 0))
  var position = 0
  while position < text.count {
    if text[position] != UInt8(ascii: "-") {
      // OpenSSL takes a long line for two, and reads no further than one that begins with NUL.
      let next = text.span.firstNewline(in: position..<text.count) + 1
      if next - position > 253 || text[position] == 0 { return false }
      position = next
      continue
    }
    let start = position + begin.utf8CodeUnitCount
    guard text[position...].begins(with: begin), let head = Base64.quantum(text.span, at: start),
      let next = Base64.quantum(text.span, at: start + 4), head >> 8 == UInt32(Tag.sequence) << 8 | 0x82
    else { return false }
    let count = 4 + Int(head & 0xFF) << 8 + Int(next >> 16)
    let characters = (count + 2) / 3 * 4
    let bodyEnd = start + characters + (characters + 63) / 64
    guard bodyEnd < text.count, text[bodyEnd...].begins(with: end) else { return false }
    if lengths.contains(count) {
      guard let body = Base64.decodeLines(text.span.extracting(start...), into: &decoded),
        body.count == count,
        start + body.length == bodyEnd
      else { return false }
      take(decoded[..<count])
    }
    position = bodyEnd + end.utf8CodeUnitCount
  }
  return true
}
