import Text

/// The name under which OpenSSL looks for a certificate in a directory, without the suffix of `2c1b4b6d.0`. It is the
/// beginning of the SHA-1 of the subject in a canonical form, which is the same for names that OpenSSL considers equal.
///
/// - Source: OpenSSL's X509_NAME_hash_ex(3) and openssl-rehash(1); `x509_name_canon` in its `x509/x_name.c`.
/// - Parameter certificate: its DER.
/// - Returns: eight lower-case hex digits; nil if it is not a certificate.
@inline(never)
public func subjectHash(of certificate: [UInt8]) -> [UInt8]? {
  let bytes = certificate.span
  guard let layout = try? CertificateLayout(bytes, in: 0..<certificate.count, isStrict: false) else {
    return nil
  }
  var outer = DER(layout.subject, isStrict: false)
  guard let name = outer.step(Tag.sequence, bytes) else { return nil }
  var canonical: [UInt8] = []
  var sets = outer.inside(name)
  while let set = sets.step(Tag.set, bytes) {
    var attributes: [[UInt8]] = []
    var inside = sets.inside(set)
    while let attribute = inside.step(Tag.sequence, bytes) {
      var pair = inside.inside(attribute)
      guard let type = pair.step(Tag.objectIdentifier, bytes), let value = pair.step(bytes) else {
        return nil
      }
      attributes.append(
        encoded(Tag.sequence, Array(certificate[type.range]) + canonicalValue(certificate, value)))
    }
    // DER sorts a SET OF.
    let order = SortedBytes(attributes).numbers
    canonical += encoded(Tag.set, order.flatMap { attributes[$0] })
  }
  // OpenSSL reads the first four bytes as a little-endian number.
  let first = sha1(of: canonical)[0]
  return hexDigits(of: (0..<4).map { UInt8(truncatingIfNeeded: first >> (8 * $0)) }[...])
}

/// A string as lower-case UTF-8, without white space around it and with single spaces within. Other values are left
/// unchanged.
private func canonicalValue(_ bytes: [UInt8], _ value: DER.Element) -> [UInt8] {
  guard value.tag != Tag.numericString, let text = string(bytes[value.content], value.tag) else {
    return Array(bytes[value.range])
  }
  var canonical: [UInt8] = []
  for word in text.split(whereSeparator: { $0 == 0x20 || (0x09...0x0D).contains($0) }) {
    if !canonical.isEmpty { canonical.append(0x20) }
    canonical += word.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
  }
  return encoded(Tag.utf8String, canonical)
}

private func encoded(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
  var length: [UInt8] = []
  var rest = content.count
  while rest > 0 || length.isEmpty {
    length.insert(UInt8(truncatingIfNeeded: rest), at: 0)
    rest >>= 8
  }
  if content.count >= 0x80 { length.insert(0x80 | UInt8(truncatingIfNeeded: length.count), at: 0) }
  return [tag] + length + content
}

/// The five words of a SHA-1 digest. It is not used for security, only to look up names.
/// - Source: FIPS 180-4 §5.1.1, §5.3.1, §6.1. All sums are modulo 2^32.
func sha1(of message: [UInt8]) -> [UInt32] {
  var padded = message
  appendPadding(to: &padded, ofMessage: UInt64(message.count))
  var state: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0]
  for start in stride(from: 0, to: padded.count, by: 64) {
    var words: [UInt32] = []
    for index in 0..<16 {
      words.append(padded[(start + 4 * index)..<(start + 4 * index + 4)].reduce(0) { $0 << 8 | UInt32($1) })
    }
    for index in 16..<80 {
      words.append(rotate(words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 31))
    }
    var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
    for index in 0..<80 {
      let (mixed, constant): (UInt32, UInt32) =
        switch index / 20 {
        case 0: (b & c | ~b & d, 0x5a82_7999)
        case 1: (b ^ c ^ d, 0x6ed9_eba1)
        case 2: (b & c | b & d | c & d, 0x8f1b_bcdc)
        default: (b ^ c ^ d, 0xca62_c1d6)
        }
      (e, d, c, b, a) = (d, c, rotate(b, 2), a, rotate(a, 27) &+ mixed &+ e &+ constant &+ words[index])
    }
    state = [state[0] &+ a, state[1] &+ b, state[2] &+ c, state[3] &+ d, state[4] &+ e]
  }
  return state
}
