import Text

/// Goes through the certificates of a PKCS #7 or CMS SignedData, as Windows and `openssl crl2pkcs7` write it: in
/// DER, or in BER with indefinite lengths. They are not collected: a file may hold a million of nothing.
///
/// - Source: RFC 5652 §3 and §5.1.
/// - Parameters:
///   - range: its range in `bytes`.
///   - take: is given the range of each certificate's DER.
/// - Returns: how many there are; nil where the bytes are no SignedData.
func readSignedData(_ bytes: [UInt8], in range: Range<Int>, take: (Range<Int>) -> Void) -> Int? {
  let bytes = bytes.span
  var outer = DER(range, isStrict: false)
  guard let info = outer.next(Tag.sequence, bytes) else { return nil }
  var fields = outer.inside(info)
  guard let type = fields.next(Tag.objectIdentifier, bytes),
    bytes.extracting(type.content).isEqual(to: OID.signedData),
    let explicit = fields.next(Tag.context(0), bytes)
  else { return nil }
  var content = fields.inside(explicit)
  guard let signedData = content.next(Tag.sequence, bytes) else { return nil }
  var walk = content.inside(signedData)
  guard walk.next(Tag.integer, bytes) != nil, walk.next(Tag.set, bytes) != nil,
    walk.next(Tag.sequence, bytes) != nil
  else {
    return nil
  }
  guard let set = walk.next(Tag.context(0), bytes) else { return 0 }
  var choices = walk.inside(set)
  var count = 0
  while let choice = choices.next(bytes) {
    // The other choices are attribute certificates and forms that are no longer used.
    if choice.tag != Tag.sequence { continue }
    count += 1
    take(choice.range)
  }
  return count
}
