import Testing

@testable import Certificates

@Test(
  arguments: [
    ("empty", []), ("tag alone", [0x30]), ("length beyond the end", [0x30, 0x01]),
    ("length of 2^63", [0x30, 0x88, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x01]),
    ("length of 2^63 - 1", [0x30, 0x88, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
    ("length of 2^64 - 1", [0x30, 0x88, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]),
    ("length of nine octets", [0x30, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
    ("length of 127 octets", [0x30, 0xFF] + [UInt8](repeating: 0, count: 127)),
    ("length cut short", [0x30, 0x82, 0x01]), ("long form of a short length", [0x30, 0x81, 0x01, 0x00]),
    ("length with a leading zero", [0x30, 0x82, 0x00, 0x80] + [UInt8](repeating: 0, count: 128)),
    ("indefinite length", [0x30, 0x80, 0, 0]), ("tag of more octets", [0x3F, 0x21, 0x00]),
  ] as [(String, [UInt8])])
func whatIsNoDERIsNoElement(name: String, encoding: [UInt8]) {
  var walk = DER(0..<encoding.count)
  let found = walk.next(encoding.span)
  #expect(found == nil, "\(name)")
}

@Test(arguments: [0, 1, 127, 128, 255, 256, 65535, 65536, 70000])
func anElementOfAnyLengthIsFound(count: Int) throws {
  let encoding = element(0x04, [UInt8](repeating: 7, count: count))
  let text = encoding + [1]
  var walk = DER(0..<text.count)
  let next = walk.next(text.span)
  let found = try #require(next)
  #expect(found.tag == 0x04)
  #expect(found.range == 0..<encoding.count)
  #expect(found.content == (encoding.count - count)..<encoding.count)
  #expect(walk.position == encoding.count)
}

@Test(
  arguments: [
    ("empty", [0x30, 0x80, 0, 0], 0), ("one inside", [0x30, 0x80, 0x02, 1, 5, 0, 0], 3),
    ("another inside", [0x30, 0x80, 0x30, 0x80, 0, 0, 0, 0], 4),
    ("zeros in a string", [0x30, 0x80, 0x04, 2, 0, 0, 0, 0], 4),
  ] as [(String, [UInt8], Int)])
func indefiniteContentsEndWithTheirOwnMark(name: String, encoding: [UInt8], count: Int) {
  var walk = DER(0..<encoding.count, isStrict: false)
  let found = walk.next(encoding.span)
  #expect(found?.content.count == count, "\(name)")
  #expect(walk.isAtEnd)
}

@Test(
  arguments: [
    ("no end", [0x30, 0x80, 0x02, 1, 5]), ("half an end", [0x30, 0x80, 0]),
    ("a primitive", [0x04, 0x80, 0, 0]),
    ("the end of the inner only", [0x30, 0x80, 0x30, 0x80, 0, 0]),
  ] as [(String, [UInt8])])
func indefiniteContentsWithoutAnEndAreNone(name: String, encoding: [UInt8]) {
  var walk = DER(0..<encoding.count, isStrict: false)
  let found = walk.next(encoding.span)
  #expect(found == nil, "\(name)")
}

/// OpenSSL 3.0's `asn1_get_length`: leading zeros are skipped, and at least one octet must follow.
@Test(
  arguments: [
    ("nothing, at the end", [0x16, 0x81, 0], nil),
    ("nothing, with zeros, at the end", [0x16, 0x83, 0, 0, 0], nil),
    ("nothing, before another", [0x16, 0x83, 0, 0, 0, 5, 0], 0), ("one", [0x16, 0x82, 0, 1, 7], 1),
    ("one, of twelve octets", [0x16, 0x8C] + [UInt8](repeating: 0, count: 11) + [1, 7], 1),
    ("2^64, of nine octets", [0x16, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0, 7], nil),
  ] as [(String, [UInt8], Int?)])
func lengthsAreReadAsOpenSSLDoes(name: String, encoding: [UInt8], count: Int?) {
  var walk = DER(0..<encoding.count, isStrict: false)
  let found = walk.next(encoding.span)
  #expect(found?.content.count == count, "\(name)")
}

private func nested(size: Int) -> [UInt8] {
  // From the inside out: only the header of each element is new.
  var headers: [[UInt8]] = []
  var count = 0
  while count < size {
    let header = Array(element(0x30, [UInt8](repeating: 0, count: count)).dropLast(count))
    headers.append(header)
    count += header.count
  }
  return headers.reversed().flatMap { $0 }
}

private func indefinitelyNested(depth: Int) -> [UInt8] {
  (0..<depth).flatMap { _ in [0x30, 0x80] as [UInt8] } + [UInt8](repeating: 0, count: 2 * depth)
}

/// More than 64 KiB of nested SEQUENCEs: recursion would overflow the stack.
@Test(arguments: [false, true])
func nestedSequencesEndNoStack(isIndefinite: Bool) {
  let encoding = isIndefinite ? indefinitelyNested(depth: 1 << 16) : nested(size: 1 << 16)
  #expect(Certificate(der: encoding) == nil)
  #expect(CertificateFile(reading: encoding).certificates.isEmpty)
  #expect(BundleContents(reading: pem(encoding)).certificates.isEmpty)
}

@Test(
  arguments: [
    ("one octet", [0x05], true), ("two", [0x55, 0x04], true), ("long arc", [0x2A, 0x86, 0x48], true),
    ("none", [], false), ("unfinished arc", [0x2A, 0x86], false), ("padded arc", [0x2A, 0x80, 0x01], false),
  ] as [(String, [UInt8], Bool)])
func anObjectIdentifierIsCompleteAndShort(name: String, octets: [UInt8], isOne: Bool) {
  let isFound = isObjectIdentifier(octets.span)
  #expect(isFound == isOne, "\(name)")
}

@Test(
  arguments: [
    ([0], true), ([0x7F], true), ([0x80], true), ([0, 0x80], true), ([0xFF, 0x7F], true), ([], false),
    ([0, 0], false), ([0, 0x7F], false), ([0xFF, 0x80], false), ([0xFF, 0xFF], false),
  ] as [([UInt8], Bool)])
func anIntegerIsAsShortAsCanBe(octets: [UInt8], isOne: Bool) {
  let isFound = isInteger(octets.span)
  #expect(isFound == isOne)
}
