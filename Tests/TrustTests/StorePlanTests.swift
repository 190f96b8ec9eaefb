import Certificates
import Testing
import Text

@testable import TestSupport
@testable import Trust

struct StorePlanTests {
  static let families = StoreFamily.all.indices

  /// A store that is up to date for `anchors`, and what differs from that.
  private func need(
    _ family: Int, anchors: [Certificate] = [], bundle: [UInt8]?, bundleAge: Int64 = 0,
    isUnfinished: Bool = false, withdrawn: [Certificate] = [],
    blocklist: [Certificate] = [], mounted: [Certificate], isComplete: Bool = true
  ) -> StoreNeed {
    var store = StoreSnapshot(family: StoreFamily.all[family], builder: .tool(limit: 960))
    store.anchors = anchors.map { store.family.anchorName($0.fingerprint) }
    store.anchorsModified = 100
    store.bundleModified = bundle.map { _ in 100 - bundleAge }
    store.trusted = CertificateIndex(mounted).trusted(in: bundle ?? [])
    store.isUnfinished = isUnfinished
    store.withdrawn = withdrawn.map { $0.fingerprint }
    store.blocklist = blocklist
    return StoreNeed(store, MountedCertificates(certificates: mounted, isComplete: isComplete))
  }

  @Test(arguments: families)
  func aStoreThatIsAsWantedNeedsNothing(_ family: Int) {
    let all = certificates(1, 2)
    let need = need(family, anchors: all, bundle: pem(9, 1, 2), mounted: all)
    #expect(!need.needsBuild)
    #expect(need.added.isEmpty && need.removed.isEmpty)
  }

  @Test(arguments: families)
  func aStoreOfNobodyIsLeftAlone(_ family: Int) {
    #expect(!need(family, bundle: pem(9), bundleAge: 5, mounted: []).needsBuild)
    #expect(!need(family, bundle: nil, mounted: []).needsBuild)
  }

  @Test(arguments: families)
  func aNewCertificateIsAnAnchorAndNeedsABuild(_ family: Int) {
    let need = need(family, anchors: certificates(1), bundle: pem(9, 1), mounted: certificates(1, 2))
    #expect(need.added == certificates(2).map { $0.fingerprint })
    #expect(need.needsBuild && need.removed.isEmpty)
  }

  @Test(arguments: families)
  func anAnchorThatIsNotMountedIsStaleUnlessAMountFailed(_ family: Int) {
    let old = certificates(1, 2)
    let stale = need(family, anchors: old, bundle: pem(9, 1, 2), mounted: certificates(1))
    #expect(stale.removed == certificates(2).map { $0.fingerprint })
    #expect(stale.needsBuild)
    let kept = need(family, anchors: old, bundle: pem(9, 1, 2), mounted: certificates(1), isComplete: false)
    #expect(!kept.needsBuild)
  }

  @Test(arguments: families)
  func whatAnInterruptedStartWithdrewIsStillTakenOut(_ family: Int) {
    let kept = certificates(1)
    for isComplete in [true, false] {
      let need = need(
        family, anchors: kept, bundle: pem(9, 1, 2), isUnfinished: true, withdrawn: certificates(2),
        mounted: kept, isComplete: isComplete)
      #expect(need.removed == certificates(2).map { $0.fingerprint })
      #expect(need.needsBuild)
    }
    let again = need(
      family, anchors: kept, bundle: pem(9, 1, 2), isUnfinished: true, withdrawn: certificates(2),
      mounted: certificates(1, 2))
    #expect(again.removed.isEmpty && again.needsBuild)
  }

  @Test(arguments: families)
  func theBundleDecidesAndNotTheAnchors(_ family: Int) {
    let one = certificates(1)
    #expect(need(family, anchors: one, bundle: pem(9), mounted: one).needsBuild)
    #expect(need(family, anchors: one, bundle: nil, mounted: one).needsBuild)
    #expect(need(family, anchors: one, bundle: pem(9, 1), bundleAge: 1, mounted: one).needsBuild)
    #expect(need(family, bundle: pem(9), isUnfinished: true, mounted: []).needsBuild)
  }

  @Test
  func aCertificateThatTheBundleTrustsAnywayStillGetsItsAnchor() {
    let need = need(0, bundle: pem(1), mounted: certificates(1))
    #expect(need.changesAnchors)
    #expect(need.added.count == 1)
  }

  @Test func theNamesOfAllBundlesAreKnown() {
    for family in StoreFamily.all { #expect(StoreFamily.isBundleName(family.bundle.split.name)) }
    #expect(!StoreFamily.isBundleName(Path("ca.pem")))
  }

  @Test func everyFamilyHasANameByWhichClientsReachItsBundle() {
    for family in StoreFamily.all { #expect(family.clientPaths.contains { $0.isAbsolute }) }
  }

  private static let anchors = FileIdentity(device: 1, inode: 50)

  /// The same if the anchors directory is itself an input.
  private func need(
    _ family: StoreFamily, bundle: [UInt8], bundleAge: Int64 = 0, own: [Certificate] = [],
    inAnchors: [(certificate: Certificate, name: StaticString)], elsewhere: [Certificate] = [],
    isOfStore: Bool = false, builder: StoreSnapshot.Builder = .tool(limit: 960)
  ) -> StoreNeed {
    let all = sorted(inAnchors.map { $0.certificate } + elsewhere)
    var store = StoreSnapshot(family: family, builder: builder)
    store.anchors = own.map { family.anchorName($0.fingerprint) }
    store.anchorDirectories = [Self.anchors]
    (store.anchorsModified, store.bundleModified) = (100, 100 - bundleAge)
    store.trusted = CertificateIndex(all).trusted(in: bundle)
    let origins = all.map { certificate -> MountedCertificates.Origin in
      for one in inAnchors where one.certificate === certificate {
        return MountedCertificates.Origin(
          source: Path("/a").appending(Path(one.name)), directories: [Self.anchors])
      }
      return MountedCertificates.Origin(source: Path("/b/ca.pem"), directories: [], isOfStore: isOfStore)
    }
    return StoreNeed(
      store,
      MountedCertificates(
        certificates: all, isComplete: true, origins: origins,
        directories: inAnchors.isEmpty ? [] : [Self.anchors]))
  }

  @Test func aCertificateAmongTheAnchorsIsAnAnchorAndOnlyTheToolRuns() {
    let one = certificates(1)[0]
    let fresh = need(.debian, bundle: pem(9), inAnchors: [(one, "ca.crt")])
    #expect(fresh.needsBuild && !fresh.changesAnchors && fresh.ignored.isEmpty)
    #expect(fresh.added == [one.fingerprint])
    #expect(!need(.debian, bundle: pem(9, 1), inAnchors: [(one, "ca.crt")]).needsBuild)
  }

  @Test func anAnchorOfOursAmongInputsGoesWithItsCertificate() {
    let old = certificates(2)
    let need = need(.debian, bundle: pem(9, 1, 2), own: old, inAnchors: [(certificates(1)[0], "ca.crt")])
    #expect(need.removed == old.map { $0.fingerprint } && need.needsBuild)
  }

  @Test func anInputRemovedFromTheAnchorsIsRemovedFromTheBundle() {
    let one = (certificates(1)[0], "ca.crt" as StaticString)
    #expect(need(.debian, bundle: pem(9, 1, 2), bundleAge: 1, inAnchors: [one]).needsBuild)
  }

  @Test func aNameThatTheToolIgnoresIsReported() {
    let one = certificates(1)[0]
    let debian = need(.debian, bundle: pem(9), inAnchors: [(one, "ca.pem")])
    #expect(!debian.needsBuild && debian.ignored.map { $0.reason } == [.anchorName])
    #expect(debian.ignoredInBundle.count == 1)
    #expect(need(.redHat, bundle: pem(9), inAnchors: [(one, "ca.pem")]).ignored.isEmpty)
    // Natively the managed section contains it.
    #expect(need(.debian, bundle: pem(9), inAnchors: [(one, "ca.pem")], builder: .ourselves).ignored.isEmpty)
  }

  @Test func nothingIsWrittenIntoAnInput() {
    let need = need(
      .debian, bundle: pem(9), inAnchors: [(certificates(1)[0], "ca.crt")], elsewhere: certificates(2))
    #expect(!need.changesAnchors && need.needsBuild)
    #expect(need.ignored.map { $0.reason } == [.anchorsAreInput])
  }

  @Test func whatTheDistributionTrustsGetsNoAnchorWhereItIsTheInput() {
    let from = need(.debian, bundle: pem(1), inAnchors: [], elsewhere: certificates(1), isOfStore: true)
    #expect(!from.needsBuild && !from.changesAnchors)
    #expect(need(.debian, bundle: pem(1), inAnchors: [], elsewhere: certificates(1)).changesAnchors)
  }

  struct Ignored: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let certificate: MadeCertificate
    let blocklist: [MadeCertificate]
    let reason: Finding.Reason?

    init(
      _ name: String, _ certificate: MadeCertificate, _ reason: Finding.Reason?,
      blocklist: [MadeCertificate] = []
    ) {
      (testDescription, self.certificate, self.reason, self.blocklist) = (
        name, certificate, reason, blocklist
      )
    }
  }

  static let verdicts = [
    Ignored("a CA", MadeCertificate(serial: 1), nil),
    Ignored("not a CA", MadeCertificate(serial: 1, isAuthority: false), .notAuthority),
    Ignored("nothing said", MadeCertificate(serial: 1, isAuthority: nil), .notAuthority),
    Ignored("for servers", MadeCertificate(serial: 1, uses: [MadeCertificate.serverAuth]), nil),
    Ignored("for clients", MadeCertificate(serial: 1, uses: [MadeCertificate.clientAuth]), .otherUsage),
    Ignored(
      "for both", MadeCertificate(serial: 1, uses: [MadeCertificate.clientAuth, MadeCertificate.serverAuth]),
      nil),
    Ignored(
      "blocked itself", MadeCertificate(serial: 1), .blocked, blocklist: [MadeCertificate(serial: 1)]),
    Ignored(
      "its key blocked", MadeCertificate(serial: 1), .blocked,
      blocklist: [MadeCertificate(serial: 2, name: "Another")]),
    Ignored(
      "its name and number blocked", MadeCertificate(serial: 1), .blocked,
      blocklist: [MadeCertificate(serial: 1, key: 2)]),
    Ignored(
      "another blocked", MadeCertificate(serial: 1), nil,
      blocklist: [MadeCertificate(serial: 2, name: "Another", key: 2)]),
  ]

  @Test(arguments: verdicts, families)
  func whatATrustExtractWouldIgnoreIsKnownBeforehand(_ one: Ignored, _ family: Int) {
    let mounted = made([one.certificate])
    let reason = StoreFamily.all[family].isExtracted ? one.reason : nil
    let need = need(family, bundle: pem(9), blocklist: made(one.blocklist), mounted: mounted)
    #expect(need.ignored.map { $0.reason } == (reason.map { [$0] } ?? []))
    #expect(need.trusted.count == (reason == nil ? 1 : 0))
    // It asks for no build, in this start or a later one.
    #expect(need.needsBuild == (reason == nil))
  }

  @Test
  func onlyNamesOfOursAreOurs() {
    let digits = String(repeating: "0a", count: 32)
    for name in ["psm-entry-\(digits).pem", "psm-entry-\(digits).crt"] {
      #expect(fingerprint(ofAnchor: Path(bytes(name)))?.hex.utf8 == bytes(digits))
    }
    let foreign = [
      "psm-entry-.pem", "psm-entry-\(digits)", "psm-entry-\(digits).der",
      "psm-entry-\(digits.uppercased()).pem",
      "psm-entry-\(digits)0.pem", "xpsm-entry-\(digits).pem", "corp.pem", ".pem", "",
    ]
    for name in foreign { #expect(fingerprint(ofAnchor: Path(bytes(name))) == nil) }
  }

  @Test
  func anAnchorsNameEndsAsTheFamilysToolWantsIt() {
    let endings = StoreFamily.all.map {
      shown(Array($0.anchorName(certificates(1)[0].fingerprint).bytes.suffix(4)))
    }
    #expect(endings == [".pem", ".crt", ".pem", ".crt"])
  }
}
