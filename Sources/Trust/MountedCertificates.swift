import Certificates
import Text

/// The mounted certificates, which each store should trust.
public struct MountedCertificates: Sendable {
  /// Sorted by fingerprint, without duplicates.
  public let certificates: [Certificate]
  /// Whether every named input could be read. If not, no certificate is removed from any store: a failed mount revokes
  /// nothing.
  public let isComplete: Bool
  /// The origin of each certificate; empty if origins are unknown.
  public let origins: [Origin]
  /// All directories that were read.
  public let directories: [FileIdentity]

  /// Where a certificate was found.
  public struct Origin: Sendable {
    /// The file; if there are several, the first.
    public let source: Path
    /// The directories that contain it, outermost first.
    public var directories: [FileIdentity]
    /// Whether it was found only in what the distribution trusts: its bundle, or the sources of that.
    public var isOfStore: Bool

    public init(source: Path, directories: [FileIdentity], isOfStore: Bool = false) {
      self.source = source
      self.directories = directories
      self.isOfStore = isOfStore
    }
  }

  public init(
    certificates: [Certificate], isComplete: Bool, origins: [Origin] = [], directories: [FileIdentity] = []
  ) {
    self.certificates = certificates
    self.isComplete = isComplete
    self.origins = origins
    self.directories = directories
  }

  public var isEmpty: Bool { certificates.isEmpty }

  /// The indexes of intermediate CAs whose issuers are not mounted: these are looked for in the texts of the stores.
  public var orphans: [Int] {
    let intermediates = certificates.indices.filter {
      certificates[$0].isAuthority && !certificates[$0].isSelfIssued
    }
    if intermediates.isEmpty { return [] }
    return leavingOut(intermediates, issuedBy: certificates.map { Array($0.subjectDER) })
  }

  /// The indexes among `numbers` whose issuers are not among `subjects`.
  func leavingOut(_ numbers: [Int], issuedBy subjects: [[UInt8]]) -> [Int] {
    let order = SortedBytes(subjects)
    return numbers.filter { order.number(of: certificates[$0].issuerDER) == nil }
  }

  /// Whether both are the same collection.
  static func == (one: Self, other: Self) -> Bool {
    one.isComplete == other.isComplete && one.certificates.count == other.certificates.count
      && zip(one.certificates, other.certificates).allSatisfy { $0 === $1 }
  }

  /// This collection with further certificates.
  func adding(_ further: [Certificate]) -> Self {
    Self(certificates: union(certificates, further), isComplete: isComplete)
  }
}

/// The certificates of both, sorted, without duplicates.
@inline(never)
func union(_ one: [Certificate], _ other: [Certificate]) -> [Certificate] {
  if other.isEmpty { return one }
  var union: [Certificate] = []
  for certificate in sorted(one + other) where union.last?.fingerprint != certificate.fingerprint {
    union.append(certificate)
  }
  return union
}

/// The elements of `certificates` whose flag is not `true`.
@inline(never)
func untrusted(of certificates: [Certificate], _ areTrusted: [Bool]) -> [Certificate] {
  var untrusted: [Certificate] = []
  for (number, certificate) in certificates.enumerated() where !areTrusted[number] {
    untrusted.append(certificate)
  }
  return untrusted
}

/// The certificates sorted by fingerprint.
public func sorted(_ certificates: [Certificate]) -> [Certificate] {
  SortedBytes(of: certificates.fingerprints).numbers.map { certificates[$0] }
}

extension Certificate {
  /// The subject for a message, cut: a name may be 15 MiB long.
  public var shownSubject: Text {
    let subject = subjectText
    return subject.isEmpty ? "(empty subject)" : subject.cut(to: 256)
  }
}
