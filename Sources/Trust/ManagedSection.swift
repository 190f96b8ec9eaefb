import Certificates
import Text

/// The part of a bundle that is ours: between two marks, nothing but comments and certificates.
public enum ManagedSection {
  static let openingMark: StaticString = "# >>> psm-entry managed certificates >>>"
  static let closingMark: StaticString = "# <<< psm-entry managed certificates <<<"

  /// The range of a text's section, and whether there are marker lines that belong to none.
  public struct Location: Equatable, Sendable {
    /// From the opening mark to the end of the closing mark's line.
    public let range: Range<Int>?
    public let hasStrayMarks: Bool
  }

  /// Finds the section: the last opening mark that a closing mark follows with nothing but comments and
  /// certificates between. All other marks are the base's.
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

  /// A text without its section.
  public static func base(of text: [UInt8]) -> [UInt8] {
    guard let range = locate(in: text).range else { return text }
    return Array(text[..<range.lowerBound] + text[range.upperBound...])
  }

  /// The section for `certificates`, in the order given; nothing at all for none.
  static func text(for certificates: [Certificate]) -> [UInt8] {
    if certificates.isEmpty { return [] }
    var text: [UInt8] = []
    text.reserveCapacity(certificates.reduce(200) { $0 + $1.der.count * 3 / 2 + 400 })
    for part in 0..<partCount(certificates) { append(part, of: certificates, to: &text) }
    return text
  }

  /// A section's marks and its certificates, as many parts as it is put together from.
  static func partCount(_ certificates: [Certificate]) -> Int {
    certificates.isEmpty ? 0 : certificates.count + 2
  }

  /// Appends one of the parts.
  static func append(_ part: Int, of certificates: [Certificate], to text: inout [UInt8]) {
    if part == 0 { return text.append(line: openingMark) }
    if part > certificates.count { return text.append(line: closingMark) }
    let certificate = certificates[part - 1]
    let comment: Text =
      "# Subject: \(cutToLine(certificate.subjectText))\n# SHA-256: \(certificate.fingerprint.colonHex)\n"
    text.append(contentsOf: comment.utf8)
    appendCanonicalPEM(certificate.der, to: &text)
  }

  /// Whether a text that ends like this may end with a section.
  public static func mayEnd(with ending: [UInt8]) -> Bool {
    ending.count > closingMark.utf8CodeUnitCount
      && ending.suffix(closingMark.utf8CodeUnitCount + 1).dropLast().isEqual(to: closingMark)
  }

  /// As many bytes of a text's end as ``mayEnd(with:)`` looks at.
  public static let endingSize = closingMark.utf8CodeUnitCount + 1

  /// As much of a subject as fits a line of OpenSSL's, which takes 254 bytes for one: the rest would be another,
  /// and may read like the begin of a block.
  private static func cutToLine(_ subject: Text) -> Text { subject.cut(to: 203, mark: "...") }

  private struct Mark {
    /// The line with its newline.
    let line: Range<Int>
    let isOpening: Bool
  }

  /// The lines that are a mark and nothing else, but for white space at their end.
  private static func marks(in text: [UInt8]) -> [Mark] {
    var marks: [Mark] = []
    var position = 0
    while position < text.count {
      // The third character of a marker line hardly ever occurs in a bundle otherwise.
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
