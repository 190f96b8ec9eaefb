import Certificates
import Text

/// What is known of a bundle that stands as a start would write it: all that is mounted is trusted, nothing is
/// damaged, nothing is to be done, and so its text is not needed.
public struct StandingBundle: Equatable, Sendable {
  /// Bytes.
  public let size: Int
  /// Certificates in the managed section.
  public let managedCount: Int
  /// The first certificate for which GnuTLS or Java would refuse the file: ``BundleMerge/fault``.
  public let fault: Fault?

  public struct Fault: Equatable, Sendable {
    public let line: Int
    public let reason: CertificateFault
  }
}

/// Tells of a text that comes in pieces whether it is a bundle that stands as a start would write it. It finds what
/// ``BundleMerge`` finds of the whole text, or leaves the text to it.
///
/// | state | what comes | next state |
/// |---|---|---|
/// | base | a certificate, a comment | base |
/// | base | a comment like a mark | section |
/// | base | the end, and the base trusts all that is mounted | standing |
/// | section | what the section is to hold | section |
/// | section | the end, and nothing of the section is left | standing |
/// | any | anything else | unknown |
public struct StandingBundleReader {
  public enum State: Equatable, Sendable {
    case base
    case section
    case standing(StandingBundle)
    /// It is to be changed, or it is not written as nearly all are: that takes the whole text.
    case unknown
  }

  public private(set) var state = State.base
  private var walk: BundleWalk
  private let mounted: [Certificate]
  private let index: CertificateIndex
  /// Which of what is mounted the base trusts.
  private var areTrusted: [Bool]
  /// What the section is to hold, which of its parts comes next, and what of the one before is still to come.
  private var section: [Certificate] = []
  private var nextPart = 0
  private var expected: [UInt8] = []
  private var expectedStart = 0
  private var size = 0

  /// - Parameter index: of what is mounted.
  public init(_ mounted: MountedCertificates, _ index: CertificateIndex) {
    self.mounted = mounted.certificates
    self.index = index
    areTrusted = index.none
    walk = BundleWalk(.all, lengths: index.lengths)
    // What could not be read may be in a section.
    if !mounted.isComplete { state = .unknown }
  }

  /// Takes more of the text, unless all is known.
  /// - Parameter append: appends up to so many bytes to an array, and says whether the text ends with them.
  /// - Returns: whether there is to be more.
  public mutating func read(_ append: (inout [UInt8], Int) -> Bool) -> Bool {
    var hasEnded = false
    walk.refill { text, count in
      let before = text.count
      hasEnded = append(&text, count)
      size += text.count - before
      return hasEnded
    }
    if state == .base { readBase() }
    if state == .section { readSection(hasEnded) }
    return state == .base || state == .section
  }

  private mutating func readBase() {
    while true {
      switch walk.next() {
      case .certificate: if let number = index.position(of: walk.der) { areTrusted[number] = true }
      case .needsMore: return
      case .mark:
        section = untrusted(of: mounted, areTrusted)
        state = walk.certificateCount == 0 ? .unknown : .section
        return
      case .end:
        state = walk.certificateCount == 0 || areTrusted.contains(false) ? .unknown : standing
        return
      case .irregular:
        state = .unknown
        return
      }
    }
  }

  private mutating func readSection(_ hasEnded: Bool) {
    while true {
      if expectedStart == expected.count && nextPart < ManagedSection.partCount(section) {
        expected.removeAll(keepingCapacity: true)
        expectedStart = 0
        ManagedSection.append(nextPart, of: section, to: &expected)
        nextPart += 1
      }
      let count = min(expected.count - expectedStart, walk.rest.count)
      if count == 0 { break }
      if !walk.rest.begins(with: expected[expectedStart..<(expectedStart + count)]) {
        state = .unknown
        return
      }
      walk.skip(count)
      expectedStart += count
    }
    // Either nothing of the text is left or nothing of the section.
    if !walk.rest.isEmpty || (hasEnded && expectedStart < expected.count) {
      state = .unknown
    } else if hasEnded {
      state = standing
    }
  }

  private var standing: State {
    .standing(
      StandingBundle(
        size: size, managedCount: section.count,
        fault: walk.fault.map { StandingBundle.Fault(line: $0.line, reason: $0.reason) }))
  }
}
