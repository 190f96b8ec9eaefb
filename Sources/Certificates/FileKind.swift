import Text

/// The text with LF for each CR that is a line end of its own; nil if there is no such CR.
func withLineFeeds(_ text: [UInt8]) -> [UInt8]? {
  let carriageReturn = UInt8(ascii: "\r")
  if !text.contains(carriageReturn) { return nil }
  var changed = text
  var isLineEnd = false
  for index in text.indices.reversed() {
    // OpenSSL skips any number of CRs before a LF.
    isLineEnd = text[index] == newline || (text[index] == carriageReturn && isLineEnd)
    if text[index] == carriageReturn && !isLineEnd { changed[index] = newline }
  }
  return changed == text ? nil : changed
}

/// A file's bytes as text; UTF-16 is narrowed to bytes.
@inline(never)
func plainText(_ bytes: [UInt8]) -> [UInt8] {
  if bytes[...].begins(with: [0xFF, 0xFE]) { return narrowed(bytes.dropFirst(2), isBigEndian: false) }
  if bytes[...].begins(with: [0xFE, 0xFF]) { return narrowed(bytes.dropFirst(2), isBigEndian: true) }
  // Without a byte order mark, every second byte at the start of a PEM text is 0.
  if bytes[...].begins(with: [0x2D, 0, 0x2D, 0, 0x2D, 0]) { return narrowed(bytes[...], isBigEndian: false) }
  if bytes[...].begins(with: [0, 0x2D, 0, 0x2D, 0, 0x2D]) { return narrowed(bytes[...], isBigEndian: true) }
  return bytes
}

/// UTF-16 as ASCII; other characters become question marks, which Base64 does not contain.
@inline(never)
private func narrowed(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) -> [UInt8] {
  var text: [UInt8] = []
  text.reserveCapacity(bytes.count / 2)
  var first: UInt8?
  for byte in bytes {
    guard let before = first else {
      first = byte
      continue
    }
    let (high, low) = isBigEndian ? (before, byte) : (byte, before)
    text.append(high == 0 && low < 0x80 ? low : UInt8(ascii: "?"))
    first = nil
  }
  return text
}

/// Container files, recognized by their magic numbers.
/// - Source: RFC 1952 §2.3.1 (gzip), APPNOTE.TXT §4.3.7 (ZIP), Java's JKS and JCEKS.
func kindOfContainer(_ bytes: [UInt8]) -> CertificateProblem.Kind? {
  let start = bytes[...]
  if start.begins(with: [0xFE, 0xED, 0xFE, 0xED]) || start.begins(with: [0xCE, 0xCE, 0xCE, 0xCE]) {
    return .javaKeystore
  }
  if start.begins(with: [0x1F, 0x8B]) { return .gzip }
  return start.begins(with: [0x50, 0x4B, 0x03, 0x04]) ? .zip : nil
}

/// Whether bytes begin like a certificate's DER: a SEQUENCE in a SEQUENCE, both longer than 127 bytes.
func beginsCertificate(_ bytes: [UInt8]) -> Bool {
  func begins(_ offset: Int) -> Int? {
    guard bytes.count > offset + 4, bytes[offset] == Tag.sequence, (0x81...0x83).contains(bytes[offset + 1])
    else { return nil }
    return offset + 2 + Int(bytes[offset + 1] & 0x7F)
  }
  return begins(0).flatMap { begins($0) } != nil
}

/// What a block contains if it is not a certificate.
func kindOfBlock(_ contents: ArraySlice<UInt8>) -> CertificateProblem.Kind {
  contents.begins(with: "-----BEGIN ") || kindOfBase64(contents) != nil
    ? .textInBlock : .notCertificateInBlock
}

/// What a DER file is if it is neither a certificate nor PKCS #7.
///
/// - Source: RFC 7292 §4 (PKCS #12), RFC 5958 §2 and §3 (keys), RFC 8017 §A.1.2, RFC 5915 §3, RFC 2986 §4.1
///   (requests), RFC 5280 §5.1 (CRLs).
@inline(never)
func kindOfDER(_ contents: [UInt8]) -> CertificateProblem.Kind? {
  let bytes = contents.span
  var outer = DER(0..<bytes.count, isStrict: false)
  guard let sequence = outer.step(Tag.sequence, bytes) else { return nil }
  var fields = outer.inside(sequence)
  if let number = fields.step(Tag.integer, bytes) {
    guard let next = fields.step(bytes) else { return nil }
    if number.content.count == 1 && bytes[number.content.lowerBound] == 3 && next.tag == Tag.sequence {
      return .pkcs12
    }
    // PKCS #8, PKCS #1 and SEC 1.
    return [Tag.sequence, Tag.integer, Tag.octetString].contains(next.tag) ? .privateKey : nil
  }
  guard let first = fields.step(Tag.sequence, bytes) else { return nil }
  var inside = fields.inside(first)
  if let identifier = inside.step(Tag.objectIdentifier, bytes) {
    let isEncryption =
      bytes.extracting(identifier.content).begins(with: OID.pkcs5)
      || bytes.extracting(identifier.content).begins(with: OID.pkcs12)
    return isEncryption && fields.step(Tag.octetString, bytes) != nil ? .privateKey : nil
  }
  let hasVersion = inside.step(Tag.integer, bytes) != nil
  guard inside.step(Tag.sequence, bytes) != nil, let second = inside.step(bytes) else { return nil }
  if second.tag != Tag.sequence { return nil }
  // A request continues with its attributes, a revocation list with a time.
  if hasVersion && (inside.isAtEnd || inside.nextTag(bytes) == Tag.context(0)) { return .request }
  return inside.nextTag(bytes) == Tag.utcTime || inside.nextTag(bytes) == Tag.generalizedTime ? .crl : nil
}

/// Whether a text is a web page.
func isHTML(_ text: [UInt8]) -> Bool {
  let start = text[...].dropByteOrderMark.drop { $0 <= UInt8(ascii: " ") }.prefix(512)
  guard start.first == UInt8(ascii: "<") else { return false }
  let lower = start.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
  let marks: [StaticString] = ["<!doctype html", "<html", "<head", "<body", "<script", "<title"]
  return marks.contains { lower[...].contains($0) }
}
