import Certificates
import Linux

extension SystemStore {
  /// What is to change in the store, and why: a pure function of its state and what is wanted.
  public struct Plan: Sendable {
    /// Why the store would not trust a certificate even as an anchor.
    public enum Distrust: Equatable, Sendable {
      case notAuthority, otherUsage, blocked
    }

    /// What the store is to trust.
    public let wanted: [Certificate]
    /// What it never will.
    public let distrusted: [(certificate: Certificate, reason: Distrust)]
    /// Anchors to write, as far as their names tell.
    let missingAnchors: [Certificate]
    /// Anchors to remove.
    let staleAnchors: [Path]
    /// Wanted, and not in the bundle.
    public let missingInBundle: [Certificate]
    /// Whether the bundle is to be built anew.
    public let needsBuild: Bool

    public var needsChange: Bool { needsBuild || !missingAnchors.isEmpty || !staleAnchors.isEmpty }
    /// Fingerprints that the store is to gain and to lose.
    public let added: [Fingerprint]
    /// In hex digits, as the anchors' names hold them.
    public let removed: [[UInt8]]
  }

  public func plan(_ state: State, wanted: Wanted) -> Plan {
    var trusted: [Certificate] = []
    var distrusted: [(certificate: Certificate, reason: Plan.Distrust)] = []
    for certificate in wanted.certificates {
      if let reason = distrust(of: certificate, state.blocklist) {
        distrusted.append((certificate, reason))
      } else {
        trusted.append(certificate)
      }
    }
    // Both lists are sorted: names begin alike and go on with the fingerprint.
    let names = trusted.map { anchorName($0.fingerprint) }
    let missingAnchors = zip(trusted, names).filter { !contains($0.1, in: state.anchors) }.map { $0.0 }
    let staleAnchors = wanted.keepsRemoved ? [] : state.anchors.filter { !contains($0, in: names) }
    var missingInBundle = tool == nil ? [] : trusted
    if let contents = state.contents {
      let isTrusted = CertificateIndex(trusted).trusted(by: contents)
      missingInBundle = zip(trusted, isTrusted).filter { !$0.1 }.map { $0.0 }
    }
    let isBundleOlder = (state.bundleModified ?? 0) < (state.anchorsModified ?? 0)
    let anchorsChange = !missingAnchors.isEmpty || !staleAnchors.isEmpty
    return Plan(
      wanted: trusted, distrusted: distrusted, missingAnchors: missingAnchors,
      staleAnchors: staleAnchors, missingInBundle: missingInBundle,
      needsBuild: anchorsChange || !missingInBundle.isEmpty || state.isUnfinished
        || (tool != nil && isBundleOlder && !trusted.isEmpty),
      added: union(missingAnchors, missingInBundle),
      removed: staleAnchors.compactMap { fingerprintDigits(inAnchorName: $0.bytes).map { Array($0) } })
  }

  /// Why this family's tool would leave the certificate out without a word.
  private func distrust(of certificate: Certificate, _ blocklist: [Certificate]) -> Plan.Distrust? {
    if family != .redHat { return nil }
    if !certificate.isAuthority { return .notAuthority }
    if !certificate.allowsServerAuthentication { return .otherUsage }
    let isBlocked = blocklist.contains { blocked in
      blocked.der == certificate.der || blocked.publicKeyDER == certificate.publicKeyDER
        || (blocked.issuerDER == certificate.issuerDER && blocked.serialDER == certificate.serialDER)
    }
    return isBlocked ? .blocked : nil
  }

  private func union(_ one: [Certificate], _ other: [Certificate]) -> [Fingerprint] {
    let index = CertificateIndex(one)
    return sorted(one + other.filter { index.position(of: $0.der) == nil }).map { $0.fingerprint }
  }
}

/// Whether the sorted `names` hold `name`.
private func contains(_ name: Path, in names: [Path]) -> Bool {
  let position = firstNumber(below: names.count) { precedes(names[$0].bytes, name.bytes) }
  return position < names.count && names[position] == name
}
