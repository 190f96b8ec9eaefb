import Text

/// Visits the certificates of a PKCS #7 or CMS SignedData, in DER or, as Windows and `openssl crl2pkcs7` write it, in
/// BER with indefinite lengths. They are not collected: a file may contain a million empty ones.
///
/// - Source: RFC 5652 §3 and §5.1.
/// - Parameters:
///   - range: the range of the SignedData in `bytes`.
///   - take: receives the range of each certificate's DER.
/// - Returns: the number of certificates; nil if the bytes are not a SignedData.
func readSignedData(_ bytes: [UInt8], in range: Range<Int>, take: (Range<Int>) -> Void) -> Int? {
  let bytes = bytes.span
  var outer = DER(range, isStrict: false)
  guard let info = outer.step(Tag.sequence, bytes) else { return nil }
  var fields = outer.inside(info)
  guard let type = fields.step(Tag.objectIdentifier, bytes),
    bytes.extracting(type.content).isEqual(to: OID.signedData),
    let explicit = fields.step(Tag.context(0), bytes)
  else { return nil }
  var content = fields.inside(explicit)
  guard let signedData = content.step(Tag.sequence, bytes) else { return nil }
  var walk = content.inside(signedData)
  guard walk.step(Tag.integer, bytes) != nil, walk.step(Tag.set, bytes) != nil,
    walk.step(Tag.sequence, bytes) != nil
  else {
    return nil
  }
  guard let set = walk.step(Tag.context(0), bytes) else { return 0 }
  var choices = walk.inside(set)
  var count = 0
  while let choice = choices.step(bytes) {
    // The other choices are attribute certificates and obsolete forms.
    if choice.tag != Tag.sequence { continue }
    count += 1
    take(choice.range)
  }
  return count
}
