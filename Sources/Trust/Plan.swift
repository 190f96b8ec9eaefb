import Certificates
import Text

/// What a start does to the stores: `plan` prints it, `check` judges it, a start applies it.
public struct Plan: Equatable, Sendable {
  /// In the order of execution.
  public internal(set) var actions: [Action] = []
  /// What the stores gain and lose through the actions.
  public internal(set) var changes: [StoreChange] = []
  /// What the user should know, whether or not there is anything to do.
  public internal(set) var findings: [Finding] = []
  /// The file that CA variables should name; nil for none.
  public internal(set) var exported: Path?
  /// Whether ``exported`` is a private bundle.
  public internal(set) var isPrivate = false
  /// CA variables set by the user that name a file which the private bundle replaces.
  public internal(set) var redirected: [[UInt8]] = []
  /// What must be known before the plan is final.
  public internal(set) var questions: [Question] = []
  /// Whether a store could not be read, so that its state is unknown.
  public internal(set) var isUncertain = false
  /// The number of files that clients read and that trust every mounted certificate once the plan is carried out. A
  /// file with several names counts once.
  public internal(set) var storeCount = 0
  public internal(set) var trustingStoreCount = 0
}

/// A fact that a plan needs and the snapshot does not contain yet.
public enum Question: Equatable, Sendable {
  /// Whether the bundle with this name can be replaced.
  case replaceability(Path)
  /// Whether the system store can be changed, by the distribution's tool or by psm-entry itself, and including its
  /// anchors or only what is built from them.
  case storeReplaceability(byTool: Bool, changesAnchors: Bool)
  /// The text of the system store's bundle.
  case storeText
  /// The texts of the bundles that are up to date.
  case bundleTexts
  case stateDirectories
}

/// A step of a start, executed as planned: nothing is decided at that point.
public indirect enum Action: Equatable, Sendable {
  case updateStore(StoreUpdate)
  /// Writes the merged text to the file, under each of these names.
  case writeBundle([Path], BundleMerge)
  case removeLeftovers(Path)
  /// Writes a private bundle.
  case writePrivate(in: Path, text: [UInt8])
  case removePrivate(in: Path)

  /// Whether clients may trust something else afterwards.
  public var changesTrust: Bool {
    if case .removeLeftovers = self { return false }
    return true
  }
}

/// The changes to the distribution's store.
public struct StoreUpdate: Equatable, Sendable {
  /// Certificates that get an anchor, and anchors that are removed.
  public let write: [Fingerprint]
  public let remove: [Path]
  /// Whether the distribution's tool rebuilds the bundle afterwards.
  public let runsTool: Bool
  /// The mounted certificates that the rebuilt bundle should trust.
  public let expected: [Fingerprint]
  /// Whether certificates that the tool leaves out are added to the bundle again. Where the anchors directory is an
  /// input, those are the ones that were removed from it.
  public let givesBack: Bool
}

/// What a store gains and loses.
public struct StoreChange: Equatable, Sendable {
  public indirect enum Kind: Equatable, Sendable { case system, bundle, privateBundle }

  public let store: Path
  public let kind: Kind
  public var added: [Fingerprint] = []
  public var removed: [Fingerprint] = []
  public var isRepair = false
}

/// A fact about a store or a variable that the user should know. The report turns it into words.
public struct Finding: Equatable, Sendable {
  /// Whether it is an error in a setting rather than in a store: a strict start finds it before its first write.
  public var isErrorOfSettings: Bool {
    guard level == .error else { return false }
    switch kind {
    case .missing, .pattern, .noStore: return true
    default: return false
    }
  }

  public enum Area: Equatable, Sendable { case input, system, bundle, variable }

  public indirect enum Kind: Equatable, Sendable {
    // About a bundle.
    case missing
    case pattern(PatternFailure.Reason)
    case unreadable(ReadError)
    case empty
    case noCertificates
    /// All its certificates are removed in this start.
    case onlyRemoved
    case tooLarge
    case strayMarkers
    /// - Parameter isRepaired: whether this start repairs it; nil if nothing is mounted and it is left unchanged.
    case malformed(BundleContents.Damage, isRepaired: Bool?)
    /// One of its certificates makes clients of some library refuse the whole file.
    case refusedBySome(line: Int, CertificateFault)
    /// It cannot be replaced. The substitute is used instead, if there is one.
    /// - Parameter stillTrusted: the number of removed certificates in it.
    case blocked(Blocker, substitute: Path?, onlyRemoves: Bool, stillTrusted: Int = 0)
    /// It is another name of an earlier file, and lacks certificates.
    case sameFileLacks(substitute: Path?)
    /// There is no store to add certificates to.
    case noStore

    // About the system store.
    case storeUnreadable(ReadError)
    case storeBlocked(Blocker, stillTrusted: Int)
    case storeTooLarge
    case tooMany(Int)
    /// - Parameter isOneReason: whether the reason is that of all; otherwise it is that of the first.
    case ignored(subject: Text, Reason, more: Int, isOneReason: Bool = true)
    case notBuilt(subject: Text, more: Int, StoreSnapshot.ToolRun.Ending)
    case builtUnreadable(StoreSnapshot.ToolRun.Ending)
    case builtMalformed(StoreSnapshot.ToolRun.Ending)
    case notRemoved(Int, StoreSnapshot.ToolRun.Ending)
    case trustedOtherwise(Int)
    /// The image has no other bundle, and this one lacks certificates. The substitute is used instead, if there is one.
    case storeLacks(substitute: Path?)

    // About a state directory.
    case stateDirectoryFailed(StateDirectorySnapshot.Failure)
    case stateDirectoryUnguarded

    // About a mounted certificate.
    case issuerMissing(Fingerprint, subject: Text, issuer: Text)

    // About a CA variable.
    case variableUnreadable(Path, ReadError, isOnlyTrust: Bool)
    /// - Parameter isBundle: whether the file could be added to the bundles.
    case variableLacks(Path, subject: Text, more: Int, isBundle: Bool = true)
    case variableLacksPublic(Path)
    case redirected(from: Path, to: Path)
  }

  /// Why a store does not trust a certificate even if it is an anchor.
  public enum Reason: Equatable, Sendable {
    case notAuthority, otherUsage, blocked, anchorName, anchorsAreInput
  }

  public let area: Area
  public let level: Level
  public let subject: Text
  public let kind: Kind
}
