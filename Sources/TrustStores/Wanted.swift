import Certificates
import Linux
import Text

/// What is to be in each store.
public struct Wanted: Sendable {
  /// Sorted by fingerprint, each once.
  public let certificates: [Certificate]
  /// Whether nothing is taken out of any store in this start: not all inputs could be read, and
  /// a mount that failed revokes nothing.
  public let keepsRemoved: Bool

  public init(certificates: [Certificate], keepsRemoved: Bool) {
    self.certificates = certificates
    self.keepsRemoved = keepsRemoved
  }

  /// Whether both want the very same.
  static func == (one: Wanted, other: Wanted) -> Bool {
    one.keepsRemoved == other.keepsRemoved && one.certificates.count == other.certificates.count
      && zip(one.certificates, other.certificates).allSatisfy { $0 === $1 }
  }

  /// The same and `further` ones.
  func adding(_ further: [Certificate]) -> Wanted {
    Wanted(certificates: union(certificates, further), keepsRemoved: keepsRemoved)
  }
}

/// The certificates of both, sorted, each once.
@inline(never)
func union(_ one: [Certificate], _ other: [Certificate]) -> [Certificate] {
  let index = CertificateIndex(one)
  var union = one
  for certificate in other where index.position(of: certificate.der[...]) == nil { union.append(certificate) }
  return sorted(union)
}

/// Those of `certificates` beside which there is no `true`.
@inline(never)
public func untrusted(of certificates: [Certificate], _ areTrusted: [Bool]) -> [Certificate] {
  var untrusted: [Certificate] = []
  for (number, certificate) in certificates.enumerated() where !areTrusted[number] {
    untrusted.append(certificate)
  }
  return untrusted
}

/// Certificates in the order of their fingerprints.
public func sorted(_ certificates: [Certificate]) -> [Certificate] {
  ByteOrder(certificates.map { $0.fingerprint.bytes }).numbers.map { certificates[$0] }
}
