import Text

/// A walk over the elements of an ASN.1 encoding, without copying and without recursion.
///
/// It is a position in bytes that it does not own: each step receives them.
/// - Source: X.690 §8.1 (BER), §10.1 (DER lengths).
struct DER {
  /// Small enough to be returned in registers: a start reads about forty of them in each certificate.
  struct Element {
    let content: Range<Int>
    let tag: UInt8
    /// The number of bytes of the tag and the length.
    fileprivate let headerCount: UInt8
    /// The number of end-of-contents octets: two after contents of indefinite length.
    fileprivate var trailerCount: UInt8 = 0

    /// From the tag to the end.
    var range: Range<Int> {
      (content.lowerBound - Int(headerCount))..<(content.upperBound + Int(trailerCount))
    }

    /// The same element with another tag: how an implicit tag is read.
    func tagged(_ tag: UInt8) -> Element {
      Element(content: content, tag: tag, headerCount: headerCount, trailerCount: trailerCount)
    }
  }

  /// Whether lengths must be definite and as short as possible, as DER requires.
  let isStrict: Bool
  private(set) var position: Int
  private let end: Int

  init(_ range: Range<Int>, isStrict: Bool = true) {
    self.isStrict = isStrict
    position = range.lowerBound
    end = range.upperBound
  }

  var isAtEnd: Bool { position >= end }
  func nextTag(_ bytes: Span<UInt8>) -> UInt8? { position < end ? bytes[position] : nil }

  /// A walk over the contents of `element`.
  func inside(_ element: Element) -> DER { DER(element.content, isStrict: isStrict) }

  /// The next element; nil if there is none or it is malformed.
  @inline(__always)
  mutating func next(_ bytes: Span<UInt8>) -> Element? {
    // Tag numbers above 30 do not occur in certificates.
    if let short = short(bytes), short.tag & 0x1F != 0x1F {
      position = short.content.upperBound
      return short
    }
    return nextOfAnyLength(bytes)
  }

  /// The element that begins here, if it is shorter than 128 bytes as nearly all are.
  @inline(__always)
  private func short(_ bytes: Span<UInt8>) -> Element? {
    // No overflow: `end` is a position in the bytes, and `position` is before it.
    let start = position
    guard start &+ 2 <= end, bytes[start &+ 1] < 0x80 else { return nil }
    let contentEnd = start &+ 2 &+ Int(bytes[start &+ 1])
    if contentEnd > end { return nil }
    return Element(
      content: Range(uncheckedBounds: (start &+ 2, contentEnd)), tag: bytes[start], headerCount: 2)
  }

  @inline(never)
  private mutating func nextOfAnyLength(_ bytes: Span<UInt8>) -> Element? {
    let start = position
    // The usual case of a longer element: a length of two octets, the first of which is not 0.
    if start &+ 4 <= end && bytes[start &+ 1] == 0x82 && bytes[start &+ 2] != 0 && bytes[start] & 0x1F != 0x1F
    {
      let length = Int(bytes[start &+ 2]) << 8 | Int(bytes[start &+ 3])
      if length > end &- start &- 4 { return nil }
      position = start &+ 4 &+ length
      return Element(content: (start &+ 4)..<position, tag: bytes[start], headerCount: 4)
    }
    guard let header = header(at: start, bytes) else { return nil }
    let headerCount = UInt8(header.contentStart - start)
    if let length = header.length {
      guard length <= end - header.contentStart else { return nil }
      position = header.contentStart + length
      return Element(content: header.contentStart..<position, tag: bytes[start], headerCount: headerCount)
    }
    // Indefinite length: everything up to the matching end-of-contents octets.
    guard let close = endOfContents(from: header.contentStart, bytes) else { return nil }
    position = close + 2
    return Element(
      content: header.contentStart..<close, tag: bytes[start], headerCount: headerCount, trailerCount: 2)
  }

  /// The next element, if it has this tag.
  /// - Parameter tag: a single octet; the tag numbers in certificates are below 31.
  @inline(__always)
  mutating func next(_ tag: UInt8, _ bytes: Span<UInt8>) -> Element? {
    if position >= end || bytes[position] != tag { return nil }
    if let short = short(bytes) {
      position = short.content.upperBound
      return short
    }
    return nextOfAnyLength(bytes)
  }

  /// ``next(_:)`` by a call, for elements that a start does not read in each certificate of a bundle. Inlined, it takes 100
  /// bytes at each use.
  @inline(never)
  mutating func step(_ bytes: Span<UInt8>) -> Element? { next(bytes) }

  /// ``next(_:_:)`` by a call.
  @inline(never)
  mutating func step(_ tag: UInt8, _ bytes: Span<UInt8>) -> Element? { next(tag, bytes) }

  /// Skips the next element if it has this tag.
  /// - Returns: false if it has the tag and is malformed.
  mutating func skip(_ tag: UInt8, _ bytes: Span<UInt8>) -> Bool {
    nextTag(bytes) != tag || next(bytes) != nil
  }

  @inline(never)
  private func header(at start: Int, _ bytes: Span<UInt8>) -> (contentStart: Int, length: Int?)? {
    guard start >= 0, start + 2 <= end else { return nil }
    if bytes[start] & 0x1F == 0x1F { return nil }
    let first = bytes[start + 1]
    if first < 0x80 { return (start + 2, Int(first)) }
    if first == 0x80 {
      let isConstructed = bytes[start] & 0x20 != 0
      return isStrict || !isConstructed ? nil : (start + 2, nil)
    }
    // OpenSSL's `asn1_get_length` requires at least one octet here, even where the count is 0.
    let count = Int(first & 0x7F)
    guard start + 2 + count < end else { return nil }
    var length: UInt64 = 0
    for index in (start + 2)..<(start + 2 + count) {
      if length >> 56 != 0 { return nil }
      length = length << 8 | UInt64(bytes[index])
    }
    guard length <= UInt64(Int.max) else { return nil }
    if isStrict && (length < 0x80 || bytes[start + 2] == 0) { return nil }
    return (start + 2 + count, Int(length))
  }

  /// The position of the end-of-contents octets that close the indefinite contents beginning at `start`.
  private func endOfContents(from start: Int, _ bytes: Span<UInt8>) -> Int? {
    var position = start
    var depth = 0
    while position + 2 <= end {
      if bytes[position] == 0 && bytes[position + 1] == 0 {
        if depth == 0 { return position }
        depth -= 1
        position += 2
        continue
      }
      guard let header = header(at: position, bytes) else { return nil }
      if let length = header.length {
        guard length <= end - header.contentStart else { return nil }
        position = header.contentStart + length
      } else {
        depth += 1
        position = header.contentStart
      }
    }
    return nil
  }
}

/// Tags of the universal class and the context-specific class.
enum Tag {
  static let boolean: UInt8 = 0x01
  static let integer: UInt8 = 0x02
  static let bitString: UInt8 = 0x03
  static let octetString: UInt8 = 0x04
  static let null: UInt8 = 0x05
  static let objectIdentifier: UInt8 = 0x06
  static let enumerated: UInt8 = 0x0A
  static let utf8String: UInt8 = 0x0C
  static let numericString: UInt8 = 0x12
  static let printableString: UInt8 = 0x13
  static let teletexString: UInt8 = 0x14
  static let ia5String: UInt8 = 0x16
  static let utcTime: UInt8 = 0x17
  static let generalizedTime: UInt8 = 0x18
  static let visibleString: UInt8 = 0x1A
  static let universalString: UInt8 = 0x1C
  static let bmpString: UInt8 = 0x1E
  static let sequence: UInt8 = 0x30
  static let set: UInt8 = 0x31
  /// `[number]`, constructed.
  static func context(_ number: UInt8) -> UInt8 { 0xA0 | number }
}

/// Whether the octets form an INTEGER: at least one, and no more than needed.
func isInteger(_ octets: Span<UInt8>) -> Bool {
  if octets.count < 2 { return octets.count == 1 }
  let (first, second) = (octets[0], octets[1])
  return !(first == 0 && second & 0x80 == 0) && !(first == 0xFF && second & 0x80 != 0)
}
