import Text

// Keys and the parameters of algorithms. Java parses them while it loads a bundle.

/// - Parameter walk: positioned after the algorithm's identifier.
/// - Returns: the tag of the parameters, if this algorithm cannot have such parameters.
func parametersFault(_ walk: DER, _ bytes: Span<UInt8>, _ identifier: DER.Element) -> UInt8? {
  var walk = walk
  guard let parameters = walk.next(bytes) else { return nil }
  let isPSS = bytes.extracting(identifier.content).isEqual(to: OID.pss)
  let isFit =
    switch parameters.tag {
    case Tag.null: true
    case Tag.objectIdentifier: !isPSS
    case Tag.sequence:
      isPSS ? arePSSParameters(bytes, parameters.content) : isNested(bytes, parameters.content)
    default: false
    }
  return isFit ? nil : parameters.tag
}

/// - Source: RFC 4055 §3.1. Java requires a hash that it knows, and MGF1.
private func arePSSParameters(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
  areFields(DER(range), bytes) { field in
    var walk = DER(field.content)
    guard let value = walk.step(bytes), walk.isAtEnd else { return false }
    switch field.tag {
    case 0xA0: return isHash(bytes, value)
    case 0xA1:
      guard value.tag == Tag.sequence else { return false }
      var mask = DER(value.content)
      guard let identifier = mask.step(Tag.objectIdentifier, bytes),
        bytes.extracting(identifier.content).isEqual(to: OID.mgf1), let hash = mask.step(bytes)
      else { return false }
      return mask.isAtEnd && isHash(bytes, hash)
    case 0xA2: return value.tag == Tag.integer && isCount(bytes, value)
    case 0xA3:
      return value.tag == Tag.integer && bytes.extracting(value.content).isEqual(to: [1])
    default: return false
    }
  }
}

/// An AlgorithmIdentifier of SHA-1, SHA-2 or SHA-3, without parameters or with NULL.
private func isHash(_ bytes: Span<UInt8>, _ algorithm: DER.Element) -> Bool {
  guard algorithm.tag == Tag.sequence else { return false }
  var walk = DER(algorithm.content)
  guard let identifier = walk.next(Tag.objectIdentifier, bytes)?.content else { return false }
  if !walk.isAtEnd {
    guard let parameters = walk.next(Tag.null, bytes), parameters.content.isEmpty, walk.isAtEnd
    else { return false }
  }
  let name = bytes.extracting(identifier)
  return name.isEqual(to: OID.sha1)
    || (name.count == OID.sha2.count + 1 && name.begins(with: OID.sha2)
      && (1...10).contains(name[name.count - 1]))
}

// MARK: Keys

@inline(never)
func publicKeyFault(_ bytes: Span<UInt8>, _ range: Range<Int>) -> CertificateFault? {
  var outer = DER(range)
  guard let info = outer.next(Tag.sequence, bytes) else { return CertificateFault(.publicKey) }
  var fields = outer.inside(info)
  guard let algorithm = fields.next(Tag.sequence, bytes), let key = fields.next(Tag.bitString, bytes)
  else { return CertificateFault(.publicKey) }
  var inside = fields.inside(algorithm)
  guard let identifier = inside.next(Tag.objectIdentifier, bytes) else { return CertificateFault(.publicKey) }
  if let tag = parametersFault(inside, bytes, identifier) {
    return CertificateFault(.publicKey, .parameters(tag: tag), .java)
  }
  let value = key.content.dropFirst()
  let isWhole = bytes[key.content.lowerBound] == 0
  return isWhole && isKey(bytes, value, bytes.extracting(identifier.content), inside)
    ? nil : CertificateFault(.publicKey, .malformed, .java)
}

/// Whether a key conforms to its algorithm. A key of an algorithm unknown here passes: Java does not know it either.
private func isKey(_ bytes: Span<UInt8>, _ key: Range<Int>, _ identifier: Span<UInt8>, _ parameters: DER)
  -> Bool
{
  var parameters = parameters
  if identifier.isEqual(to: OID.rsa) || identifier.isEqual(to: OID.pss) { return isRSAKey(bytes, key) }
  if identifier.isEqual(to: OID.ecKey) {
    guard let curve = parameters.next(Tag.objectIdentifier, bytes),
      let size = OID.sizeOfField(of: bytes.extracting(curve.content))
    else { return false }
    // Java reads uncompressed points only.
    return key.count == 1 + 2 * size && bytes[key.lowerBound] == 4
  }
  if identifier.isEqual(to: OID.dsaKey) {
    var walk = DER(key)
    guard let number = walk.next(Tag.integer, bytes), walk.isAtEnd, isPositive(bytes, number)
    else { return false }
    if parameters.isAtEnd { return true }
    guard let numbers = parameters.next(Tag.sequence, bytes) else { return false }
    return isList(DER(numbers.content), bytes, count: 3) { $0.tag == Tag.integer && isPositive(bytes, $0) }
  }
  if identifier.count == 3 && identifier.begins(with: OID.edwards) {
    let size: Int? =
      switch identifier[2] {
      case 110: 32  // X25519
      case 111: 56  // X448
      case 112: 32  // Ed25519
      case 113: 57  // Ed448
      default: nil
      }
    return size.map { $0 == key.count && parameters.isAtEnd } ?? true
  }
  // A key for key agreement signs nothing.
  return !identifier.isEqual(to: OID.diffieHellman)
}

/// - Source: RFC 8017 §A.1.1; the limits of Java's `RSAKeyFactory`.
private func isRSAKey(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
  var outer = DER(range)
  guard let pair = outer.next(Tag.sequence, bytes), outer.isAtEnd else { return false }
  var walk = outer.inside(pair)
  guard let modulus = walk.next(Tag.integer, bytes), let exponent = walk.next(Tag.integer, bytes),
    walk.isAtEnd, isPositive(bytes, modulus), isPositive(bytes, exponent)
  else { return false }
  let (bits, exponentBits) = (bitCount(bytes, modulus), bitCount(bytes, exponent))
  let last = bytes[exponent.content.upperBound - 1]
  return bits >= 512 && bits <= 16384 && exponentBits >= 2 && exponentBits < bits && last & 1 == 1
    && (bits <= 3072 || exponentBits <= 64)
}

private func isPositive(_ bytes: Span<UInt8>, _ number: DER.Element) -> Bool {
  isInteger(bytes.extracting(number.content)) && bytes[number.content.lowerBound] & 0x80 == 0
}

/// The bit length of an INTEGER that is not negative.
func bitCount(_ bytes: Span<UInt8>, _ number: DER.Element) -> Int {
  guard let first = number.content.first(where: { bytes[$0] != 0 }) else { return 0 }
  return (number.content.upperBound - first) * 8 - bytes[first].leadingZeroBitCount
}
