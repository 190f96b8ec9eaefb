import Text

/// The blocks of a PEM text, with OpenSSL's verdict on each.
///
/// Lines are read as OpenSSL reads them: at most 254 bytes at once, up to a NUL, without trailing white space. Text
/// outside of blocks is skipped.
/// - Source: RFC 7468 §2; OpenSSL's PEM_read_bio(3) and its `pem_lib.c`.
struct PEM {
  /// Why a block is broken.
  enum Fault: Equatable, Sendable {
    /// The text ends, or the next block begins, before its END line.
    case noEnd
    /// Its END line names another label or has more text after it, as when two lines were joined.
    case badEnd
    /// A line is neither Base64 nor a header, or the block is empty.
    case notBase64
    /// A blank line or a header is where none is allowed.
    case misplacedLine
  }

  struct Block {
    let label: Label
    /// From the BEGIN line to the end of the END line, or to the fault.
    fileprivate(set) var range: Range<Int>
    /// Counted from 1.
    let line: Int
    /// The range of its contents in ``PEM/decoded``; meaningless for a faulty block.
    fileprivate(set) var contents = 0..<0
    var fault: Fault?
    /// Whether header lines precede the contents, as in an encrypted key.
    var hasHeader = false
    /// Whether its END line also contains the next block's BEGIN.
    var isJoined = false
  }

  private let text: [UInt8]
  /// The position where reading ends.
  private let textEnd: Int
  private var position = 0
  private var lineNumber = 0
  /// Whether a BEGIN line may follow an END line without a newline: the way to read a damaged bundle and save its
  /// intact certificates.
  private let splitsJoinedLines: Bool
  /// Set when a line outside of a block begins with NUL: OpenSSL stops reading there.
  private(set) var hasLineOfNothing = false

  /// The contents of the last block, followed by meaningless bytes.
  private(set) var decoded: [UInt8]
  /// Room for all certificates but the most unusual; larger ones get more.
  private static let usualRoom = 3 << 10

  /// - Parameters:
  ///   - start: the position where reading begins, at the start of a line.
  ///   - end: the position where it ends; nil for the end of the text.
  @inline(never)
  init(_ text: [UInt8], from start: Int = 0, upTo end: Int? = nil, splitsJoinedLines: Bool = false) {
    self.text = text
    textEnd = end ?? text.count
    position = start
    decoded = [UInt8](repeating: 0, count: min((textEnd - start) / 4 * 3 + 4, Self.usualRoom))
    self.splitsJoinedLines = splitsJoinedLines
  }

  /// One line as OpenSSL reads it.
  private struct Line {
    /// Without trailing white space.
    var content: Range<Int>
    let end: Int
    /// Whether it continues a line that was too long for one read.
    let isRest: Bool
    /// Whether OpenSSL knows that the line continues. A NUL hides that.
    let isPartial: Bool
  }

  private mutating func nextLine() -> Line? {
    if position >= textEnd { return nil }
    let start = position
    let limit = min(textEnd, start + 254)
    let isRest = start > 0 && text[start - 1] != newline
    var contentEnd = text.span.first(newline, or: 0, in: start..<limit)
    let hasZero = contentEnd < limit && text[contentEnd] == 0
    let end = hasZero ? text.span.firstNewline(in: contentEnd..<limit) : contentEnd
    // OpenSSL compares signed characters with a space, so bytes above 127 count as white space.
    while contentEnd > start && Int8(bitPattern: text[contentEnd - 1]) <= 0x20 { contentEnd -= 1 }
    position = min(end + 1, limit)
    if !isRest { lineNumber += 1 }
    return Line(
      content: start..<contentEnd, end: position, isRest: isRest, isPartial: end - start == 254 && !hasZero)
  }

  /// The next block; nil at the end of the text.
  mutating func next() -> Block? {
    // UTF-8's byte order mark may be at the very start, and after a block, where the next file began.
    if text.span.extracting(position..<textEnd).begins(with: "\u{FEFF}") { position += 3 }
    while position < textEnd {
      let first = text[position]
      if first != UInt8(ascii: "-") {
        if first == 0 { hasLineOfNothing = true }
        skipLine()
      } else if let line = nextLine(), let label = beginLabel(line.content) {
        return block(label, line)
      }
    }
    return nil
  }

  /// Skips a line outside of a block.
  private mutating func skipLine() {
    let start = position
    let limit = min(textEnd, start + 254)
    position = min(text.span.firstNewline(in: start..<limit) + 1, limit)
    if start == 0 || text[start - 1] == newline { lineNumber += 1 }
  }

  private func beginLabel(_ line: Range<Int>) -> Range<Int>? {
    guard line.count >= 16, starts("-----BEGIN ", at: line.lowerBound),
      starts("-----", at: line.upperBound - 5)
    else {
      return nil
    }
    return (line.lowerBound + 11)..<(line.upperBound - 5)
  }

  /// Checks for the usual label first, without a slice that would have to be retained.
  private func kind(of label: Range<Int>) -> Label {
    label.count == 11 && starts("CERTIFICATE", at: label.lowerBound) ? .certificate : Label(text[label])
  }

  private func starts(_ prefix: StaticString, at start: Int) -> Bool {
    start >= 0 && start <= text.count && text.span.extracting(start...).begins(with: prefix)
  }

  /// Whether the bytes in `range` are repeated at `start`.
  private func repeats(_ range: Range<Int>, at start: Int) -> Bool {
    text.span.extracting(start...).begins(with: text.span.extracting(range))
  }

  /// The block that begins here, if it has the usual form: lines of complete quanta followed by its END line.
  /// Everything else is left to the exact reading.
  private mutating func plainBlock(_ label: Range<Int>, _ begin: Line) -> Block? {
    let text = text
    guard let body = Base64.decodeLines(text.span.extracting(position..<textEnd), into: &decoded)
    else { return nil }
    let end = position + body.length
    let afterLabel = end + 9 + label.count
    guard body.count > 0, starts("-----END ", at: end), afterLabel + 6 <= textEnd,
      repeats(label, at: end + 9), starts("-----\n", at: afterLabel)
    else { return nil }
    let firstLine = lineNumber
    position = afterLabel + 6
    lineNumber += body.lines + 1
    var block = Block(
      label: kind(of: label), range: begin.content.lowerBound..<position, line: firstLine)
    block.contents = 0..<body.count
    return block
  }

  private enum HeaderState { case possible, inHeader, over }

  private mutating func block(_ label: Range<Int>, _ begin: Line) -> Block {
    if let block = plainBlock(label, begin) { return block }
    var block = Block(
      label: kind(of: label), range: begin.content.lowerBound..<position, line: lineNumber)
    var contents: [UInt8] = []
    var state = HeaderState.possible
    var hasShortLine = false
    var isRest = false
    func end(_ end: Int, _ fault: Fault?) -> Block {
      var ended = block
      ended.range = block.range.lowerBound..<end
      ended.fault = block.fault ?? fault
      return ended
    }
    while let line = nextLine() {
      let content = line.content
      let isBlank = content.isEmpty && !isRest
      isRest = line.isPartial
      if content.isEmpty {
        // OpenSSL takes a line that begins with NUL as the end of the text.
        if text[content.lowerBound] == 0 || (isBlank && state == .over) { block.note(.misplacedLine) }
        if !isBlank { continue }
        // OpenSSL treats everything before a blank line as headers.
        block.hasHeader = !contents.isEmpty
        state = .over
        contents = []
        continue
      }
      if text[content.lowerBound] == UInt8(ascii: "-") {
        if content.count >= 9 && starts("-----END ", at: content.lowerBound) {
          return finish(end(line.end, state == .inHeader ? .misplacedLine : nil), label, contents, content)
        }
        if beginLabel(content) != nil {
          // A BEGIN line inside a block begins a new block.
          position = content.lowerBound
          if !line.isRest { lineNumber -= 1 }
          return unended(end(content.lowerBound, .noEnd), contents)
        }
      }
      if state == .over {
        if hasShortLine || content.count > 64 { block.note(.misplacedLine) }
        if content.count < 64 { hasShortLine = true }
      } else if text[content].contains(UInt8(ascii: ":")) {
        state = .inHeader
      }
      contents += text[content]
    }
    return unended(end(position, .noEnd), contents)
  }

  /// A block without its END line. OpenSSL takes the contents before the BEGIN line of another block as complete, if that
  /// one has an END line.
  private mutating func unended(_ block: Block, _ contents: [UInt8]) -> Block {
    var block = block
    if block.fault == .noEnd, let range = decode(contents) { block.contents = range }
    return block
  }

  /// Decodes the contents of a block.
  /// - Returns: their range in ``decoded``; nil if they are not Base64, or empty, which OpenSSL refuses, too.
  private mutating func decode(_ contents: [UInt8]) -> Range<Int>? {
    guard let bytes = Base64.decode(contents[...]), !bytes.isEmpty else { return nil }
    decoded.replaceSubrange(0..<min(bytes.count, decoded.count), with: bytes)
    return 0..<bytes.count
  }

  private mutating func finish(
    _ block: Block, _ label: Range<Int>, _ contents: [UInt8], _ end: Range<Int>
  ) -> Block {
    var block = block
    let afterLabel = end.lowerBound + 9 + label.count
    let namesLabel =
      afterLabel + 5 <= end.upperBound && repeats(label, at: end.lowerBound + 9)
      && starts("-----", at: afterLabel)
    if !namesLabel || afterLabel + 5 != end.upperBound {
      if namesLabel && splitsJoinedLines && starts("-----BEGIN ", at: afterLabel + 5) {
        // The next block begins in the middle of this line.
        position = afterLabel + 5
        block.isJoined = true
      } else {
        block.note(.badEnd)
      }
    }
    if block.fault != nil { return block }
    if let range = decode(contents) { block.contents = range } else { block.note(.notBase64) }
    return block
  }
}

extension PEM.Block {
  /// Only the first fault is kept.
  fileprivate mutating func note(_ fault: PEM.Fault) { self.fault = self.fault ?? fault }
}
