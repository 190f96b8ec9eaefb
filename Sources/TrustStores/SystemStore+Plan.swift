import Certificates
import Linux
import Text

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

    /// Whether the bundle would have more than ``BundleFile/sizeLimit`` bytes.
    let isTooLarge: Bool

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
    let names = trusted.map { Array(anchorName($0.fingerprint).bytes) }
    let standing = ByteOrder(state.anchors.map { Array($0.bytes) })
    let missingAnchors = untrusted(of: trusted, names.map { standing.contains($0) })
    let proper = ByteOrder(names)
    let staleAnchors = wanted.keepsRemoved ? [] : state.anchors.filter { !proper.contains(Array($0.bytes)) }
    var missingInBundle = tool == nil ? [] : trusted
    if let bundle = state.bundle {
      missingInBundle = untrusted(of: trusted, CertificateIndex(trusted).trusted(in: bundle))
    }
    let size = missingInBundle.reduce(state.bundle?.count ?? 0) { $0 + $1.der.count / 3 * 4 + 400 }
    let isBundleOlder = (state.bundleModified ?? 0) < (state.anchorsModified ?? 0)
    let anchorsChange = !missingAnchors.isEmpty || !staleAnchors.isEmpty
    return Plan(
      wanted: trusted, distrusted: distrusted, missingAnchors: missingAnchors,
      staleAnchors: staleAnchors, missingInBundle: missingInBundle,
      needsBuild: anchorsChange || !missingInBundle.isEmpty || state.isUnfinished
        || (tool != nil && isBundleOlder && !trusted.isEmpty),
      isTooLarge: size > BundleFile.sizeLimit,
      added: union(missingAnchors, missingInBundle).map { $0.fingerprint },
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
}
