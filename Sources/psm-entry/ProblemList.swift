import Linux
import Text

/// What is wrong with any number of files, in as many lines as a person would read: eight of each kind, and how many
/// more there are.
struct ProblemList {
  private struct Kind {
    let level: Problem.Level
    let text: Text
    /// Where the first was found that is not told.
    var folder = Path("/")
    var told = 0
    var untold = 0
  }

  private var told: [Problem] = []
  private var kinds: [Kind] = []

  /// Kinds that are told apart; what comes after them is one more kind. There are fewer: this bounds texts that name
  /// what varies.
  private static let kindLimit = 64

  /// - Parameters:
  ///   - path: the file that the problem is one of.
  ///   - kind: what all such problems have in common; the message if nil.
  mutating func append(_ problem: Problem, of path: Path, kind: Text? = nil) {
    let number = number(of: kind ?? problem.message, problem.level)
    if kinds[number].told < messageLimit {
      kinds[number].told += 1
      told.append(problem)
    } else {
      if kinds[number].untold == 0 { kinds[number].folder = path.split.folder }
      kinds[number].untold += 1
    }
  }

  private mutating func number(of text: Text, _ level: Problem.Level) -> Int {
    if let number = kinds.firstIndex(where: { $0.level == level && $0.text == text }) { return number }
    let others: Text = "of other kinds"
    if kinds.count >= Self.kindLimit && text != others { return number(of: others, level) }
    kinds.append(Kind(level: level, text: text))
    return kinds.count - 1
  }

  /// In the order in which they were found, and then the numbers.
  var problems: [Problem] {
    told
      + kinds.filter { $0.untold > 0 }.map { kind in
        Problem(
          level: kind.level, subject: kind.folder.shown,
          message: "\(kind.untold) more of the kind: \(kind.text)")
      }
  }
}
