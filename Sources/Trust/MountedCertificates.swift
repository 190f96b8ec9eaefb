import Certificates
import Text

/// The certificates that were mounted: what each store is to trust.
public struct MountedCertificates: Sendable {
  /// Sorted by fingerprint, each once.
  public let certificates: [Certificate]
  /// Whether all that was named could be read. If not, nothing is removed from any store: a mount that failed
  /// revokes nothing.
  public let isComplete: Bool

  public init(certificates: [Certificate], isComplete: Bool) {
    self.certificates = certificates
    self.isComplete = isComplete
  }

  public var isEmpty: Bool { certificates.isEmpty }

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
