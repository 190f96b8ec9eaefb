import Certificates
import Text

/// What the store lacks, and what it should no longer contain.
struct StoreNeed {
  /// The certificates that it should trust.
  let trusted: [Certificate]
  /// Those of them that should have an anchor.
  private var anchored: [Certificate]
  /// The certificates that it will never trust.
  let ignored: [(certificate: Certificate, reason: Finding.Reason)]
  /// Those of `ignored` that its bundle does not trust for another reason either.
  let ignoredInBundle: [Certificate]
  private var missingAnchors: [Certificate]
  private let staleAnchors: [Path]
  private let missingInBundle: [Certificate]
  /// Whether the tool has to rebuild the bundle.
  let needsBuild: Bool
  /// Whether certificates are read from a directory that the tool reads, too.
  private let readsAnchors: Bool
  private let isComplete: Bool
  /// Whether the bundle would exceed ``bundleSizeLimit``.
  let isTooLarge: Bool

  init(_ store: StoreSnapshot, _ mounted: MountedCertificates) {
    let family = store.family
    // What could not be changed in this start is not tried again in it.
    let standing = SortedBytes((store.anchors + store.failedAnchors).map { Array($0.bytes) })
    isComplete = mounted.isComplete
    let anchorsAreInput = store.anchorDirectories.first.map { mounted.directories.contains($0) } ?? false
    readsAnchors = store.anchorDirectories.contains { mounted.directories.contains($0) }
    let isOlder = (store.bundleModified ?? 0) < (store.anchorsModified ?? 0)
    var trusted: [Certificate] = []
    var anchored: [Certificate] = []
    var names: [[UInt8]] = []
    var ignored: [(certificate: Certificate, reason: Finding.Reason)] = []
    var ignoredInBundle: [Certificate] = []
    var missingInBundle: [Certificate] = []
    for (number, certificate) in mounted.certificates.enumerated() {
      let isInBundle = store.trusts(number)
      let name = Array(family.anchorName(certificate.fingerprint).bytes)
      let hasAnchor = standing.contains(name)
      let origin = mounted.origins.count > number ? mounted.origins[number] : nil
      // A certificate in the anchors directory is an anchor already.
      let isAnchor = origin?.directories.contains { store.anchorDirectories.contains($0) } ?? false
      var reason = Self.reason(for: certificate, store)
      if reason == nil, case .tool = store.builder, !isInBundle && !hasAnchor {
        if isAnchor {
          if let origin, !family.readsAnchor(named: origin.source.split.name) { reason = .anchorName }
        } else if anchorsAreInput {
          reason = .anchorsAreInput
        }
      }
      if let reason {
        ignored.append((certificate, reason))
        if !isInBundle { ignoredInBundle.append(certificate) }
        continue
      }
      trusted.append(certificate)
      if !isInBundle { missingInBundle.append(certificate) }
      // The same applies to what the distribution trusts, if that is itself an input.
      let isOfStore = isInBundle && origin?.isOfStore ?? false
      let needsAnchor = !(isAnchor || anchorsAreInput || isOfStore)
      if hasAnchor || needsAnchor {
        anchored.append(certificate)
        names.append(name)
      }
    }
    let proper = SortedBytes(names)
    missingAnchors = untrusted(of: anchored, names.map { standing.contains($0) })
    // An interrupted start has removed these anchors already, but the bundle may still trust them.
    let withdrawn = store.withdrawn.map { family.anchorName($0) }
    let former = (mounted.isComplete ? store.anchors : []) + withdrawn.filter { !store.anchors.contains($0) }
    staleAnchors = former.filter {
      !proper.contains(Array($0.bytes)) && !store.failedAnchors.contains($0)
    }
    needsBuild =
      !missingAnchors.isEmpty || !staleAnchors.isEmpty || !missingInBundle.isEmpty || store.isUnfinished
      || (isOlder && (!trusted.isEmpty || readsAnchors))
    isTooLarge =
      missingInBundle.reduce(store.size) { $0 + $1.der.count / 3 * 4 + 400 } > bundleSizeLimit
    self.trusted = trusted
    self.anchored = anchored
    self.ignored = ignored
    self.ignoredInBundle = ignoredInBundle
    self.missingInBundle = missingInBundle
  }

  var changesAnchors: Bool { !missingAnchors.isEmpty || !staleAnchors.isEmpty }

  /// Whether certificates are missing or superfluous, rather than one file older than another.
  var isMoreThanDates: Bool { changesAnchors || !missingInBundle.isEmpty }

  /// What the store gains and loses.
  var added: [Fingerprint] { union(missingAnchors, missingInBundle).fingerprints }
  var removed: [Fingerprint] { staleAnchors.compactMap { fingerprint(ofAnchor: $0) } }

  /// Writes existing anchors again, too: the tool reads their contents.
  func update(runsTool: Bool) -> Action {
    .updateStore(
      StoreUpdate(
        write: anchored.fingerprints, remove: staleAnchors, runsTool: runsTool,
        expected: trusted.fingerprints, givesBack: !(readsAnchors && isComplete)))
  }

  /// Keeps, of the certificates that should have an anchor, those that have one already and those in `named`.
  mutating func limitAnchors(to named: [Fingerprint], _ store: StoreSnapshot) {
    let names = SortedBytes(of: named)
    let standing = SortedBytes(store.anchors.compactMap { fingerprint(ofAnchor: $0)?.bytes })
    anchored = anchored.filter {
      names.contains($0.fingerprint.bytes) || standing.contains($0.fingerprint.bytes)
    }
    missingAnchors = missingAnchors.filter { names.contains($0.fingerprint.bytes) }
  }

  /// Why this family's tool would silently ignore the certificate.
  private static func reason(for certificate: Certificate, _ store: StoreSnapshot) -> Finding.Reason? {
    if !store.family.isExtracted { return nil }
    if !certificate.isAuthority { return .notAuthority }
    if !certificate.allowsServerAuthentication { return .otherUsage }
    let isBlocked = store.blocklist.contains { blocked in
      blocked.der == certificate.der || blocked.publicKeyDER == certificate.publicKeyDER
        || (blocked.issuerDER == certificate.issuerDER && blocked.serialDER == certificate.serialDER)
    }
    return isBlocked ? .blocked : nil
  }
}
