import Text

/// A walk over the text of a bundle that comes in pieces. Of what has been looked at nothing is kept.
///
/// It knows a bundle as nearly all are written: comments, and `CERTIFICATE` blocks whose two marks are lines of their own
/// and end with LF. Anything else is irregular: whoever has to know what that is reads the whole text
/// (``BundleContents``). Of a regular text it finds just what that finds.
///
/// | what begins at ``position`` | step |
/// |---|---|
/// | nothing more | ``Step/end``, or ``Step/needsMore`` while there may be more |
/// | less than is needed to tell | ``Step/needsMore``, while there may be more |
/// | a block that is asked for | ``Step/certificate`` |
/// | any other block, a comment | none: it is passed over |
/// | a comment like a section's mark, where all is decoded | ``Step/mark`` |
/// | anything else | ``Step/irregular`` |
public struct BundleWalk {
  public enum Step: Equatable, Sendable {
    /// A certificate of a length that is asked for: its DER is ``der``.
    case certificate
    /// A comment that begins with `# <` or `# >`, as the marks of a managed section do. The walk goes no further by
    /// itself.
    case mark
    /// What is left does not tell. ``refill(_:)``.
    case needsMore
    case end
    case irregular
  }

  /// Which blocks are decoded.
  public enum Scope: Sendable {
    /// All, and each is to be a certificate: a bundle that clients are to read.
    case all
    /// Those of the lengths asked for, by what their first characters say: a bundle of a distribution's tool. Its lines
    /// have 64 columns.
    case named
  }

  /// What is left of the text, and maybe something before it.
  private var text: [UInt8]
  private var position = 0
  /// Whether nothing comes behind ``text``.
  private var hasEnded: Bool
  private let scope: Scope
  /// How many bytes the certificates have that are asked for.
  private let lengths: [Int]
  private var decoded: [UInt8]
  /// The number of bytes of ``der``.
  private var count = 0
  /// Counted from 1.
  private var line = 1
  /// How many certificates have been decoded.
  public private(set) var certificateCount = 0
  /// The first one for which GnuTLS or Java would refuse the whole file, though OpenSSL reads it: as
  /// ``BundleContents/fault``.
  public private(set) var fault: (line: Int, reason: CertificateFault)?

  /// So much is read at once: it stays in the processor's first cache, and with its header fills whole pages.
  private static let windowSize = 16384 - 48
  /// All certificates but the oddest have no more bytes, and no more characters in their blocks.
  private static let usualCount = 3 << 10
  private static let usualBlock = usualCount * 3 / 2
  /// The longest line that OpenSSL takes at once has one byte more, and its newline.
  private static let longestLine = 252

  /// - Parameters:
  ///   - lengths: of how many bytes the certificates are that are asked for.
  ///   - whole: the text, where it is there already; nil where it comes in pieces.
  public init(_ scope: Scope, lengths: [Int], over whole: [UInt8]? = nil) {
    text = whole ?? []
    hasEnded = whole != nil
    self.scope = scope
    self.lengths = lengths
    // Two bytes more than a line holds are written behind it.
    decoded = [UInt8](
      repeating: 0, count: scope == .all ? Self.usualCount : (lengths.max() ?? 0) + 4)
  }

  /// The certificate that was found last.
  public var der: ArraySlice<UInt8> { decoded[..<count] }

  /// What has not been looked at, as far as it is there.
  public var rest: ArraySlice<UInt8> { text[position...] }

  /// Passes over so much of it.
  public mutating func skip(_ count: Int) { position += count }

  /// Takes more of the text.
  /// - Parameter append: appends up to so many bytes to what is left, and says whether the text ends with them.
  public mutating func refill(_ append: (inout [UInt8], Int) -> Bool) {
    let left = text.count - position
    text.withUnsafeMutableBytes { text in
      let rest = UnsafeRawBufferPointer(rebasing: text[position...])
      text.copyMemory(from: rest)
    }
    text.removeLast(position)
    position = 0
    text.reserveCapacity(Self.windowSize)
    hasEnded = append(&text, max(Self.windowSize - left, 1))
  }

  /// The next step. After ``Step/irregular`` there is none.
  public mutating func next() -> Step {
    while position < text.count {
      let first = text[position]
      if first == UInt8(ascii: "-") {
        if let step = block() { return step }
        continue
      }
      // OpenSSL reads no further than a line that begins with NUL, also where a byte order mark stands before it.
      if first == 0 || first == 0xEF { return .irregular }
      let limit = min(text.count, position + Self.longestLine + 1)
      let end = text.span.firstNewline(in: position..<limit)
      if end == limit {
        // It takes a longer line for two.
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

  /// Passes over the block that begins here.
  /// - Returns: nil where the walk goes on.
  private mutating func block() -> Step? {
    // Nothing is decoded twice: it begins when a whole block is here, unless that is one of the oddest.
    if !hasEnded && text.count - position < Self.usualBlock { return .needsMore }
    if !stands(Self.begin, at: position) { return .irregular }
    let start = position + Self.begin.utf8CodeUnitCount
    return scope == .all ? wholeBlock(start) : namedBlock(start)
  }

  /// Whether a mark of eight bytes or more is at `place`. Eight are compared at once, of the last ones some twice: byte by
  /// byte, or as two spans, it took 12,000 instructions more for 120 certificates.
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
    guard let body = Base64.decodeLines(text.span.extracting(start...), into: &decoded), body.count > 0,
      stands(Self.end, at: start + body.length)
    else { return .irregular }
    let next = start + body.length + Self.end.utf8CodeUnitCount
    guard let certificate = TrustedCertificate(0..<body.count, decoded.span, position..<next)
    else { return .irregular }
    if fault == nil, let reason = certificate.fault, reason.refusers != .none { fault = (line, reason) }
    certificateCount += 1
    line += body.lines + 2
    position = next
    count = certificate.count
    return lengths.contains(count) ? .certificate : nil
  }

  /// A block tells by its first characters how long it is.
  private mutating func namedBlock(_ start: Int) -> Step? {
    guard let head = Base64.quantum(text.span, at: start),
      let next = Base64.quantum(text.span, at: start + 4),
      head >> 8 == UInt32(Tag.sequence) << 8 | 0x82
    else { return .irregular }
    count = 4 + Int(head & 0xFF) << 8 + Int(next >> 16)
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
