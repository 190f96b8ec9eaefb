import Certificates
import Text

/// What was read before any decision: facts without judgement.
///
/// A fact that is expensive to find out and rarely matters is left open until a plan asks for it (``Plan/questions``).
/// The outcome of an attempt is a fact as well. Facts are only added.
public struct Snapshot: Sendable {
  public var mounted: MountedCertificates
  /// The distribution's store; nil if there is none.
  public var system: StoreSnapshot?
  /// One for each name, in the order of the settings. Several may be names of one file.
  public var bundles: [BundleSnapshot]
  /// Patterns that could not be expanded.
  public var patternFailures: [PatternFailure] = []
  /// The CA variables that the user has set.
  public var variables: [VariableSnapshot]
  /// In the order of the settings; nil until a plan asks for them.
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

/// Why a pattern could not be expanded.
public struct PatternFailure: Equatable, Sendable {
  public enum Reason: Error, Equatable, Sendable {
    /// It matches more entries than are considered, and none of them is used.
    case tooMany
    /// A directory in the pattern's path cannot be read.
    case unreadable(Errno)
  }

  public let pattern: Path
  public let reason: Reason

  public init(pattern: Path, reason: Reason) {
    self.pattern = pattern
    self.reason = reason
  }
}

/// Whether a file can be replaced by renaming another over it.
public indirect enum Replaceability: Equatable, Sendable {
  case unknown, replaceable
  case blocked(Blocker)
}

/// Why a file cannot be replaced.
public enum Blocker: Error, Equatable, Sendable {
  public enum Step: Equatable, Sendable { case create, owner, mode, write, readBack, rename }

  /// A step that the system refuses, or would refuse.
  case refused(Step, Errno)
  /// Its file system is mounted read-only at this path; nil for the root file system.
  case readOnly(mountedAt: Path?)
  /// The file itself is a mount point.
  case mountPoint
  /// The bytes that were read back differ from those written.
  case notWhole
  /// Another program keeps replacing it.
  case overtaken
  /// It is damaged, and its original cannot be saved.
  case originalNotKept(Errno)
}

/// A bundle with one of its names.
public struct BundleSnapshot: Sendable {
  public indirect enum State: Sendable {
    case missing
    case unreadable(ReadError)
    case read(File)
  }

  /// What is known of a file's contents.
  public indirect enum Contents: Equatable, Sendable {
    case text([UInt8])
    /// It is up to date. Its text was not kept (``Question/bundleTexts``).
    case standing(StandingBundle)

    /// nil if the text was not kept.
    public var text: [UInt8]? {
      if case .text(let text) = self { return text }
      return nil
    }
  }

  public struct File: Sendable {
    public let identity: FileIdentity
    public var contents: Contents
    /// Whether a killed start left a temporary file beside it.
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
  /// Whether it is an error if it is missing, because the user named this exact path.
  public let isRequired: Bool
  public var state: State

  public init(path: Path, isRequired: Bool = false, state: State) {
    self.path = path
    self.isRequired = isRequired
    self.state = state
  }

  /// The identity of the file; nil if it could not be read.
  public var identity: FileIdentity? { file?.identity }

  var file: File? {
    if case .read(let file) = state { return file }
    return nil
  }
}

/// The distribution's store of trusted CAs.
public struct StoreSnapshot: Sendable {
  /// What builds its bundle.
  public enum Builder: Equatable, Sendable {
    /// The distribution's tool. `limit` is the number of certificates that it can process in time.
    case tool(limit: Int)
    case ourselves
    /// Nothing: the store is left unchanged.
    case nobody
  }

  public struct ToolRun: Sendable {
    public enum Ending: Equatable, Sendable {
      case exited(Int32)
      case signalled(Int32)
      /// It was killed because its time was up.
      case late
      case notStarted(Errno)
    }

    public let ending: Ending
    /// Certificates that should be in the store but are not in its bundle.
    public let missing: [Certificate]
    /// The number of removed certificates that are still in the bundle.
    public let remaining: Int
    /// Whether the bundle is newer than the anchors: what remains in it then has another source.
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
  /// Why its anchors or its bundle could not be read; the fields below are meaningless then.
  public var failure: ReadError?
  /// The names of psm-entry's anchors.
  public var anchors: [Path] = []
  /// Nanoseconds since the epoch; nil if the directory does not exist.
  public var anchorsModified: Int64?
  /// The directories whose certificates the tool trusts: the one for anchors first, if it exists.
  public var anchorDirectories: [FileIdentity] = []
  public var bundleModified: Int64?
  /// The identity of the bundle; nil if there is none.
  public var identity: FileIdentity?
  /// Which mounted certificates the bundle trusts, in order.
  public var trusted: [Bool] = []
  /// The size of the bundle in bytes.
  public var size = 0
  /// The bundle's text; nil if no plan has asked for it, or there is none.
  public var text: [UInt8]?
  /// What is known of a native store's bundle that is up to date. Its text was not kept (``Question/storeText``).
  public var standing: StandingBundle?
  /// Whether a killed start left a temporary file beside a bundle that psm-entry writes.
  public var hasLeftovers = false
  /// Whether an earlier start began to change the store and did not finish.
  public var isUnfinished = false
  /// The anchors that this earlier start removed and that its tool has not been seen to leave out.
  public var withdrawn: [Fingerprint] = []
  /// Certificates that the administrator has blocklisted.
  public var blocklist: [Certificate] = []
  public var replaceability = Replaceability.unknown
  /// The path that cannot be written, if the store cannot be changed.
  public var blockedPath: Path?
  /// The run of the tool in this start.
  public var toolRun: ToolRun?
  /// Anchors that could not be changed in this start.
  public var failedAnchors: [Path] = []

  public init(family: StoreFamily, builder: Builder) {
    self.family = family
    self.builder = builder
  }

  /// Whether the bundle trusts the mounted certificate with this index.
  public func trusts(_ number: Int) -> Bool { number < trusted.count && trusted[number] }
}

/// A CA variable that the user has set.
public struct VariableSnapshot: Sendable {
  public indirect enum State: Sendable {
    case unreadable(ReadError)
    /// The text is nil if the file is a bundle or the system store's bundle.
    case file(FileIdentity, text: [UInt8]?)
    /// A directory of hashed names, and the DER of each certificate in it, sorted.
    case directory(SortedBytes)
  }

  public let name: [UInt8]
  public let path: Path
  /// How its clients use the variable.
  public let use: Use
  public var state: State

  public enum Use: Equatable, Sendable {
    /// They trust nothing but its file.
    case replaces
    /// The same, but it may name a directory.
    case replacesFileOrDirectory
    /// The same, but they use their own roots if the file cannot be read.
    case replacesIfReadable
    /// They trust its file in addition to their defaults.
    case adds
    /// They trust its directory in addition to their defaults.
    case addsDirectory

    /// Whether they trust nothing if it cannot be read.
    var isOnlyTrust: Bool { self == .replaces || self == .replacesFileOrDirectory }
  }

  public init(name: [UInt8], path: Path, use: Use = .replaces, state: State) {
    self.name = name
    self.path = path
    self.use = use
    self.state = state
  }
}

/// A directory that may hold the private bundle.
public struct StateDirectorySnapshot: Sendable {
  /// Why it cannot be used.
  public indirect enum Failure: Equatable, Sendable {
    case system(Errno)
    /// It belongs to another user, is a symbolic link, or is not a directory: its creator could choose what is
    /// trusted.
    case foreign
    case notWritten(Blocker)
  }

  public let path: Path
  public var failure: Failure?
  /// The text of the private bundle in it; nil if there is none, or none that this user owns and everybody may read.
  public var text: [UInt8]?
  /// Whether only root and its owner can replace the directory by another one.
  public let isGuarded: Bool
  /// Whether the user named it. The default directories may fail one by one.
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
