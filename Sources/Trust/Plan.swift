import Certificates
import Text

/// What a start does to the stores: `plan` prints it, `check` judges it, a start applies it.
public struct Plan: Equatable, Sendable {
  /// In the order in which they are done.
  public internal(set) var actions: [Action] = []
  /// What the stores gain and lose by that.
  public internal(set) var changes: [StoreChange] = []
  /// What is worth knowing, whether or not there is anything to do.
  public internal(set) var findings: [Finding] = []
  /// The file that variables are to name; nil for none.
  public internal(set) var exported: Path?
  /// Whether that is a private bundle.
  public internal(set) var isPrivate = false
  /// CA variables of the user's that name a file which the private bundle stands in for.
  public internal(set) var redirected: [[UInt8]] = []
  /// What has to be known before the plan is final.
  public internal(set) var questions: [Question] = []
  /// Whether a store could not be read, so that nothing can be said of it.
  public internal(set) var isUncertain = false
  /// Files that clients read, each once under whatever names, and how many of them trust all that is mounted when the
  /// plan is done.
  public internal(set) var storeCount = 0
  public internal(set) var trustingStoreCount = 0
}

/// What a plan has to know and a snapshot does not hold.
public enum Question: Equatable, Sendable {
  /// Whether the bundle under this name can be replaced.
  case replaceability(Path)
  /// Whether the system store can be changed: by the distribution's tool or by ourselves, its anchors too or only what
  /// is built from them.
  case storeReplaceability(byTool: Bool, changesAnchors: Bool)
  /// The text of the system store's bundle.
  case storeText
  /// The texts of the bundles that stand as they should.
  case bundleTexts
  case stateDirectories
}

/// A step of a start. Each is done as planned: nothing is decided any more.
public indirect enum Action: Equatable, Sendable {
  case updateStore(StoreUpdate)
  /// Brings the file to what its merge says, under each of these names.
  case writeBundle([Path], BundleMerge)
  case removeLeftovers(Path)
  /// Writes a private bundle.
  case writePrivate(in: Path, text: [UInt8])
  case removePrivate(in: Path)

  /// Whether clients may find another trust after it.
  public var changesTrust: Bool {
    if case .removeLeftovers = self { return false }
    return true
  }
}

/// What is done to the distribution's store.
public struct StoreUpdate: Equatable, Sendable {
  /// Certificates that get an anchor of ours, and anchors of ours that go.
  public let write: [Fingerprint]
  public let remove: [Path]
  /// Whether the distribution's tool builds the bundle then.
  public let runsTool: Bool
  /// What that bundle is to trust of what is mounted.
  public let expected: [Fingerprint]
  /// Whether the bundle is given back what the tool leaves out. Where the anchors directory is an input, that is what
  /// was removed from it.
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

/// Something worth knowing of a store or a variable: a fact for the report, which has the words.
public struct Finding: Equatable, Sendable {
  /// Whether it is an error of what somebody has set, and not of a store: a strict start finds it before its first write.
  public var isErrorOfSettings: Bool {
    guard level == .error else { return false }
    switch kind {
    case .missing, .pattern, .noStore: return true
    default: return false
    }
  }

  public enum Area: Equatable, Sendable { case input, system, bundle, variable }

  public indirect enum Kind: Equatable, Sendable {
    // Of a bundle.
    case missing
    case pattern(PatternFailure.Reason)
    case unreadable(ReadError)
    case empty
    case noCertificates
    /// It contains none but those that are removed now.
    case onlyRemoved
    case tooLarge
    case strayMarkers
    /// - Parameter isRepaired: whether this start repairs it; nil where nothing is mounted and it is left as it is.
    case malformed(BundleContents.Damage, isRepaired: Bool?)
    /// One of its certificates makes the clients of some library refuse the whole file.
    case refusedBySome(line: Int, CertificateFault)
    /// It cannot be replaced. Another file is used instead; nil where there is none.
    case blocked(Blocker, substitute: Path?, onlyRemoves: Bool)
    /// It is another name of a file before it, and lacks certificates.
    case sameFileLacks(substitute: Path?)
    /// There is nothing that certificates could be put into.
    case noStore

    // Of the system store.
    case storeUnreadable(ReadError)
    case storeBlocked(Blocker, stillTrusted: Int)
    case storeTooLarge
    case tooMany(Int)
    case ignored(subject: Text, Reason, more: Int)
    case notBuilt(subject: Text, more: Int, StoreSnapshot.ToolRun.Ending)
    case builtUnreadable(StoreSnapshot.ToolRun.Ending)
    case builtMalformed(StoreSnapshot.ToolRun.Ending)
    case notRemoved(Int, StoreSnapshot.ToolRun.Ending)
    case trustedOtherwise(Int)
    /// The image has no other bundle, and this one lacks certificates. Another file is used instead; nil where there is none.
    case storeLacks(substitute: Path?)

    // Of a state directory.
    case stateDirectoryFailed(StateDirectorySnapshot.Failure)
    case stateDirectoryUnguarded

    // Of a mounted certificate.
    case issuerMissing(Fingerprint, subject: Text, issuer: Text)

    // Of a CA variable.
    case variableUnreadable(Path, ReadError, isDirectory: Bool)
    case variableLacks(Path, subject: Text, more: Int)
    case variableLacksPublic(Path)
    case redirected(from: Path, to: Path)
  }

  /// Why a store does not trust a certificate even as an anchor.
  public enum Reason: Equatable, Sendable {
    case notAuthority, otherUsage, blocked, anchorName, anchorsAreInput
  }

  public let area: Area
  public let level: Level
  public let subject: Text
  public let kind: Kind
}
