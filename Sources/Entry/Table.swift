import Linux
import Text

/// Columns of text, aligned for reading.
struct Table {
  /// Whether the last cell of a row is a sentence that must be readable to its end: on a terminal it is wrapped into
  /// further lines.
  var endsInSentences = false
  private var rows: [[Text]] = []

  init(endsInSentences: Bool = false) { self.endsInSentences = endsInSentences }

  mutating func row(_ cells: [Text]) { rows.append(cells) }

  /// The rows as lines, with two spaces between columns and the last column at its own length. On a terminal a line
  /// that is too wide is cut and ends with a mark; sentences are wrapped instead.
  var text: Text { text(columns: FileDescriptor.standardOutput.terminalColumns) }

  func text(columns: Int?) -> Text {
    var widths: [Int] = []
    for row in rows {
      for (index, cell) in row.dropLast().enumerated() {
        if index < widths.count {
          widths[index] = max(widths[index], width(of: cell))
        } else {
          widths.append(width(of: cell))
        }
      }
    }
    var text: Text = ""
    for row in rows {
      var line: Text = ""
      for (index, cell) in row.enumerated() {
        line += cell
        if index + 1 < row.count { line += spaces(widths[index] - width(of: cell) + 2) }
      }
      if endsInSentences, let columns, columns > 16, width(of: line) > columns, let last = row.last {
        let start = line.utf8.dropLast(last.utf8.count + 2)
        line = "\(cut(Text(utf8: Array(start)), columns))\(folded(last, columns))"
      } else {
        line = cut(line, columns)
      }
      text += "\(line)\n"
    }
    return text
  }

  private func spaces(_ count: Int) -> Text {
    Text(utf8: [UInt8](repeating: UInt8(ascii: " "), count: max(0, count)))
  }

  /// A sentence as indented lines, broken between words, or inside a word that is too long.
  private func folded(_ sentence: Text, _ columns: Int) -> Text {
    var text: [UInt8] = []
    var taken = columns
    for word in sentence.utf8[...].parts(between: " ") {
      let letters = scalars(of: Text(utf8: Array(word)))
      let length = letters.reduce(0) { $0 + columnsTaken(by: $1) }
      if taken + 1 + length <= columns {
        text.append(UInt8(ascii: " "))
        taken += 1
      } else {
        taken = columns
      }
      for letter in letters {
        if taken + columnsTaken(by: letter) > columns {
          text += ("\n    " as Text).utf8
          taken = 4
        }
        text += letter
        taken += columnsTaken(by: letter)
      }
    }
    return Text(utf8: text)
  }
}

/// The line, cut to the given number of columns with a mark at the end.
func cut(_ line: Text, _ columns: Int?) -> Text {
  guard let columns, columns > 0, width(of: line) > columns else { return line }
  var kept: [UInt8] = []
  var taken = 0
  for scalar in scalars(of: line) {
    taken += columnsTaken(by: scalar)
    if taken > columns - 1 { break }
    kept.append(contentsOf: scalar)
  }
  return Text(utf8: kept) + "…"
}

/// The number of columns that a text takes on a terminal.
@inline(never)
private func width(of text: Text) -> Int { scalars(of: text).reduce(0) { $0 + columnsTaken(by: $1) } }

/// The bytes of each Unicode scalar.
private func scalars(of text: Text) -> [ArraySlice<UInt8>] {
  var scalars: [ArraySlice<UInt8>] = []
  var start = 0
  for end in 1..<(text.utf8.count + 1) where end == text.utf8.count || text.utf8[end] & 0xC0 != 0x80 {
    scalars.append(text.utf8[start..<end])
    start = end
  }
  return scalars
}

/// East Asian characters and pictures take two columns: these bytes begin most of them in UTF-8.
private func columnsTaken(by scalar: ArraySlice<UInt8>) -> Int {
  guard let first = scalar.first else { return 0 }
  return (0xE3...0xED).contains(first) || first >= 0xF0 ? 2 : 1
}
