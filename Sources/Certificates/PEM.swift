import Text

/// The blocks of a PEM text, with OpenSSL's verdict on each.
///
/// Lines are taken as OpenSSL takes them: at most 254 bytes at once, up to a NUL, without white
/// space at their end. Text outside of blocks is passed over.
/// - Source: RFC 7468 §2; OpenSSL's PEM_read_bio(3) and its `pem_lib.c`.
struct PEM {
  /// Why a block is broken.
  enum Fault: Equatable, Sendable {
    /// The text or the next block begins before its END line.
    case noEnd
    /// Its END line names another label, or goes on behind it: two lines were joined.
    case badEnd
    /// A line that is neither Base64 nor a header.
    case notBase64
    /// A blank line, or a header, where none may be.
    case misplacedLine
  }

  struct Block {
    let label: ArraySlice<UInt8>
    /// From the BEGIN line to the end of the END line, or to where the fault was seen.
    let range: Range<Int>
    /// Counted from 1.
    let line: Int
    /// What the block holds.
    var contents: [UInt8] = []
    var fault: Fault?
    /// Whether header lines, such as those of an encrypted key, stand before the contents.
    var hasHeader = false
    /// Whether the next block's BEGIN stands in its END line.
    var isJoined = false
  }

  private let text: [UInt8]
  /// Where reading ends.
  private let end: Int
  private var position = 0
  private var lineNumber = 0
  /// Whether a BEGIN line may follow an END line without a newline: how a damaged bundle is
  /// read to save what is good in it.
  private let splitsJoinedLines: Bool
  /// Set when a line outside of a block begins with NUL: OpenSSL reads no further.
  private(set) var hasLineOfNothing = false

  /// Where the contents of a block of usual size are decoded to.
  private var scratch: [UInt8]

  /// - Parameter end: where the text ends; nil for all of it.
  init(_ text: [UInt8], upTo end: Int? = nil, splitsJoinedLines: Bool = false) {
    self.text = text
    self.end = end ?? text.count
    scratch = [UInt8](repeating: 0, count: min(self.end, 65536) / 4 * 3)
    self.splitsJoinedLines = splitsJoinedLines
    // OpenSSL passes over UTF-8's byte order mark at the very start.
    if text[...].begins(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
  }

  /// One line as OpenSSL would get it.
  private struct Line {
    /// Without white space at its end.
    let content: Range<Int>
    let end: Int
    /// Whether it is the rest of a line that was too long to be had at once.
    let isRest: Bool
  }

  private mutating func nextLine() -> Line? {
    if position >= end { return nil }
    let start = position
    let limit = min(end, start + 254)
    let isRest = start > 0 && text[start - 1] != newline && lineNumber > 0
    let (end, contentEnd): (Int, Int) = text.withUnsafeBufferPointer { text in
      var end = start
      var zero = limit
      while end < limit && text[end] != newline {
        if text[end] == 0 && zero == limit { zero = end }
        end += 1
      }
      var contentEnd = min(end, zero)
      while contentEnd > start && text[contentEnd - 1] <= UInt8(ascii: " ") { contentEnd -= 1 }
      return (end < limit ? end + 1 : end, contentEnd)
    }
    position = end
    if !isRest { lineNumber += 1 }
    return Line(content: start..<contentEnd, end: end, isRest: isRest)
  }

  /// The next block; nil when the text ends.
  mutating func next() -> Block? {
    while position < end {
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

  /// Passes over a line outside of a block.
  private mutating func skipLine() {
    let start = position
    let limit = min(end, start + 254)
    position = text.withUnsafeBufferPointer { text in
      var position = start
      while position < limit && text[position] != newline { position &+= 1 }
      return position < limit ? position &+ 1 : position
    }
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

  private func starts(_ prefix: StaticString, at start: Int) -> Bool {
    start >= 0 && text.count - start >= prefix.utf8CodeUnitCount
      && text[start...].begins(with: prefix)
  }

  /// The block that begins here if it is as nearly all are: lines of whole quanta and then its END line.
  /// Anything else is for the exact reading to judge.
  private mutating func plainBlock(_ label: Range<Int>, _ begin: Line) -> Block? {
    guard let body = Base64.decodeLines(text[position..<end], into: &scratch) else { return nil }
    let afterLabel = body.end + 9 + label.count
    guard starts("-----END ", at: body.end), afterLabel + 6 <= end,
      text[(body.end + 9)..<afterLabel] == text[label], starts("-----\n", at: afterLabel)
    else { return nil }
    let firstLine = lineNumber
    position = afterLabel + 6
    lineNumber += body.lines + 1
    return Block(
      label: text[label], range: begin.content.lowerBound..<position, line: firstLine,
      contents: copy(body.count))
  }

  /// The first bytes of `scratch`, as an array of their own. An array made from a slice would be filled byte by byte.
  private func copy(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { bytes, initialized in
      scratch.withUnsafeBytes {
        UnsafeMutableRawBufferPointer(bytes).copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<count]))
      }
      initialized = count
    }
  }

  private enum HeaderState { case possible, inHeader, over }

  private mutating func block(_ label: Range<Int>, _ begin: Line) -> Block {
    if let block = plainBlock(label, begin) { return block }
    let start = begin.content.lowerBound
    let firstLine = lineNumber
    let bodyStart = position
    var state = HeaderState.possible
    var dataStart = bodyStart
    var hasShortLine = false
    var fault: Fault?
    func block(upTo end: Int, _ fault: Fault?) -> Block {
      Block(label: text[label], range: start..<end, line: firstLine, fault: fault)
    }
    while let line = nextLine() {
      let content = line.content
      if content.isEmpty {
        // The rest of a long line is no blank line.
        if line.isRest { continue }
        if state == .over { fault = fault ?? .misplacedLine }
        if state == .possible && content.lowerBound > bodyStart { fault = fault ?? .misplacedLine }
        state = .over
        dataStart = position
        continue
      }
      if text[content.lowerBound] == UInt8(ascii: "-") {
        if starts("-----END ", at: content.lowerBound) {
          return finish(
            block(upTo: line.end, fault), label, content, dataStart,
            hasHeader: state == .inHeader || headed(state, dataStart, bodyStart))
        }
        if beginLabel(content) != nil {
          // A BEGIN line inside a block begins a new one.
          position = content.lowerBound
          lineNumber -= 1
          return block(upTo: content.lowerBound, .noEnd)
        }
      }
      if state == .over {
        if hasShortLine || content.count > 64 { fault = fault ?? .misplacedLine }
        if content.count < 64 { hasShortLine = true }
      } else if text[content].contains(UInt8(ascii: ":")) {
        state = .inHeader
      }
    }
    return block(upTo: position, .noEnd)
  }

  /// Whether lines before a blank one were a header.
  private func headed(_ state: HeaderState, _ dataStart: Int, _ bodyStart: Int) -> Bool {
    state == .over && text[bodyStart..<dataStart].contains(UInt8(ascii: ":"))
  }

  private mutating func finish(
    _ block: Block, _ label: Range<Int>, _ end: Range<Int>, _ dataStart: Int, hasHeader: Bool
  ) -> Block {
    var block = block
    block.hasHeader = hasHeader
    let afterLabel = end.lowerBound + 9 + label.count
    let namesLabel =
      afterLabel + 5 <= end.upperBound && text[(end.lowerBound + 9)..<afterLabel].isEqual(to: text[label])
      && starts("-----", at: afterLabel)
    if !namesLabel || afterLabel + 5 != end.upperBound {
      if namesLabel && splitsJoinedLines && starts("-----BEGIN ", at: afterLabel + 5) {
        // The next block begins in the middle of this line.
        position = afterLabel + 5
        lineNumber -= 1
        block.isJoined = true
      } else {
        block.fault = block.fault ?? .badEnd
        return block
      }
    }
    if block.fault != nil || hasHeader { return block }
    if let contents = Base64.decode(text[dataStart..<end.lowerBound]) {
      block.contents = contents
    } else {
      block.fault = .notBase64
    }
    return block
  }
}
