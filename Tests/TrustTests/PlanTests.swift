import Certificates
import Testing
import Text

@testable import TestSupport
@testable import Trust

/// Plans for snapshots that are made here: no file system is used.
struct PlanTests {
  static let conda = Path("/conda/ssl/cacert.pem")
  static let certifi = Path("/conda/lib/python3.11/site-packages/certifi/cacert.pem")
  static let run = Path("/run/psm-entry")

  private func mounted(_ serials: [UInt8], isComplete: Bool = true) -> MountedCertificates {
    MountedCertificates(
      certificates: made(serials.map { MadeCertificate(serial: $0) }), isComplete: isComplete)
  }

  private func section(_ serials: UInt8...) -> [UInt8] {
    ManagedSection.text(for: made(serials.map { MadeCertificate(serial: $0) }))
  }

  private func bundle(
    _ text: [UInt8], at path: Path = conda, inode: UInt64 = 1,
    _ replaceability: Replaceability = .replaceable,
    hasLeftovers: Bool = false
  ) -> BundleSnapshot {
    let file = BundleSnapshot.File(
      identity: FileIdentity(device: 1, inode: inode), contents: .text(text), hasLeftovers: hasLeftovers,
      replaceability: replaceability)
    return BundleSnapshot(path: path, state: .read(file))
  }

  private func directory(
    _ path: Path = run, text: [UInt8]? = nil, failure: StateDirectorySnapshot.Failure? = nil
  ) -> StateDirectorySnapshot {
    StateDirectorySnapshot(path: path, failure: failure, text: text)
  }

  private func store(
    _ text: [UInt8], anchors: [UInt8] = [], mounted: MountedCertificates, inode: UInt64 = 9,
    _ replaceability: Replaceability = .replaceable, builder: StoreSnapshot.Builder = .ourselves
  ) -> StoreSnapshot {
    var store = StoreSnapshot(family: .debian, builder: builder)
    store.anchors = made(anchors.map { MadeCertificate(serial: $0) }).map {
      store.family.anchorName($0.fingerprint)
    }
    store.anchorsModified = 1
    store.bundleModified = 1
    store.identity = FileIdentity(device: 1, inode: inode)
    store.text = text
    store.trusted = CertificateIndex(mounted.certificates).trusted(in: text)
    store.replaceability = replaceability
    return store
  }

  private static let owner = Replaceability.blocked(.refused(.owner, Errno(rawValue: 1)))
  private static let readOnly = Replaceability.blocked(.readOnly(mountedAt: nil))

  private func levels(_ plan: Plan) -> [Level] { plan.findings.map { $0.level } }

  @Test
  func whatIsAsItShouldBeNeedsNothing() {
    let plan = plan(Snapshot(mounted: mounted([5]), bundles: [bundle(pem(1) + section(5), .unknown)]))
    #expect(plan.actions.isEmpty && plan.changes.isEmpty && plan.findings.isEmpty && plan.questions.isEmpty)
    #expect(plan.exported == Self.conda && !plan.isPrivate)
  }

  @Test
  func whatIsNotKnownIsAskedForAndNothingElse() {
    let plan = plan(Snapshot(mounted: mounted([5]), bundles: [bundle(pem(1), .unknown)]))
    #expect(plan.questions == [.replaceability(Self.conda)])
    #expect(plan.actions.isEmpty)
  }

  // The seventeen situations in which plan, check, env and a start once differed, except those that need a kernel (D: a
  // link of another user; T and U: settings and users), which are end-to-end tests.

  /// G: the directory is group-writable, and root owns the file.
  @Test
  func aBundleWhoseOwnerCannotBeKeptIsLeftAndAPrivateOneServes() {
    let plan = plan(
      Snapshot(mounted: mounted([5]), bundles: [bundle(pem(1), Self.owner)], stateDirectories: [directory()]))
    #expect(plan.actions == [.writePrivate(in: Self.run, text: pem(1) + section(5))])
    #expect(plan.isPrivate && plan.exported == Self.run.appending(privateBundleName))
    #expect(levels(plan) == [.info])
  }

  /// S: a bundle is a link to a system store that cannot be written.
  @Test
  func aBundleThatIsAStoreWhichCannotBeWrittenLacksTheCertificateAndItIsSaid() {
    let mounted = mounted([5])
    let plan = plan(
      Snapshot(
        mounted: mounted, system: store(pem(1), mounted: mounted, Self.readOnly),
        bundles: [bundle(pem(2), inode: 2), bundle(pem(1), at: Self.certifi, inode: 9)]))
    #expect(levels(plan) == [.warning, .error])
    #expect(plan.findings.last?.kind == .sameFileLacks(substitute: nil))
    #expect(plan.changes.map { $0.store } == [Self.conda])
  }

  /// S: the store's tool would not trust the certificate.
  @Test
  func aBundleThatIsAStoreWhichIgnoresTheCertificateLacksItAndItIsSaid() {
    let server = made([MadeCertificate(serial: 5, isAuthority: false)])
    let mounted = MountedCertificates(certificates: server, isComplete: true)
    var store = store(pem(1), mounted: mounted)
    store = StoreSnapshot(family: .redHat, builder: .ourselves)
    store.identity = FileIdentity(device: 1, inode: 9)
    store.text = pem(1)
    store.trusted = [false]
    let plan = plan(
      Snapshot(
        mounted: mounted, system: store,
        bundles: [bundle(pem(2), inode: 2), bundle(pem(1), at: Self.certifi, inode: 9)]))
    #expect(plan.findings.last?.kind == .sameFileLacks(substitute: nil))
  }

  /// P: one of two CAs is removed from a private bundle.
  @Test
  func aRemovalFromAPrivateBundleIsARemovalAndNoAddition() {
    let held = directory(text: pem(1) + section(5, 6))
    let plan = plan(
      Snapshot(mounted: mounted([5]), bundles: [bundle(pem(1), Self.owner)], stateDirectories: [held]))
    #expect(plan.changes.count == 1)
    #expect(plan.changes.first?.added == [])
    #expect(plan.changes.first?.removed == certificates(6).map { $0.fingerprint })
  }

  /// H: only half of a system store can be written.
  @Test
  func aStoreOfWhichOnlyHalfCanBeWrittenIsLeftAsAWhole() {
    let mounted = mounted([5])
    let plan = plan(Snapshot(mounted: mounted, system: store(pem(1), mounted: mounted, Self.readOnly)))
    #expect(plan.actions.isEmpty && plan.changes.isEmpty)
    #expect(
      plan.findings.map { $0.kind } == [
        .storeBlocked(.readOnly(mountedAt: nil), stillTrusted: 0), .storeLacks(substitute: nil),
      ])
  }

  /// W: a section contains a certificate twice, and nothing may be removed.
  @Test
  func aCertificateThatIsTwiceInASectionIsWrittenOnce() {
    let twice = pem(1) + ManagedSection.text(for: certificates(5) + certificates(5))
    let plan = plan(Snapshot(mounted: mounted([], isComplete: false), bundles: [bundle(twice)]))
    guard case .writeBundle(_, let merge)? = plan.actions.first else { return #expect(Bool(false)) }
    #expect(merge.text == pem(1) + section(5))
    #expect(merge.text.map { merge.isWhole($0) } == true)
  }

  /// X: the base has every mounted certificate, and the section has a stale CA.
  @Test
  func aStaleSectionThatCannotBeRemovedIsReasonForAPrivateBundle() {
    let plan = plan(
      Snapshot(
        mounted: mounted([1]), bundles: [bundle(pem(1) + section(5), Self.owner)],
        stateDirectories: [directory()]))
    #expect(plan.actions == [.writePrivate(in: Self.run, text: pem(1))])
    #expect(plan.isPrivate)
  }

  /// V: a CA variable names a store that this start completes.
  @Test
  func aVariableIsJudgedByWhatItsFileWillHold() {
    let mounted = mounted([5])
    let path = StoreFamily.debian.bundle
    let variable = VariableSnapshot(
      name: bytes("REQUESTS_CA_BUNDLE"), path: path,
      state: .file(FileIdentity(device: 1, inode: 9), text: nil))
    let right = plan(
      Snapshot(mounted: mounted, system: store(pem(1), mounted: mounted), variables: [variable]))
    #expect(right.findings.isEmpty)
    let blocked = plan(
      Snapshot(
        mounted: mounted, system: store(pem(1), mounted: mounted, Self.readOnly), variables: [variable]))
    #expect(
      blocked.findings.last?.kind
        == .variableLacks(path, subject: certificates(5)[0].subjectText, more: 0, isBundle: false))
  }

  @Test(arguments: [
    (VariableSnapshot.Use.replaces, true), (.replacesFileOrDirectory, true), (.replacesIfReadable, false),
    (.adds, false), (.addsDirectory, false),
  ])
  func onlyWhatReplacesAllTrustLeavesNothing(use: VariableSnapshot.Use, isOnlyTrust: Bool) {
    let variable = VariableSnapshot(
      name: bytes("X"), path: Path("/gone"), use: use, state: .unreadable(.system(Errno(rawValue: 2))))
    let plan = plan(
      Snapshot(mounted: mounted([5]), bundles: [bundle(pem(1) + section(5))], variables: [variable]))
    #expect(
      plan.findings.map { $0.kind } == [
        .variableUnreadable(Path("/gone"), .system(Errno(rawValue: 2)), isOnlyTrust: isOnlyTrust)
      ])
  }

  @Test func aBundleThatCannotBeWrittenAndTrustsWhatWasRemovedIsAWarning() {
    let plan = plan(
      Snapshot(
        mounted: mounted([5]), bundles: [bundle(pem(1) + section(5, 6), .blocked(.mountPoint))],
        stateDirectories: [directory()]))
    #expect(plan.isPrivate && levels(plan) == [.warning])
    let path = Self.run.appending(privateBundleName)
    #expect(
      plan.findings.map { $0.kind } == [
        .blocked(.mountPoint, substitute: path, onlyRemoves: false, stillTrusted: 1)
      ])
  }

  @Test
  func variablesThatNameOneFileAreOneFinding() {
    let mounted = mounted([5])
    func variable(_ name: String, _ text: [UInt8], _ use: VariableSnapshot.Use = .replaces)
      -> VariableSnapshot
    {
      VariableSnapshot(
        name: bytes(name), path: Path("/ca.pem"), use: use,
        state: .file(FileIdentity(device: 1, inode: 70), text: text))
    }
    let lacking = plan(
      Snapshot(
        mounted: mounted, bundles: [bundle(pem(1) + section(5))],
        variables: [variable("SSL_CERT_FILE", pem(1)), variable("PIP_CERT", pem(1))]))
    #expect(lacking.findings.map { shown($0.subject.utf8) } == ["SSL_CERT_FILE, PIP_CERT"])
    #expect(
      lacking.findings.map { $0.kind } == [
        .variableLacks(Path("/ca.pem"), subject: certificates(5)[0].subjectText, more: 0)
      ])
    let alone = plan(
      Snapshot(
        mounted: mounted, bundles: [bundle(pem(1) + section(5))],
        variables: [variable("SSL_CERT_FILE", pem(5)), variable("NODE_EXTRA_CA_CERTS", pem(5), .adds)]))
    #expect(alone.findings.map { $0.kind } == [.variableLacksPublic(Path("/ca.pem"))])
    #expect(alone.findings.map { shown($0.subject.utf8) } == ["SSL_CERT_FILE"])
  }

  @Test(arguments: [([5], true), ([1, 5], false), ([], true)] as [([UInt8], Bool)])
  func aDirectoryOfHashedNamesIsJudgedByWhatIsInIt(serials: [UInt8], isWrong: Bool) {
    let ders = SortedBytes(serials.flatMap { certificates($0) }.map { $0.der })
    let variable = VariableSnapshot(
      name: bytes("REQUESTS_CA_BUNDLE"), path: Path("/hashed"), use: .replacesFileOrDirectory,
      state: .directory(ders))
    let plan = plan(
      Snapshot(mounted: mounted([5]), bundles: [bundle(pem(1) + section(5))], variables: [variable]))
    #expect(plan.findings.isEmpty != isWrong)
  }

  @Test
  func anIntermediateWhoseIssuerIsNowhereIsAWarning() throws {
    let issued = made([MadeCertificate(serial: 7, name: "Issuing", issuer: "Root")])
    let root = made([MadeCertificate(serial: 8, name: "Root")])
    func findings(_ certificates: [Certificate], base: [UInt8]) -> [Finding] {
      plan(
        Snapshot(
          mounted: MountedCertificates(certificates: sorted(certificates), isComplete: true),
          bundles: [bundle(base)])
      ).findings
    }
    let alone = findings(issued, base: pem(1))
    #expect(alone.count == 1 && alone[0].level == .warning && alone[0].area == .input)
    #expect(
      alone[0].kind == .issuerMissing(issued[0].fingerprint, subject: "CN=Issuing", issuer: "CN=Root"))
    #expect(findings(issued + root, base: pem(1)).isEmpty)
    #expect(findings(issued, base: pem(1) + MadeCertificate(serial: 8, name: "Root").pem).isEmpty)
  }

  /// B: beside a bundle that cannot be replaced, no temporary file is created.
  @Test
  func nothingIsWrittenBesideABundleThatCannotBeReplaced() {
    let plan = plan(
      Snapshot(mounted: mounted([5]), bundles: [bundle(pem(1), .blocked(.mountPoint))], stateDirectories: []))
    #expect(plan.actions.isEmpty)
    #expect(plan.findings.map { $0.kind } == [.blocked(.mountPoint, substitute: nil, onlyRemoves: false)])
    #expect(levels(plan) == [.error])
  }

  /// I: two hard-linked bundles are both named.
  @Test
  func twoNamesOfOneFileAreOneChange() {
    let plan = plan(
      Snapshot(mounted: mounted([5]), bundles: [bundle(pem(1)), bundle(pem(1), at: Self.certifi)]))
    #expect(plan.changes.count == 1 && plan.actions.count == 1)
    guard case .writeBundle(let names, _)? = plan.actions.first else { return #expect(Bool(false)) }
    #expect(names == [Self.conda, Self.certifi])
  }

  /// A: nothing is mounted any more.
  @Test
  func thePrivateBundleOfACAThatIsGoneIsRemovedAndThatIsSaid() {
    let plan = plan(
      Snapshot(
        mounted: mounted([]), bundles: [bundle(pem(1))],
        stateDirectories: [directory(text: pem(1) + section(5))]))
    #expect(plan.actions == [.removePrivate(in: Self.run)])
    #expect(plan.changes.map { $0.removed } == [certificates(5).map { $0.fingerprint }])
    #expect(plan.exported == nil)
  }

  /// R: the first state directory is on a read-only mount.
  @Test
  func aStateDirectoryThatCannotBeWrittenIsPassedOver() {
    let other = Path("/dev/shm/psm-entry-0")
    let plan = plan(
      Snapshot(
        mounted: mounted([5]), bundles: [bundle(pem(1), Self.readOnly)],
        stateDirectories: [directory(failure: .system(Errno(rawValue: 30))), directory(other)]))
    #expect(plan.exported == other.appending(privateBundleName))
  }

  /// L: a leftover temporary file.
  @Test
  func aLeftoverIsAChange() {
    let plan = plan(
      Snapshot(mounted: mounted([5]), bundles: [bundle(pem(1) + section(5), hasLeftovers: true)]))
    #expect(plan.actions == [.removeLeftovers(Self.conda)])
    #expect(plan.changes == [StoreChange(store: Self.conda, kind: .bundle)])
  }

  /// C: the image's store was merged into when it was built, and cannot be written.
  @Test
  func aStoreThatStillTrustsWhatIsNoLongerMountedIsAnError() {
    let mounted = mounted([6])
    let built = store(pem(1, 5), anchors: [5], mounted: mounted, Self.readOnly)
    let plan = plan(
      Snapshot(
        mounted: mounted, system: built, bundles: [bundle(pem(1), Self.readOnly)],
        stateDirectories: [directory()]))
    #expect(plan.findings.first?.kind == .storeBlocked(.readOnly(mountedAt: nil), stillTrusted: 1))
    #expect(plan.findings.first?.level == .error)
    // What psm-entry added to it is not passed on.
    #expect(plan.actions == [.writePrivate(in: Self.run, text: pem(1) + section(6))])
  }

  /// K: the first state directory is too small, and the next one is used.
  @Test
  func aStateDirectoryThatHoldsThePrivateBundleAlreadyIsAsGoodAsTheFirst() {
    let other = Path("/dev/shm/psm-entry-0")
    let plan = plan(
      Snapshot(
        mounted: mounted([5]), bundles: [bundle(pem(1), Self.readOnly)],
        stateDirectories: [directory(), directory(other, text: pem(1) + section(5))]))
    #expect(plan.actions.isEmpty)
    #expect(plan.exported == other.appending(privateBundleName))
  }

  @Test
  func aPlanIsMadeAgainAfterTheKernelHasRefused() {
    var snapshot = Snapshot(
      mounted: mounted([5]), bundles: [bundle(pem(1))], stateDirectories: [directory()])
    #expect(plan(snapshot).exported == Self.conda)
    snapshot.bundles = [bundle(pem(1), .blocked(.refused(.rename, Errno(rawValue: 28))))]
    #expect(plan(snapshot).isPrivate)
    snapshot.stateDirectories = [directory(failure: .notWritten(.refused(.write, Errno(rawValue: 28))))]
    let last = plan(snapshot)
    #expect(last.exported == nil && last.actions.isEmpty && levels(last).contains(.error))
  }

  @Test
  func whatTheToolHasNotBuiltIsSaidAndItIsNotRunAgain() {
    let mounted = mounted([5])
    var store = store(pem(1), anchors: [5], mounted: mounted, builder: .tool(limit: 960))
    #expect(plan(Snapshot(mounted: mounted, system: store)).actions.count == 1)
    store.toolRun = StoreSnapshot.ToolRun(
      ending: .exited(0), missing: mounted.certificates, remaining: 0, isRebuilt: true, isUnreadable: false,
      isDamaged: false)
    let last = plan(Snapshot(mounted: mounted, system: store))
    #expect(last.actions.isEmpty)
    #expect(
      last.findings.map { $0.kind }
        == [
          .notBuilt(subject: certificates(5)[0].subjectText, more: 0, .exited(0)),
          .storeLacks(substitute: nil),
        ])
  }

  @Test
  func moreThanTheToolCanTakeInTimeIsWrittenNatively() {
    let mounted = mounted([5, 6])
    let store = store(pem(1), mounted: mounted, builder: .tool(limit: 1))
    let plan = plan(Snapshot(mounted: mounted, system: store))
    #expect(plan.findings.map { $0.kind } == [.tooMany(2)])
    guard case .writeBundle(let names, let merge)? = plan.actions.first else { return #expect(Bool(false)) }
    #expect(names == [StoreFamily.debian.bundle] && merge.text == pem(1) + section(5, 6))
  }

  /// Otherwise its removal would remove the distribution's own certificate.
  @Test
  func whatTheDistributionTrustsGetsNoAnchorOfOurs() {
    let mounted = mounted([1])
    #expect(plan(Snapshot(mounted: mounted, system: store(pem(1, 2), mounted: mounted))).actions.isEmpty)
    // What the tool built from one of psm-entry's anchors belongs to psm-entry.
    let none = self.mounted([])
    let last = plan(Snapshot(mounted: none, system: store(pem(1, 2), anchors: [1], mounted: none)))
    guard case .writeBundle(_, let merge)? = last.actions.first else { return #expect(Bool(false)) }
    #expect(merge.text == pem(2))
  }

  @Test
  func thePrivateBundleHoldsWhatEveryRedirectedClientTrusted() {
    let mounted = mounted([5])
    let plan = plan(
      Snapshot(
        mounted: mounted, system: store(pem(1, 4), mounted: mounted, Self.readOnly),
        bundles: [
          bundle(pem(1, 2), Self.readOnly), bundle(pem(3), at: Self.certifi, inode: 2, Self.readOnly),
        ], stateDirectories: [directory()]))
    #expect(plan.actions == [.writePrivate(in: Self.run, text: pem(1, 2, 3, 4) + section(5))])
  }
}
