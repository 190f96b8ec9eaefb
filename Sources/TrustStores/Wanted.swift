import Certificates
import Linux

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

  /// The same and `further` ones.
  func adding(_ further: [Certificate]) -> Wanted {
    let index = CertificateIndex(certificates)
    let union = certificates + further.filter { index.position(of: $0.der) == nil }
    return Wanted(certificates: sorted(union), keepsRemoved: keepsRemoved)
  }
}

/// Certificates in the order of their fingerprints.
public func sorted(_ certificates: [Certificate]) -> [Certificate] {
  sortedNumbers(below: certificates.count) { certificates[$0].fingerprint < certificates[$1].fingerprint }
    .map { certificates[$0] }
}
