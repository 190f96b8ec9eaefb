import Text

// The values of extensions, as RFC 5280 §4.2.1 defines each. Java parses those of critical extensions while it loads a
// bundle.

extension KnownExtension {
  /// Whether an extension's value conforms to its definition.
  /// - Parameters:
  ///   - value: the contents of extnValue's OCTET STRING.
  ///   - isCritical: whether Java parses it; Java requires more of names than RFC 5280 does.
  func isValid(_ bytes: Span<UInt8>, _ value: Range<Int>, isCritical: Bool) -> Bool {
    var outer = DER(value)
    guard let element = outer.next(bytes), outer.isAtEnd else { return false }
    switch self {
    case .subjectKeyIdentifier: return element.tag == Tag.octetString
    case .keyUsage, .netscapeCertType:
      return element.tag == Tag.bitString && isBitString(bytes.extracting(element.content), isStrict: true)
    // A certificate in the test data of Python's cryptography has a negative one, and all libraries read it.
    case .inhibitAnyPolicy:
      return element.tag == Tag.integer && element.content.count <= 4
        && isInteger(bytes.extracting(element.content))
    // These must not be critical.
    case .authorityInfoAccess, .subjectInfoAccess, .ocspNoCheck: return !isCritical
    default: break
    }
    guard element.tag == Tag.sequence else { return false }
    let walk = outer.inside(element)
    switch self {
    case .basicConstraints: return isBasicConstraints(walk, bytes)
    // A certificate in the test data of Python's cryptography has an empty list, and all libraries read it.
    case .extKeyUsage: return walk.isAtEnd || isList(walk, bytes) { isOID(bytes, $0) }
    case .subjectAltName, .issuerAltName:
      return isList(walk, bytes) { isGeneralName(bytes, $0, isCritical ? .critical : .plain) }
    case .authorityKeyIdentifier: return isKeyIdentifier(walk, bytes, isCritical)
    case .nameConstraints: return isNameConstraints(walk, bytes)
    case .policyConstraints:
      return areFields(walk, bytes) { ($0.tag == 0x80 || $0.tag == 0x81) && isCount(bytes, $0) }
    case .policyMappings:
      return isList(walk, bytes) { pair in
        pair.tag == Tag.sequence && isList(DER(pair.content), bytes, count: 2) { isOID(bytes, $0) }
      }
    case .certificatePolicies: return isList(walk, bytes) { isPolicy(bytes, $0) }
    case .crlDistributionPoints, .freshestCRL:
      return isList(walk, bytes) { isDistributionPoint(bytes, $0, isCritical) }
    case .privateKeyUsagePeriod:
      return areFields(walk, bytes) { field in
        let time = field.tagged(Tag.generalizedTime)
        return (field.tag == 0x80 || field.tag == 0x81) && seconds(bytes, time) != nil
      }
    default: return false
    }
  }
}

/// Whether there is at least one element (`count`, if given), and each satisfies the predicate.
func isList(
  _ walk: DER, _ bytes: Span<UInt8>, count: Int? = nil, of isOne: (DER.Element) -> Bool
) -> Bool {
  var walk = walk
  var found = 0
  while !walk.isAtEnd {
    guard let element = walk.next(bytes), isOne(element) else { return false }
    found += 1
  }
  return count.map { $0 == found } ?? (found > 0)
}

/// Whether tags ascend without repetition, and each element satisfies the predicate.
func areFields(_ walk: DER, _ bytes: Span<UInt8>, _ isOne: (DER.Element) -> Bool) -> Bool {
  var walk = walk
  var last: UInt8?
  while !walk.isAtEnd {
    guard let element = walk.next(bytes), isOne(element) else { return false }
    if let last, element.tag & 0x1F <= last & 0x1F { return false }
    last = element.tag
  }
  return true
}

private func isOID(_ bytes: Span<UInt8>, _ element: DER.Element) -> Bool {
  element.tag == Tag.objectIdentifier
    && isObjectIdentifier(bytes.extracting(element.content), isStrict: false)
}

/// One that GnuTLS reads: 31 bytes never need more than its limit of 128 digits and dots.
private func isShortOID(_ bytes: Span<UInt8>, _ element: DER.Element) -> Bool {
  element.tag == Tag.objectIdentifier && element.content.count <= 31
    && isObjectIdentifier(bytes.extracting(element.content))
}

/// A number of certificates: not negative, and below 2^31.
func isCount(_ bytes: Span<UInt8>, _ element: DER.Element) -> Bool {
  element.content.count <= 4 && isInteger(bytes.extracting(element.content))
    && bytes[element.content.lowerBound] & 0x80 == 0
}

private func isBasicConstraints(_ walk: DER, _ bytes: Span<UInt8>) -> Bool {
  var walk = walk
  if walk.nextTag(bytes) == Tag.boolean {
    // A stated FALSE is very common, although DER omits defaults.
    guard let authority = walk.next(bytes), authority.content.count == 1 else { return false }
  }
  if walk.nextTag(bytes) == Tag.integer {
    guard let length = walk.next(bytes), isCount(bytes, length) else { return false }
  }
  return walk.isAtEnd
}

private func isKeyIdentifier(_ walk: DER, _ bytes: Span<UInt8>, _ isCritical: Bool) -> Bool {
  areFields(walk, bytes) { field in
    switch field.tag {
    case 0x80: true
    case 0xA1: areNames(bytes, field, isCritical)
    case 0x82: isInteger(bytes.extracting(field.content))
    default: false
    }
  }
}

private func areNames(_ bytes: Span<UInt8>, _ field: DER.Element, _ isCritical: Bool) -> Bool {
  isList(DER(field.content), bytes) { isGeneralName(bytes, $0, isCritical ? .critical : .plain) }
}

/// - Source: RFC 5280 §4.2.1.13.
private func isDistributionPoint(_ bytes: Span<UInt8>, _ point: DER.Element, _ isCritical: Bool) -> Bool {
  guard point.tag == Tag.sequence else { return false }
  return areFields(DER(point.content), bytes) { field in
    switch field.tag {
    case 0xA0:
      var walk = DER(field.content)
      guard let name = walk.step(bytes), walk.isAtEnd else { return false }
      return name.tag == 0xA0
        ? areNames(bytes, name, isCritical) : name.tag == 0xA1 && areAttributes(bytes, name)
    case 0x81: return isBitString(bytes.extracting(field.content), isStrict: true)
    case 0xA2: return areNames(bytes, field, isCritical)
    default: return false
    }
  }
}

private func isNameConstraints(_ walk: DER, _ bytes: Span<UInt8>) -> Bool {
  areFields(walk, bytes) { field in
    guard field.tag == 0xA0 || field.tag == 0xA1 else { return false }
    return isList(DER(field.content), bytes) { subtree in
      guard subtree.tag == Tag.sequence else { return false }
      var walk = DER(subtree.content)
      guard let base = walk.step(bytes), isGeneralName(bytes, base, .constraint) else { return false }
      return areFields(walk, bytes) { ($0.tag == 0x80 || $0.tag == 0x81) && isCount(bytes, $0) }
    }
  }
}

private func isPolicy(_ bytes: Span<UInt8>, _ policy: DER.Element) -> Bool {
  guard policy.tag == Tag.sequence else { return false }
  var walk = DER(policy.content)
  guard let identifier = walk.step(bytes), isOID(bytes, identifier) else { return false }
  if walk.isAtEnd { return true }
  guard let qualifiers = walk.step(Tag.sequence, bytes), walk.isAtEnd else { return false }
  return isList(DER(qualifiers.content), bytes) { qualifier in
    guard qualifier.tag == Tag.sequence else { return false }
    var walk = DER(qualifier.content)
    guard let identifier = walk.step(bytes), isOID(bytes, identifier) else { return false }
    return isNested(bytes, walk.position..<qualifier.content.upperBound)
  }
}

/// Where a name occurs: where Java does not parse it, where Java does, or among name constraints.
private enum NamePlace { case plain, critical, constraint }

/// Whether a name is one that GnuTLS reads, and Java too where it parses the name.
///
/// An EDIPartyName and an X.400 address do not count, although RFC 5280 defines them: GnuTLS does not read them.
/// - Source: RFC 5280 §4.2.1.6 and §4.2.1.10.
private func isGeneralName(_ bytes: Span<UInt8>, _ name: DER.Element, _ place: NamePlace) -> Bool {
  let content = name.content
  let octets = bytes.extracting(content)
  switch name.tag {
  case 0xA0:
    var walk = DER(content)
    guard let type = walk.step(bytes), isShortOID(bytes, type), let value = walk.step(Tag.context(0), bytes),
      walk.isAtEnd
    else { return false }
    return isList(DER(value.content), bytes, count: 1) { _ in isNested(bytes, value.content) }
  case 0x81, 0x82, 0x86:
    // Certificates in the test data of Python's cryptography have bytes that are not ASCII here, and all libraries read
    // them.
    if name.tag == 0x82 { return place == .constraint || !octets.isEmpty }
    if place == .plain || octets.isEmpty { return !octets.isEmpty }
    let last = octets[octets.count - 1]
    if name.tag == 0x81 { return last != UInt8(ascii: "@") && last != UInt8(ascii: ".") }
    return place == .constraint ? isHost(octets, from: 0) : isURI(octets)
  case 0xA4:
    var walk = DER(content)
    guard let directory = walk.step(Tag.sequence, bytes), walk.isAtEnd else { return false }
    return isName(walk.inside(directory), bytes)
      && (directory.content.isEmpty
        || isList(walk.inside(directory), bytes) { $0.tag == Tag.set && areAttributes(bytes, $0) })
  case 0x87:
    return place == .constraint
      ? octets.count == 8 || octets.count == 32 : octets.count == 4 || octets.count == 16
  case 0x88: return octets.count <= 31 && isObjectIdentifier(octets)
  default: return false
  }
}

/// Whether an RDN has attributes whose values are not empty.
@inline(never)
private func areAttributes(_ bytes: Span<UInt8>, _ set: DER.Element) -> Bool {
  isList(DER(set.content), bytes) { attribute in
    var walk = DER(attribute.content)
    guard attribute.tag == Tag.sequence, let type = walk.step(bytes), isShortOID(bytes, type),
      let value = walk.step(bytes)
    else { return false }
    return walk.isAtEnd && !value.content.isEmpty
  }
}

/// Whether the rest is a host name as Java requires it: labels of letters, digits and hyphens, the last of them not a
/// number; it may begin with a dot.
private func isHost(_ octets: Span<UInt8>, from start: Int) -> Bool {
  var position = start < octets.count && octets[start] == UInt8(ascii: ".") ? start + 1 : start
  if octets.count - position > 253 { return false }
  while true {
    let first = position
    while position < octets.count && octets[position] != UInt8(ascii: ".") {
      let isHyphen = octets[position] == UInt8(ascii: "-")
      if !isHyphen && !octets[position].isLetter && !(0x30...0x39).contains(octets[position]) {
        return false
      }
      position += 1
    }
    if first == position || position - first > 63 || octets[first] == UInt8(ascii: "-")
      || octets[position - 1] == UInt8(ascii: "-")
    {
      return false
    }
    if position == octets.count { return octets[first].isLetter }
    position += 1
  }
}

/// Whether this is a scheme of letters, `://`, a host, and at most a path of letters, digits, slashes, dots and
/// hyphens. Not all valid URIs pass, but Java reads all that do.
private func isURI(_ octets: Span<UInt8>) -> Bool {
  var position = 0
  while position < octets.count && octets[position].isLetter { position += 1 }
  guard position > 0, octets.extracting(position...).begins(with: Array("://".utf8)) else { return false }
  let start = position + 3
  guard start < octets.count, octets[start] != UInt8(ascii: ".") else { return false }
  var end = start
  while end < octets.count && octets[end] != UInt8(ascii: "/") { end += 1 }
  for index in end..<octets.count
  where !octets[index].isLetter && !(UInt8(ascii: "-")...UInt8(ascii: "9")).contains(octets[index]) {
    return false
  }
  return isHost(octets.extracting(..<end), from: start)
}

/// Whether the bytes are nested elements, each complete and not nested too deep.
func isNested(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
  var ends: [Int] = []
  var walk = DER(range)
  var end = range.upperBound
  while true {
    while walk.isAtEnd {
      guard let outer = ends.popLast() else { return true }
      walk = DER(end..<outer)
      end = outer
    }
    guard let element = walk.next(bytes) else { return false }
    if element.tag & 0x20 == 0 { continue }
    if ends.count == 16 { return false }
    ends.append(end)
    end = element.content.upperBound
    walk = DER(element.content)
  }
}
