import Text

/// Certificates of a bundle as the distributions' tools write it: `CERTIFICATE` blocks of 64 columns, and
/// comments. A block tells by its first characters how long it is, and only those of a length that is
/// asked for are decoded.
///
/// - Parameter isOfInterest: of how many bytes the DER of a certificate is that is asked for.
/// - Returns: the DER of each; nil where the text is written in any other way.
public func certificates(inPlainBundle text: [UInt8], where isOfInterest: (Int) -> Bool) -> [[UInt8]]? {
  let (begin, end): (StaticString, StaticString) = (
    "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n"
  )
  var found: [[UInt8]] = []
  var position = 0
  while position < text.count {
    if text[position] != UInt8(ascii: "-") {
      // OpenSSL takes a long line for two, and reads no further than one that begins with NUL.
      let next = text.span.firstNewline(in: position..<text.count) + 1
      if next - position > 253 || text[position] == 0 { return nil }
      position = next
      continue
    }
    let start = position + begin.utf8CodeUnitCount
    guard text[position...].begins(with: begin), text.count - start >= 8,
      let head = Base64.decode(text[start..<(start + 8)]), head.count == 6,
      head[0] == Tag.sequence, head[1] == 0x82
    else { return nil }
    let count = 4 + Int(head[2]) << 8 + Int(head[3])
    let characters = (count + 2) / 3 * 4
    let bodyEnd = start + characters + (characters + 63) / 64
    guard bodyEnd < text.count, text[bodyEnd...].begins(with: end) else { return nil }
    if isOfInterest(count) {
      var pem = PEM(text, from: position, upTo: bodyEnd + end.utf8CodeUnitCount)
      guard let block = pem.next(), block.fault == nil, !block.hasHeader, block.contents.count == count
      else { return nil }
      found.append(Array(pem.decoded[block.contents]))
    }
    position = bodyEnd + end.utf8CodeUnitCount
  }
  return found
}
