import Text

/// Recognizes the common ways in which a certificate is damaged before it is mounted, so that each gets its own remedy.
/// - Parameter text: has no block that OpenSSL would begin to read.
/// - Returns: the damage and its line; nil if the text does not look like a former certificate.
@inline(never)
func commonDamage(in text: [UInt8]) -> (kind: CertificateProblem.Kind, line: Int?)? {
  if let kind = kindOfBase64(text[...]) { return (kind, nil) }
  var hasEnd = false
  var (number, position) = (0, 0)
  while position < text.count {
    let end = text.span.firstNewline(in: position..<text.count)
    let line = text[position..<end]
    position = end + 1
    number += 1
    if let start = line.firstOccurrence(of: "-----BEGIN ") { return (damage(of: line, from: start), number) }
    if line.contains("-----END ") { hasEnd = true }
    if namesCertificate(line) { return (.misspeltBegin, number) }
  }
  return hasEnd ? (.noBegin, number) : nil
}

/// Does the same for the text beside readable blocks. That may be a block commented out on purpose, a sentence about
/// one, or a key: only what was a certificate counts as damage.
/// - Parameter text: the whole text.
/// - Returns: the first damage in `range`, with its line in the text.
@inline(never)
func commonDamage(beside range: Range<Int>, in text: [UInt8]) -> (kind: CertificateProblem.Kind, line: Int)? {
  var position = range.lowerBound
  while position < range.upperBound {
    let end = text.span.firstNewline(in: position..<range.upperBound)
    // If nothing follows the BEGIN line, nothing is lost.
    if let kind = besideKind(text[position..<end], isLast: end + 1 >= range.upperBound) {
      return (kind, 1 + text[..<position].count { $0 == newline })
    }
    position = end + 1
  }
  return nil
}

private func besideKind(_ line: ArraySlice<UInt8>, isLast: Bool) -> CertificateProblem.Kind? {
  if let kind = kindOfBase64(line) { return kind }
  let content = line.drop { $0 <= UInt8(ascii: " ") }
  if content.first == UInt8(ascii: "#") || content.first == UInt8(ascii: ";") { return nil }
  if content.begins(with: "-----END CERTIFICATE") { return .noBegin }
  let isHyphenated = line.count(where: { $0 == UInt8(ascii: "-") || $0 > 0x7F }) > 1
  if !isLast && isHyphenated && namesCertificate(line) && !line.contains("-----BEGIN ") {
    return .misspeltBegin
  }
  if !line.contains("-----BEGIN ") { return nil }
  let labels: [StaticString] = [
    "-----BEGIN CERTIFICATE-----", "-----BEGIN X509 CERTIFICATE-----", "-----BEGIN TRUSTED CERTIFICATE-----",
    "-----BEGIN PKCS7-----", "-----BEGIN CMS-----",
  ]
  for label in labels {
    guard let start = line.firstOccurrence(of: label) else { continue }
    let isAlone = line[(start + label.utf8CodeUnitCount)...].allSatisfy { $0 <= UInt8(ascii: " ") }
    if (isAlone && !isLast) || line.contains("-----END ") || line.contains("-----\\n") {
      return damage(of: line, from: start)
    }
  }
  return nil
}

/// - Parameter start: the position in the line of its BEGIN.
private func damage(of line: ArraySlice<UInt8>, from start: Int) -> CertificateProblem.Kind {
  if line.contains("-----\\n") { return .writtenLineBreaks }
  let isIndented = line[..<start].allSatisfy { $0 <= UInt8(ascii: " ") }
  let label = line[(start + 11)...]
  guard let end = label.firstOccurrence(of: "-----") else { return .misspeltBegin }
  if label[(end + 5)...].contains(where: { $0 > UInt8(ascii: " ") }) { return .oneLine }
  return isIndented ? .indented : .textBeforeBegin
}

/// Whether it is a BEGIN line with wrong hyphens: too few, separated from the word, or replaced by a word processor's
/// dashes.
private func namesCertificate(_ line: ArraySlice<UInt8>) -> Bool {
  if line.count > 100 { return false }
  guard let begin = line.firstOccurrence(of: "BEGIN") ?? line.firstOccurrence(of: "begin"),
    line[begin...].contains("CERTIFICATE") || line[begin...].contains("certificate")
  else { return false }
  // A sentence may contain both words.
  let before = line[..<begin].drop { $0 <= UInt8(ascii: " ") }
  return before.allSatisfy { $0 <= UInt8(ascii: "-") || $0 > 0x7F } && !before.isEmpty
}

/// What Base64 without BEGIN and END lines contains, judged by its first characters; nil for anything else.
///
/// - Source: RFC 4648 §4. `MII` is the start of a SEQUENCE of 256 bytes to 64 KiB, `LS0tLS1CRUdJTi` is `-----BEGIN`,
///   and `TUlJ` is `MII`.
func kindOfBase64(_ text: ArraySlice<UInt8>) -> CertificateProblem.Kind? {
  let start = text.dropByteOrderMark.drop { $0 <= UInt8(ascii: " ") }
  let line = start.prefix { $0 > UInt8(ascii: " ") }
  guard line.count >= 40, line.allSatisfy({ $0.isLetterOrDigit(or: "+/=") }) else { return nil }
  if line.begins(with: "MII") { return .bareBase64 }
  if line.begins(with: "LS0tLS1CRUdJTi") { return .base64OfPEM }
  return line.begins(with: "TUlJ") ? .base64Twice : nil
}

extension ArraySlice<UInt8> {
  /// Without UTF-8's byte order mark.
  var dropByteOrderMark: ArraySlice<UInt8> { begins(with: [0xEF, 0xBB, 0xBF]) ? dropFirst(3) : self }
}
