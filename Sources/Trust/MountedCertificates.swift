import Certificates
import Text

/// The certificates that were mounted: what each store is to trust.
public struct MountedCertificates: Sendable {
  /// Sorted by fingerprint, each once.
  public let certificates: [Certificate]
  /// Whether all that was named could be read. If not, nothing is removed from any store: a mount that failed
  /// revokes nothing.
  public let isComplete: Bool
  /// Of each certificate; of none where nobody has said.
  public let origins: [Origin]
  /// All that were read.
  public let directories: [FileIdentity]

  /// Where a certificate was found.
  public struct Origin: Sendable {
    /// The file; the first, of several.
    public let source: Path
    /// The directories that hold it, the outermost first.
    public var directories: [FileIdentity]
    /// Whether it is found nowhere but in what the distribution trusts: its bundle, or what that is built from.
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

  /// The numbers of intermediate CAs whose issuers are not mounted: they are looked for in the stores' texts.
  public var orphans: [Int] {
    let intermediates = certificates.indices.filter {
      certificates[$0].isAuthority && !certificates[$0].isSelfIssued
    }
    if intermediates.isEmpty { return [] }
    return leavingOut(intermediates, issuedBy: certificates.map { Array($0.subjectDER) })
  }

  /// Those of these numbers that have none of these issuers.
  func leavingOut(_ numbers: [Int], issuedBy subjects: [[UInt8]]) -> [Int] {
    let order = SortedBytes(subjects)
    return numbers.filter { order.number(of: certificates[$0].issuerDER) == nil }
  }

  /// Whether both hold the very same.
  static func == (one: Self, other: Self) -> Bool {
    one.isComplete == other.isComplete && one.certificates.count == other.certificates.count
      && zip(one.certificates, other.certificates).allSatisfy { $0 === $1 }
  }

  /// The same and `further` ones.
  func adding(_ further: [Certificate]) -> Self {
    Self(certificates: union(certificates, further), isComplete: isComplete)
  }
}

/// The certificates of both, sorted, each once.
@inline(never)
func union(_ one: [Certificate], _ other: [Certificate]) -> [Certificate] {
  if other.isEmpty { return one }
  var union: [Certificate] = []
  for certificate in sorted(one + other) where union.last?.fingerprint != certificate.fingerprint {
    union.append(certificate)
  }
  return union
}

/// Those of `certificates` beside which there is no `true`.
@inline(never)
func untrusted(of certificates: [Certificate], _ areTrusted: [Bool]) -> [Certificate] {
  var untrusted: [Certificate] = []
  for (number, certificate) in certificates.enumerated() where !areTrusted[number] {
    untrusted.append(certificate)
  }
  return untrusted
}

/// Certificates in the order of their fingerprints.
public func sorted(_ certificates: [Certificate]) -> [Certificate] {
  SortedBytes(certificates.map { $0.fingerprint.bytes }).numbers.map { certificates[$0] }
}

extension Certificate {
  /// The subject for a message: a name may be 15 MiB long.
  public var shownSubject: Text { subjectText.cut(to: 256) }
}
