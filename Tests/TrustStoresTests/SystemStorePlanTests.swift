import Certificates
import Linux
import Testing
import Text

@testable import TrustStores

struct SystemStorePlanTests {
  static let redHat = SystemStore(family: .redHat, tool: Path("/usr/bin/update-ca-trust"))
  static let debian = SystemStore(family: .debian, tool: Path("/usr/sbin/update-ca-certificates"))

  /// A store that is as it should be for `anchors`, and what is different from that.
  private func state(
    _ store: SystemStore, anchors: [Certificate], bundle: [UInt8]?, bundleAge: Int64 = 0,
    isUnfinished: Bool = false,
    blocklist: [Certificate] = []
  ) -> SystemStore.State {
    SystemStore.State(
      anchors: anchors.map { store.anchorName($0.fingerprint) }, anchorsModified: 100,
      bundle: bundle,
      bundleModified: bundle.map { _ in 100 - bundleAge },
      isUnfinished: isUnfinished, blocklist: blocklist)
  }

  private func wanted(_ certificates: [Certificate], keepsRemoved: Bool = false) -> Wanted {
    Wanted(certificates: certificates, keepsRemoved: keepsRemoved)
  }

  @Test(arguments: [redHat, debian])
  func aStoreThatIsAsWantedNeedsNothing(_ store: SystemStore) {
    let plan = store.plan(
      state(store, anchors: certificates(1, 2), bundle: pem(9, 1, 2)), wanted: wanted(certificates(1, 2)))
    #expect(!plan.needsChange)
    #expect(plan.added.isEmpty && plan.removed.isEmpty)
  }

  @Test(arguments: [redHat, debian])
  func aStoreOfNobodyIsLeftAlone(_ store: SystemStore) {
    let older = store.plan(state(store, anchors: [], bundle: pem(9), bundleAge: 5), wanted: wanted([]))
    #expect(!older.needsChange)
    let none = store.plan(state(store, anchors: [], bundle: nil), wanted: wanted([]))
    #expect(!none.needsChange)
  }

  @Test(arguments: [redHat, debian])
  func aNewCertificateIsAnAnchorAndNeedsABuild(_ store: SystemStore) {
    let plan = store.plan(
      state(store, anchors: certificates(1), bundle: pem(9, 1)), wanted: wanted(certificates(1, 2)))
    #expect(plan.missingAnchors.map { $0.der } == certificates(2).map { $0.der })
    #expect(plan.needsBuild && plan.staleAnchors.isEmpty)
    #expect(plan.added == certificates(2).map { $0.fingerprint })
  }

  @Test(arguments: [redHat, debian])
  func anUnwantedAnchorIsStaleUnlessAMountFailed(_ store: SystemStore) {
    let old = state(store, anchors: certificates(1, 2), bundle: pem(9, 1, 2))
    let plan = store.plan(old, wanted: wanted(certificates(1)))
    #expect(plan.staleAnchors == certificates(2).map { store.anchorName($0.fingerprint) })
    #expect(plan.needsBuild)
    #expect(plan.removed == certificates(2).map { $0.fingerprint.hex.utf8 })
    #expect(!store.plan(old, wanted: wanted(certificates(1), keepsRemoved: true)).needsChange)
  }

  @Test(arguments: [redHat, debian])
  func theBundleDecidesAndNotTheAnchors(_ store: SystemStore) {
    let anchored = certificates(1)
    #expect(store.plan(state(store, anchors: anchored, bundle: pem(9)), wanted: wanted(anchored)).needsBuild)
    #expect(store.plan(state(store, anchors: anchored, bundle: nil), wanted: wanted(anchored)).needsBuild)
    #expect(
      store.plan(state(store, anchors: anchored, bundle: pem(9, 1), bundleAge: 1), wanted: wanted(anchored))
        .needsBuild)
    #expect(
      store.plan(state(store, anchors: [], bundle: pem(9), isUnfinished: true), wanted: wanted([])).needsBuild
    )
  }

  @Test
  func aCertificateThatTheBundleHoldsAnywayStillGetsItsAnchor() {
    let plan = Self.redHat.plan(
      state(Self.redHat, anchors: [], bundle: pem(1)), wanted: wanted(certificates(1)))
    #expect(plan.missingAnchors.count == 1)
    #expect(plan.missingInBundle.isEmpty)
  }

  struct Distrusted: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let certificate: MadeCertificate
    let blocklist: [MadeCertificate]
    let reason: SystemStore.Plan.Distrust?

    init(
      _ name: String, _ certificate: MadeCertificate, _ reason: SystemStore.Plan.Distrust?,
      blocklist: [MadeCertificate] = []
    ) {
      (testDescription, self.certificate, self.reason, self.blocklist) = (
        name, certificate, reason, blocklist
      )
    }
  }

  static let verdicts = [
    Distrusted("a CA", MadeCertificate(serial: 1), nil),
    Distrusted("not a CA", MadeCertificate(serial: 1, isAuthority: false), .notAuthority),
    Distrusted("nothing said", MadeCertificate(serial: 1, isAuthority: nil), .notAuthority),
    Distrusted("for servers", MadeCertificate(serial: 1, uses: [MadeCertificate.serverAuth]), nil),
    Distrusted("for clients", MadeCertificate(serial: 1, uses: [MadeCertificate.clientAuth]), .otherUsage),
    Distrusted(
      "for both", MadeCertificate(serial: 1, uses: [MadeCertificate.clientAuth, MadeCertificate.serverAuth]),
      nil),
    Distrusted(
      "blocked itself", MadeCertificate(serial: 1), .blocked, blocklist: [MadeCertificate(serial: 1)]),
    Distrusted(
      "its key blocked", MadeCertificate(serial: 1), .blocked,
      blocklist: [MadeCertificate(serial: 2, name: "Another")]),
    Distrusted(
      "its name and number blocked", MadeCertificate(serial: 1), .blocked,
      blocklist: [MadeCertificate(serial: 1, key: 2)]),
    Distrusted(
      "another blocked", MadeCertificate(serial: 1), nil,
      blocklist: [MadeCertificate(serial: 2, name: "Another", key: 2)]),
  ]

  @Test(arguments: verdicts)
  func whatARedHatStoreWouldNotTrustIsKnownBeforehand(_ one: Distrusted) {
    let certificate = made([one.certificate])
    let plan = Self.redHat.plan(
      state(Self.redHat, anchors: [], bundle: pem(9), blocklist: made(one.blocklist)),
      wanted: wanted(certificate))
    #expect(plan.distrusted.map { $0.reason } == (one.reason.map { [$0] } ?? []))
    #expect(plan.wanted.count == (one.reason == nil ? 1 : 0))
    // It asks for no build, now or at any later start.
    #expect(plan.needsChange == (one.reason == nil))
  }

  @Test
  func aDebianStoreTrustsWhateverItIsGiven() {
    for one in Self.verdicts {
      let plan = Self.debian.plan(
        state(Self.debian, anchors: [], bundle: pem(9), blocklist: made(one.blocklist)),
        wanted: wanted(made([one.certificate])))
      #expect(plan.distrusted.isEmpty && plan.wanted.count == 1)
    }
  }

  @Test
  func onlyNamesOfOursAreOurs() {
    let digits = String(repeating: "0a", count: 32)
    for name in ["psm-entry-\(digits).pem", "psm-entry-\(digits).crt"] {
      #expect(
        Self.redHat.fingerprintDigits(inAnchorName: bytes(name)[...]).map { Array($0) } == bytes(digits))
    }
    let foreign = [
      "psm-entry-.pem", "psm-entry-\(digits)", "psm-entry-\(digits).der",
      "psm-entry-\(digits.uppercased()).pem",
      "psm-entry-\(digits)0.pem", "xpsm-entry-\(digits).pem", "corp.pem", ".pem", "",
    ]
    for name in foreign { #expect(Self.redHat.fingerprintDigits(inAnchorName: bytes(name)[...]) == nil) }
    #expect(Self.redHat.anchorName(certificates(1)[0].fingerprint).bytes.suffix(4) == bytes(".pem")[...])
    #expect(Self.debian.anchorName(certificates(1)[0].fingerprint).bytes.suffix(4) == bytes(".crt")[...])
  }
}
