import Text
import Trust

/// The result of a step of a plan.
public struct Fact: Equatable, Sendable {
  public indirect enum Kind: Equatable, Sendable {
    case updated(StoreChange.Kind, added: Int, removed: Int, isRepaired: Bool)
    /// A private bundle was written. `count` is the number of its certificates, `mounted` the number of those that
    /// were added.
    case written(count: Int, mounted: Int)
    case removed
    case lockPassedOver
    case anchorFailed(Blocker)
    case toolOutput
    /// The distribution's tool destroyed a file; the reason if it could not be restored, nil if it was.
    case lost(Blocker?)
    /// The number of certificates that the bundle had before and the tool left out, and that were added again.
    case kept(Int)
    case leftOut(Int, Blocker)
  }

  public let area: Finding.Area
  public let level: Level
  public let subject: Text
  public let kind: Kind
  /// The tool's output.
  public let detail: Text

  init(_ area: Finding.Area, _ level: Level, _ subject: Text, _ kind: Kind, detail: Text = "") {
    self.area = area
    self.level = level
    self.subject = subject
    self.kind = kind
    self.detail = detail
  }
}
