import Certificates
import Text

/// The part of a bundle that psm-entry manages: comments and certificates between two marker lines.
public enum ManagedSection {
  static let openingMark: StaticString = "# >>> psm-entry managed certificates >>>"
  static let closingMark: StaticString = "# <<< psm-entry managed certificates <<<"

  /// The range of a text's section, and whether there are marker lines that belong to no section.
  public struct Location: Equatable, Sendable {
    /// From the opening marker to the end of the closing marker's line.
    public let range: Range<Int>?
    public let hasStrayMarks: Bool
  }

  /// Finds the section: the last opening marker that is followed by a closing marker with nothing but comments and
  /// certificates between them. All other markers belong to the base.
  @inline(never)
  public static func locate(in text: [UInt8]) -> Location {
    let marks = marks(in: text)
    var next = marks.count - 1
    while next > 0 {
      let (opening, closing) = (marks[next - 1], marks[next])
      if opening.isOpening && !closing.isOpening
        && containsOnlyCertificates(text[opening.line.upperBound..<closing.line.lowerBound])
      {
        return Location(
          range: opening.line.lowerBound..<closing.line.upperBound, hasStrayMarks: marks.count > 2)
      }
      next -= 1
    }
    return Location(range: nil, hasStrayMarks: !marks.isEmpty)
  }

  /// The text without its section.
  @inline(never)
  public static func base(of text: [UInt8]) -> [UInt8] {
    guard let range = locate(in: text).range else { return text }
    return concatenated(text[..<range.lowerBound], Array(text[range.upperBound...]))
  }

  /// The section for `certificates`, in the given order; empty if there are none.
  static func text(for certificates: [Certificate]) -> [UInt8] {
    if certificates.isEmpty { return [] }
    var text: [UInt8] = []
    text.reserveCapacity(certificates.reduce(200) { $0 + $1.der.count * 3 / 2 + 400 })
    for part in 0..<partCount(certificates) { append(part, of: certificates, to: &text) }
    return text
  }

  /// The number of parts that a section is written in: its two markers and each certificate.
  static func partCount(_ certificates: [Certificate]) -> Int {
    certificates.isEmpty ? 0 : certificates.count + 2
  }

  /// Appends one of these parts.
  @inline(never)
  static func append(_ part: Int, of certificates: [Certificate], to text: inout [UInt8]) {
    if part == 0 { return text.append(line: openingMark) }
    if part > certificates.count { return text.append(line: closingMark) }
    let certificate = certificates[part - 1]
    let comment: Text =
      "# Subject: \(cutToLine(certificate.subjectText))\n# SHA-256: \(certificate.fingerprint.colonHex)\n"
    text.append(contentsOf: comment.utf8)
    appendCanonicalPEM(certificate.der, to: &text)
  }

  /// Whether a text with this ending may end with a section.
  public static func mayEnd(with ending: [UInt8]) -> Bool {
    ending.count > closingMark.utf8CodeUnitCount
      && ending.suffix(closingMark.utf8CodeUnitCount + 1).dropLast().isEqual(to: closingMark)
  }

  /// The number of bytes at the end of a text that ``mayEnd(with:)`` needs.
  public static let endingSize = closingMark.utf8CodeUnitCount + 1

  /// The subject, cut to fit the 254 bytes that OpenSSL reads as one line: the rest would be another line, and might
  /// look like the BEGIN of a block.
  private static func cutToLine(_ subject: Text) -> Text { subject.cut(to: 203, mark: "...") }

  private struct Mark {
    /// The line, including its newline.
    let line: Range<Int>
    let isOpening: Bool
  }

  /// The lines that consist of a marker and, at most, trailing white space.
  private static func marks(in text: [UInt8]) -> [Mark] {
    var marks: [Mark] = []
    var position = 0
    while position < text.count {
      // The third character of a marker line is rare in the rest of a bundle.
      let hit = text.span.first(UInt8(ascii: "<"), or: UInt8(ascii: ">"), in: position..<text.count)
      position = hit + 1
      guard hit < text.count, hit >= 2, hit == 2 || text[hit - 3] == newline else { continue }
      let end = min(text.span.firstNewline(in: hit..<text.count) + 1, text.count)
      let line = text[(hit - 2)..<end].trimmingTrailingSpace()
      let isOpening = line.isEqual(to: openingMark)
      if isOpening || line.isEqual(to: closingMark) {
        marks.append(Mark(line: (hit - 2)..<end, isOpening: isOpening))
        position = end
      }
    }
    return marks
  }

  @inline(never)
  private static func containsOnlyCertificates(_ text: ArraySlice<UInt8>) -> Bool {
    var isInBlock = false
    var position = text.startIndex
    while position < text.endIndex {
      let end = text.span.firstNewline(in: (position - text.startIndex)..<text.count) + text.startIndex
      let line = text[position..<end].trimmingTrailingSpace()
      position = end + 1
      if isInBlock {
        if line.isEqual(to: "-----END CERTIFICATE-----") {
          isInBlock = false
        } else if line.begins(with: "-----") {
          return false
        }
      } else if line.isEqual(to: "-----BEGIN CERTIFICATE-----") {
        isInBlock = true
      } else if let first = line.first, first != UInt8(ascii: "#") {
        return false
      }
    }
    return !isInBlock
  }
}

extension ArraySlice<UInt8> {
  func trimmingTrailingSpace() -> ArraySlice<UInt8> {
    let end = lastIndex {
      $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") && $0 != UInt8(ascii: "\r") && $0 != newline
    }
    return end.map { self[startIndex...$0] } ?? prefix(0)
  }
}

extension [UInt8] {
  mutating func append(line: StaticString) {
    append(contentsOf: line.bytes)
    append(newline)
  }
}
