import Linux
import Text
import Trust

/// The problems of any number of files in a readable number of lines: eight of each kind, and the number of those that
/// are left out.
struct ProblemList {
  private var told: [Problem] = []
  private var repetition = Repetition()

  /// - Parameters:
  ///   - path: the file that has the problem.
  ///   - kind: what similar problems have in common; nil for the message itself.
  @inline(never)
  mutating func append(_ problem: Problem, of path: Path, kind: Text? = nil) {
    if repetition.admits(problem, kind: kind ?? problem.message, in: path.split.directory.shown) {
      told.append(problem)
    }
  }

  /// In the order in which they were found, followed by the numbers.
  var problems: [Problem] { told + repetition.counts }
}

/// Counts consecutive problems of the same kind.
struct Repetition {
  private struct Kind {
    let level: Level
    let text: Text
    let event: StaticString
    /// The text without digits, so that lines, sizes and dates do not make kinds of their own.
    let key: [UInt8]
    var told = 0
    var untold = 0
    /// The subject of the first problem that is left out.
    var subject: Text = ""
  }

  private var kinds: [Kind] = []

  /// The number of kinds that are distinguished. There are fewer in practice; problems of further kinds are always
  /// shown.
  private static let kindLimit = 64

  /// Whether a problem is among the first eight of its kind and is shown. The others are counted.
  /// - Parameter subject: the subject of the message with the number.
  mutating func admits(_ problem: Problem, kind: Text, in subject: Text) -> Bool {
    let key = kind.utf8.filter { $0 < UInt8(ascii: "0") || $0 > UInt8(ascii: "9") }
    guard let number = kinds.firstIndex(where: { $0.level == problem.level && $0.key == key }) else {
      if kinds.count < Self.kindLimit {
        kinds.append(Kind(level: problem.level, text: kind, event: problem.event, key: key, told: 1))
      }
      return true
    }
    if kinds[number].told < messageLimit {
      kinds[number].told += 1
      return true
    }
    if kinds[number].untold == 0 { kinds[number].subject = subject }
    kinds[number].untold += 1
    return false
  }

  /// The number of problems of each kind that are left out.
  var counts: [Problem] {
    kinds.filter { $0.untold > 0 }.map {
      Problem(
        level: $0.level, subject: $0.subject, message: "\(moreText($0.untold)): \($0.text)",
        event: $0.event)
    }
  }
}
