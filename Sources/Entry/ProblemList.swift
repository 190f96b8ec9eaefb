import Linux
import Text
import Trust

/// What is wrong with any number of files, in as many lines as a person would read: eight of each kind, and how many
/// more there are.
struct ProblemList {
  private var told: [Problem] = []
  private var repetition = Repetition()

  /// - Parameters:
  ///   - path: the file that the problem is one of.
  ///   - kind: what all such problems have in common; the message if nil.
  mutating func append(_ problem: Problem, of path: Path, kind: Text? = nil) {
    if repetition.admits(problem, kind: kind ?? problem.message, in: path.split.directory.shown) {
      told.append(problem)
    }
  }

  /// In the order in which they were found, and then the numbers.
  var problems: [Problem] { told + repetition.counts }
}

/// Counts problems of one kind after another.
struct Repetition {
  private struct Kind {
    let level: Level
    let text: Text
    let event: StaticString
    /// The same without digits: no line, size or date makes a kind of its own.
    let key: [UInt8]
    var told = 0
    var untold = 0
    /// What the first that is not told is about.
    var subject: Text = ""
  }

  private var kinds: [Kind] = []

  /// How many kinds are told apart. There are fewer; what comes after them is told.
  private static let kindLimit = 64

  /// Whether a problem is one of the first eight of its kind, and to be told. Others are counted.
  /// - Parameter subject: what the number is to be told of.
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

  /// How many there are of each kind beyond those told.
  var counts: [Problem] {
    kinds.filter { $0.untold > 0 }.map {
      Problem(
        level: $0.level, subject: $0.subject, message: "\(moreText($0.untold)): \($0.text)",
        event: $0.event)
    }
  }
}
