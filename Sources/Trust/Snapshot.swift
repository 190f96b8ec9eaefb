import Certificates
import Text

/// What was read before anything is decided: facts, and no judgement.
///
/// What costs something to find out and usually does not matter is left open, until a plan asks for it
/// (``Plan/questions``). An outcome that only trying reveals is a fact as well. Facts only grow.
public struct Snapshot: Sendable {
  public var mounted: MountedCertificates
  /// The distribution's store; nil where there is none.
  public var system: StoreSnapshot?
  /// A name each, in the settings' order. Several may be of one file.
  public var bundles: [BundleSnapshot]
  /// Patterns that do not say which bundles there are.
  public var patternFailures: [PatternFailure] = []
  /// The CA variables that the user has set.
  public var variables: [VariableSnapshot]
  /// In the settings' order; nil where nobody has asked yet.
  public var stateDirectories: [StateDirectorySnapshot]?

  public init(
    mounted: MountedCertificates, system: StoreSnapshot? = nil, bundles: [BundleSnapshot] = [],
    variables: [VariableSnapshot] = [], stateDirectories: [StateDirectorySnapshot]? = nil
  ) {
    self.mounted = mounted
    self.system = system
    self.bundles = bundles
    self.variables = variables
    self.stateDirectories = stateDirectories
  }
}

/// Why a pattern does not say which bundles there are.
public struct PatternFailure: Equatable, Sendable {
  public enum Reason: Error, Equatable, Sendable {
    /// It matches more entries than are looked at, and none of them is used.
    case tooMany
    /// A directory on its way cannot be read.
    case unreadable(Errno)
  }

  public let pattern: Path
  public let reason: Reason

  public init(pattern: Path, reason: Reason) {
    self.pattern = pattern
    self.reason = reason
  }
}

/// Whether a file can be replaced by a rename.
public indirect enum Replaceability: Equatable, Sendable {
  case unknown, replaceable
  case blocked(Blocker)
}

/// Why a file cannot be replaced.
public enum Blocker: Error, Equatable, Sendable {
  public enum Step: Equatable, Sendable { case create, owner, mode, write, readBack, rename }

  /// A step that the system refuses, or would.
  case refused(Step, Errno)
  /// It is on a file system that is mounted read-only at this path; nil for the root.
  case readOnly(mountedAt: Path?)
  /// Something is mounted on the file itself.
  case mountPoint
  /// What was read back is not what was written.
  case notWhole
  /// Another program keeps replacing it.
  case overtaken
  /// It is damaged, and its original cannot be kept.
  case originalNotKept(Errno)
}

/// A bundle under one of its names.
public struct BundleSnapshot: Sendable {
  public indirect enum State: Sendable {
    case missing
    case unreadable(ReadError)
    case read(File)
  }

  /// What is known of a file's contents.
  public indirect enum Contents: Equatable, Sendable {
    case text([UInt8])
    /// Nothing is to be done about it. Its text was not kept (``Question/bundleTexts``).
    case standing(StandingBundle)

    /// Nil where it was not kept.
    public var text: [UInt8]? {
      if case .text(let text) = self { return text }
      return nil
    }
  }

  public struct File: Sendable {
    public let identity: FileIdentity
    public var contents: Contents
    /// Whether a killed start has left a temporary file beside it.
    public var hasLeftovers: Bool
    public var replaceability: Replaceability

    public init(
      identity: FileIdentity, contents: Contents, hasLeftovers: Bool = false,
      replaceability: Replaceability = .unknown
    ) {
      self.identity = identity
      self.contents = contents
      self.hasLeftovers = hasLeftovers
      self.replaceability = replaceability
    }

    var text: [UInt8]? { contents.text }
    var isEmpty: Bool { contents == .text([]) }
  }

  public let path: Path
  /// Whether a missing one is an error: somebody has named this very path.
  public let isRequired: Bool
  public var state: State

  public init(path: Path, isRequired: Bool = false, state: State) {
    self.path = path
    self.isRequired = isRequired
    self.state = state
  }

  /// Of the file; nil where it could not be read.
  public var identity: FileIdentity? { file?.identity }

  var file: File? {
    if case .read(let file) = state { return file }
    return nil
  }
}

/// The distribution's store of trusted CAs.
public struct StoreSnapshot: Sendable {
  /// Who builds its bundle.
  public enum Builder: Equatable, Sendable {
    /// The distribution's tool. It can be given so many certificates if it is to end in time.
    case tool(limit: Int)
    case ourselves
    /// Nobody: it is left as it is.
    case nobody
  }

  public struct ToolRun: Sendable {
    public enum Ending: Equatable, Sendable {
      case exited(Int32)
      case signalled(Int32)
      /// It was killed when its time was up.
      case late
      case notStarted(Errno)
    }

    public let ending: Ending
    /// Wanted of the store and not in its bundle.
    public let missing: [Certificate]
    /// How many that were taken out are still in the bundle.
    public let remaining: Int
    /// Whether the bundle is newer than the anchors: what remains is somebody else's then.
    public let isRebuilt: Bool
    public let isUnreadable: Bool
    public let isDamaged: Bool

    public init(
      ending: Ending, missing: [Certificate], remaining: Int, isRebuilt: Bool, isUnreadable: Bool,
      isDamaged: Bool
    ) {
      self.ending = ending
      self.missing = missing
      self.remaining = remaining
      self.isRebuilt = isRebuilt
      self.isUnreadable = isUnreadable
      self.isDamaged = isDamaged
    }
  }

  public let family: StoreFamily
  public var builder: Builder
  /// Why its anchors or its bundle could not be read; what follows means nothing then.
  public var failure: ReadError?
  /// Names of ours among the anchors.
  public var anchors: [Path] = []
  /// Nanoseconds since the epoch; nil where there is no such directory.
  public var anchorsModified: Int64?
  /// The directories whose certificates the tool trusts: ours first, where it exists.
  public var anchorDirectories: [FileIdentity] = []
  public var bundleModified: Int64?
  /// Of the bundle: nil where there is none.
  public var identity: FileIdentity?
  /// Which of the mounted certificates the bundle trusts, in their order.
  public var trusted: [Bool] = []
  /// Bytes.
  public var size = 0
  /// The bundle's text; nil where nobody has asked yet, or there is none.
  public var text: [UInt8]?
  /// Whether a killed start has left a temporary file beside the bundle that we write.
  public var hasLeftovers = false
  /// Whether a start began to change the store and did not see the end of it.
  public var isUnfinished = false
  /// What that start took out of the anchors, and its tool has not been seen to leave out.
  public var withdrawn: [Fingerprint] = []
  /// Certificates that the distribution's administrator distrusts.
  public var blocklist: [Certificate] = []
  public var replaceability = Replaceability.unknown
  /// What of the store cannot be written, where that is blocked.
  public var blockedPath: Path?
  /// A run of the tool in this start.
  public var toolRun: ToolRun?
  /// Anchors that could not be changed in this start.
  public var failedAnchors: [Path] = []

  public init(family: StoreFamily, builder: Builder) {
    self.family = family
    self.builder = builder
  }

  /// Whether the bundle trusts the mounted certificate of this number.
  public func trusts(_ number: Int) -> Bool { number < trusted.count && trusted[number] }
}

/// A CA variable that the user has set.
public struct VariableSnapshot: Sendable {
  public indirect enum State: Sendable {
    case unreadable(ReadError)
    /// The text is nil for a file that is a bundle or the system store's.
    case file(FileIdentity, text: [UInt8]?)
    /// A directory of hashed names, and the DER of each certificate in it, sorted.
    case directory(SortedBytes)
  }

  public let name: [UInt8]
  public let path: Path
  /// What the variable is to its clients.
  public let use: Use
  public var state: State

  public enum Use: Equatable, Sendable {
    /// Its file is all that they trust.
    case replaces
    /// The same, and it may name a directory.
    case replacesFileOrDirectory
    /// They trust its file beside what they trust anyway.
    case adds
    /// A directory beside what they trust anyway.
    case addsDirectory
  }

  public init(name: [UInt8], path: Path, use: Use = .replaces, state: State) {
    self.name = name
    self.path = path
    self.use = use
    self.state = state
  }
}

/// A directory that a private bundle may go to.
public struct StateDirectorySnapshot: Sendable {
  /// Why it cannot be used.
  public indirect enum Failure: Equatable, Sendable {
    case system(Errno)
    /// It is another user's, a symbolic link, or no directory: whoever made it may want to choose what is trusted.
    case foreign
    case notWritten(Blocker)
  }

  public let path: Path
  public var failure: Failure?
  /// The private bundle in it; nil where there is none, or none that is ours and everybody may read.
  public var text: [UInt8]?
  /// Whether nobody but root and its owner can put another directory in its place.
  public let isGuarded: Bool
  /// Whether somebody has named it: of the default ones, each may fail.
  public let isNamed: Bool

  public init(
    path: Path, failure: Failure? = nil, text: [UInt8]? = nil, isGuarded: Bool = true, isNamed: Bool = false
  ) {
    self.path = path
    self.failure = failure
    self.text = text
    self.isGuarded = isGuarded
    self.isNamed = isNamed
  }
}
