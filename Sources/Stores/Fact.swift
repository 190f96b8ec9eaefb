import Text
import Trust

/// What came of a plan's step.
public struct Fact: Equatable, Sendable {
  public indirect enum Kind: Equatable, Sendable {
    case updated(StoreChange.Kind, added: Int, removed: Int, isRepaired: Bool)
    /// A private bundle was written: certificates in it, and how many of them are mounted.
    case written(count: Int, mounted: Int)
    case removed
    case lockPassedOver
    case anchorFailed(Blocker)
    case toolOutput
    /// The distribution's tool has lost a file; why it could not be put back, nil where it was.
    case lost(Blocker?)
    /// So many certificates that the bundle had before are not in what the tool has built, and were added again.
    case kept(Int)
    case leftOut(Int, Blocker)
  }

  public let area: Finding.Area
  public let level: Level
  public let subject: Text
  public let kind: Kind
  /// What a tool printed.
  public let detail: Text

  init(_ area: Finding.Area, _ level: Level, _ subject: Text, _ kind: Kind, detail: Text = "") {
    self.area = area
    self.level = level
    self.subject = subject
    self.kind = kind
    self.detail = detail
  }
}
