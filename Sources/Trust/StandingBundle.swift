import Certificates
import Text

/// What is known of a bundle that is up to date: it trusts every mounted certificate and has no damage. A start has
/// nothing to write, so its text is not needed.
public struct StandingBundle: Equatable, Sendable {
  /// The size in bytes.
  public let size: Int
  /// The number of certificates in the managed section.
  public let managedCount: Int
  /// The first certificate that makes GnuTLS or Java refuse the file, as in ``BundleMerge/fault``.
  public let fault: Fault?

  public struct Fault: Equatable, Sendable {
    public let line: Int
    public let reason: CertificateFault
  }
}

/// Determines whether a bundle is up to date, reading it in pieces. It finds the same as ``BundleMerge`` finds in the
/// whole text, or leaves the text to it.
///
/// | state | input | next state |
/// |---|---|---|
/// | base | a certificate, a comment | base |
/// | base | a comment like a marker | section |
/// | base | the end, and the base trusts every mounted certificate | standing |
/// | section | the expected text of the section | section |
/// | section | the end, and the section is complete | standing |
/// | any | anything else | unknown |
public struct StandingBundleReader {
  public enum State: Equatable, Sendable {
    case base
    case section
    case standing(StandingBundle)
    /// It has to be changed, or is not in the usual form: the whole text is needed.
    case unknown
  }

  public private(set) var state = State.base
  private var walk: BundleWalk
  private let mounted: [Certificate]
  private let index: CertificateIndex
  /// Which mounted certificates the base trusts.
  private var areTrusted: [Bool]
  /// The expected section, the index of its next part, and the rest of the current part.
  private var section: [Certificate] = []
  private var nextPart = 0
  private var expected: [UInt8] = []
  private var expectedStart = 0
  private var size = 0

  /// - Parameters:
  ///   - index: the index of the mounted certificates.
  ///   - known: an up-to-date bundle without a ``StandingBundle/fault``; nil for none.
  public init(_ mounted: MountedCertificates, _ index: CertificateIndex, beside known: KnownBundle? = nil) {
    self.mounted = mounted.certificates
    self.index = index
    areTrusted = index.none
    walk = BundleWalk(.all, lengths: index.lengths, beside: known)
    // A section may contain certificates whose input could not be read.
    if !mounted.isComplete { state = .unknown }
  }

  /// The blocks of the base, for a ``KnownBundle``.
  public var blocks: [KnownBundle.Block] { walk.blocks }

  /// Reads more of the text, unless the state is final.
  /// - Parameter append: appends up to the given number of bytes to an array, and returns whether the text ends with
  ///   them.
  /// - Returns: whether more text is needed.
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
    // Either the text or the section is used up.
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
