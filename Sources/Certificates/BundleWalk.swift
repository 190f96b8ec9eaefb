import Text

/// A walk over the text of a bundle that arrives in pieces. What has been passed is not kept.
///
/// It handles bundles in the usual form: comments, and `CERTIFICATE` blocks whose BEGIN and END are lines of their own
/// that end with LF. Anything else is irregular; ``BundleContents`` then reads the whole text. For a regular text both
/// find the same.
///
/// | what begins at ``position`` | step |
/// |---|---|
/// | nothing more | ``Step/end``, or ``Step/needsMore`` while there may be more |
/// | too little to decide | ``Step/needsMore``, while there may be more |
/// | a block in scope | ``Step/certificate`` |
/// | any other block, a comment | none: it is skipped |
/// | a comment that looks like a section marker, where all blocks are decoded | ``Step/mark`` |
/// | anything else | ``Step/irregular`` |
public struct BundleWalk {
  public enum Step: Equatable, Sendable {
    /// A certificate of one of the requested lengths: its DER is ``der``.
    case certificate
    /// A comment that begins with `# <` or `# >`, as the markers of a managed section do. The caller has to skip it.
    case mark
    /// The remaining text is too short to decide. Call ``refill(_:)``.
    case needsMore
    case end
    case irregular
  }

  /// Which blocks are decoded.
  public enum Scope: Sendable {
    /// All of them, and each must be a certificate: a bundle that clients read.
    case all
    /// Those of the requested lengths, as told by their first characters: a bundle written by a distribution's tool, in
    /// lines of 64 characters.
    case named
  }

  /// The rest of the text, perhaps with some that has been passed in front of it.
  private var text: [UInt8]
  private var position = 0
  /// Whether ``text`` includes the end of the input.
  private var hasEnded: Bool
  private let scope: Scope
  /// The sizes in bytes of the requested certificates.
  private let lengths: [Int]
  private var decoded: [UInt8]
  /// Another bundle: blocks that are repeated from it are not decoded again.
  private let known: KnownBundle?
  /// The number of bytes that were removed from ``text``.
  private var passed = 0
  /// The blocks that contain a valid certificate.
  public private(set) var blocks: [KnownBundle.Block] = []
  /// The number of bytes of ``der``.
  private var count = 0
  /// Counted from 1.
  private var line = 1
  /// The number of certificates decoded so far.
  public private(set) var certificateCount = 0
  /// The first certificate that makes GnuTLS or Java refuse the whole file although OpenSSL reads it, as in
  /// ``BundleContents/fault``.
  public private(set) var fault: (line: Int, reason: CertificateFault)?

  /// The number of bytes read at once: it fits the processor's first-level cache, and with its header fills whole
  /// pages.
  static let windowSize = 16384 - 48
  /// No certificate in practice is larger, and no block has more characters.
  private static let usualCount = 3 << 10
  private static let usualBlock = usualCount * 3 / 2
  /// The longest line that OpenSSL reads in one piece, in bytes, with its newline.
  private static let longestLine = 252

  /// - Parameters:
  ///   - lengths: the sizes in bytes of the requested certificates.
  ///   - whole: the text, if it is already in memory; nil if it arrives in pieces.
  ///   - known: a bundle that was read before.
  public init(_ scope: Scope, lengths: [Int], over whole: [UInt8]? = nil, beside known: KnownBundle? = nil) {
    self.known = known
    text = whole ?? []
    hasEnded = whole != nil
    self.scope = scope
    self.lengths = lengths
    // Two surplus bytes are written after each line.
    decoded = [UInt8](
      repeating: 0, count: scope == .all ? Self.usualCount : (lengths.max() ?? 0) + 4)
  }

  /// The certificate found last.
  public var der: ArraySlice<UInt8> { decoded[..<count] }

  /// The unread text that is already in memory.
  public var rest: ArraySlice<UInt8> { text[position...] }

  /// Skips `count` bytes of it.
  public mutating func skip(_ count: Int) { position += count }

  /// Reads more of the text.
  /// - Parameter append: appends up to the given number of bytes to the rest, and returns whether the text ends with
  ///   them.
  public mutating func refill(_ append: (inout [UInt8], Int) -> Bool) {
    text.passOver(position)
    passed += position
    position = 0
    text.reserveCapacity(Self.windowSize)
    hasEnded = append(&text, max(Self.windowSize - text.count, 1))
  }

  /// The next step. There is none after ``Step/irregular``.
  public mutating func next() -> Step {
    while position < text.count {
      let first = text[position]
      if first == UInt8(ascii: "-") {
        if let step = block() { return step }
        continue
      }
      // OpenSSL stops reading at a line that begins with NUL, even after a byte order mark.
      if first == 0 || first == 0xEF { return .irregular }
      let limit = min(text.count, position + Self.longestLine + 1)
      let end = text.span.firstNewline(in: position..<limit)
      if end == limit {
        // OpenSSL would read a longer line as two.
        if limit - position > Self.longestLine { return .irregular }
        if !hasEnded { return .needsMore }
      }
      if scope == .all && first == UInt8(ascii: "#") && isMark() { return .mark }
      position = min(end + 1, text.count)
      line += 1
    }
    return hasEnded ? .end : .needsMore
  }

  private func isMark() -> Bool {
    let span = text.span.extracting(position...)
    return span.begins(with: "# <") || span.begins(with: "# >")
  }

  private static let begin: StaticString = "-----BEGIN CERTIFICATE-----\n"
  private static let end: StaticString = "-----END CERTIFICATE-----\n"

  /// Passes the block that begins here.
  /// - Returns: nil if the walk continues.
  private mutating func block() -> Step? {
    // Nothing is decoded twice: decoding begins once a whole block of the usual size is in memory.
    if !hasEnded && text.count - position < Self.usualBlock { return .needsMore }
    if !stands(Self.begin, at: position) { return .irregular }
    let start = position + Self.begin.utf8CodeUnitCount
    return scope == .all ? wholeBlock(start) : namedBlock(start)
  }

  /// Whether a marker of eight bytes or more is at `place`. Eight bytes are compared at once, and some of the last ones
  /// twice: comparing byte by byte, or as two spans, took 12,000 instructions more for 120 certificates.
  private func stands(_ mark: StaticString, at place: Int) -> Bool {
    let last = mark.utf8CodeUnitCount - 8
    if text.count - place < last + 8 { return false }
    let mark = UnsafeRawBufferPointer(start: mark.utf8Start, count: last + 8)
    return text.withUnsafeBytes { text in
      var difference: UInt64 = 0
      for offset in stride(from: 0, to: last, by: 8) {
        difference |= word(of: text, at: place + offset) ^ word(of: mark, at: offset)
      }
      return difference | (word(of: text, at: place + last) ^ word(of: mark, at: last)) == 0
    }
  }

  private func word(of bytes: UnsafeRawBufferPointer, at place: Int) -> UInt64 {
    bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
  }

  private mutating func wholeBlock(_ start: Int) -> Step? {
    let text = text
    let key = text.count - start < 28 ? 0 : text.withUnsafeBytes { word(of: $0, at: start + 20) }
    if let count = known?.count(ofBlockAt: position, of: text, key: key), !isOfLengthAskedFor(start) {
      passBlock(position + count, key: key)
      return nil
    }
    guard let body = Base64.decodeLines(text.span.extracting(start...), into: &decoded), body.count > 0,
      stands(Self.end, at: start + body.length)
    else { return .irregular }
    let next = start + body.length + Self.end.utf8CodeUnitCount
    guard let certificate = TrustedCertificate(0..<body.count, decoded.span, position..<next)
    else { return .irregular }
    if fault == nil, let reason = certificate.fault, reason.refusers != .none {
      // The lines of repeated blocks are not counted.
      if known != nil { return .irregular }
      fault = (line, reason)
    }
    line += body.lines + 2
    passBlock(next, key: key)
    count = certificate.count
    return lengths.contains(count) ? .certificate : nil
  }

  private mutating func passBlock(_ next: Int, key: UInt64) {
    blocks.append(KnownBundle.Block(key: key, start: passed + position, count: next - position))
    certificateCount += 1
    position = next
  }

  /// The number of bytes of a block's DER, which its first characters tell; nil if they do not begin a certificate of
  /// the usual form.
  private func declaredCount(_ start: Int) -> Int? {
    guard let head = Base64.quantum(text.span, at: start),
      let next = Base64.quantum(text.span, at: start + 4),
      head >> 8 == UInt32(Tag.sequence) << 8 | 0x82
    else { return nil }
    return 4 + Int(head & 0xFF) << 8 + Int(next >> 16)
  }

  private func isOfLengthAskedFor(_ start: Int) -> Bool {
    declaredCount(start).map { lengths.contains($0) } ?? true
  }

  private mutating func namedBlock(_ start: Int) -> Step? {
    guard let declared = declaredCount(start) else { return .irregular }
    count = declared
    let characters = (count + 2) / 3 * 4
    let lines = (characters + 63) / 64
    let end = start + characters + lines
    guard end < text.count, stands(Self.end, at: end) else { return .irregular }
    position = end + Self.end.utf8CodeUnitCount
    line += lines + 2
    if !lengths.contains(count) { return nil }
    let text = text
    guard let body = Base64.decodeLines(text.span.extracting(start...), into: &decoded), body.count == count,
      start + body.length == end
    else { return .irregular }
    certificateCount += 1
    return .certificate
  }
}

extension [UInt8] {
  /// Removes `count` bytes at the beginning in one copy: `removeFirst` copies byte by byte.
  mutating func passOver(_ count: Int) {
    withUnsafeMutableBytes { bytes in
      let rest = UnsafeRawBufferPointer(rebasing: bytes[count...])
      bytes.copyMemory(from: rest)
    }
    removeLast(count)
  }
}
