import Text

/// The certificates of a PKCS #7 or CMS SignedData, as Windows and `openssl crl2pkcs7` write it: in
/// DER, or in BER with indefinite lengths.
///
/// - Source: RFC 5652 §3 and §5.1.
/// - Returns: each certificate's DER; nil where the bytes are no SignedData.
func certificatesOfSignedData(_ bytes: [UInt8]) -> [[UInt8]]? {
  let contents = bytes
  let bytes = contents.span
  var outer = DER(0..<bytes.count, isStrict: false)
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
  guard let set = walk.next(Tag.context(0), bytes) else { return [] }
  var choices = walk.inside(set)
  var certificates: [[UInt8]] = []
  while let choice = choices.next(bytes) {
    // The other choices are attribute certificates and forms that are no longer used.
    if choice.tag == Tag.sequence { certificates.append(Array(contents[choice.range])) }
  }
  return certificates
}
