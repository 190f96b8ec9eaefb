import CLinux
import Certificates
import Linux
import Testing
import Text

@testable import Stores
@testable import TestSupport
@testable import Trust

/// A root directory that is read, planned for and written: after one round there is nothing left to do.
struct StoresTests {
  static let conda = "conda/ssl/cacert.pem"
  static let certifi = "conda/lib/certifi/cacert.pem"
  static let store = "etc/ssl/certs/ca-certificates.crt"
  static let anchors = "usr/local/share/ca-certificates"
  static let state = "run/psm-entry"

  let temporary: TemporaryDirectory
  let root: Root

  init() throws {
    temporary = try TemporaryDirectory()
    root = try temporary.root
    try temporary.makeDirectory("run")
    try temporary.write(Self.conda, pem(1, 2))
    try temporary.write(Self.certifi, pem(1, 3))
  }

  private func reader(
    _ serials: [UInt8], bundles: [String] = [conda, certifi],
    builder: StoreSnapshot.Builder = .ourselves,
    user: Credentials.Effective = .current, variables: [String] = []
  ) -> SnapshotReader {
    func path(_ text: String) -> Path { Path(Array("/\(text)".utf8)) }
    let mounted = MountedCertificates(
      certificates: made(serials.map { MadeCertificate(serial: $0) }), isComplete: true)
    return SnapshotReader(
      root,
      SnapshotReader.Request(
        mounted: mounted, builder: builder,
        bundles: bundles.map { (path: path($0), isRequired: true) }, patternFailures: [],
        variables: variables.map { (name: bytes("SSL_CERT_FILE"), path: path($0), use: .replaces) },
        stateDirectories: [path(Self.state)], namesStateDirectories: true, user: user))
  }

  /// Reads the root and plans until no question is open.
  private func planned(_ reader: SnapshotReader) -> (plan: Plan, snapshot: Snapshot) {
    var reader = reader
    var snapshot = reader.read()
    return (answered(reader, &snapshot), snapshot)
  }

  private func answered(_ reader: SnapshotReader, _ snapshot: inout Snapshot) -> Plan {
    var plan = plan(snapshot)
    for _ in 0..<8 where !plan.questions.isEmpty {
      reader.answer(plan.questions, in: &snapshot)
      plan = Trust.plan(snapshot)
    }
    return plan
  }

  /// Carries out the plan once, and plans again with the results.
  private func apply(_ reader: SnapshotReader) -> (facts: [Fact], next: Plan) {
    var (plan, snapshot) = planned(reader)
    var applier = Applier(reader, deadline: Deadline(secondsFromNow: 5))
    let facts = applier.apply(plan, to: &snapshot)
    plan = answered(reader, &snapshot)
    return (facts, plan)
  }

  private func updated(_ facts: [Fact]) -> [String] {
    facts.map { "\($0.subject) \($0.kind)" }
  }

  private func identity(_ path: String) -> FileIdentity? {
    Root.system.metadata(of: temporary.at(path))?.identity
  }

  private func names(_ path: String) throws -> [String] {
    let directory = try Directory(temporary.at(path), in: .system)
    defer { directory.close() }
    return try directory.names().map { $0.shown.description }
  }

  private func section(_ serials: UInt8...) -> [UInt8] {
    ManagedSection.text(for: made(serials.map { MadeCertificate(serial: $0) }))
  }

  @Test func afterOneRoundNothingIsLeftToBeDone() throws {
    let (facts, next) = apply(reader([7]))
    #expect(
      facts.count == 2
        && facts.allSatisfy { $0.kind == .updated(.bundle, added: 1, removed: 0, isRepaired: false) })
    #expect(next.actions.isEmpty && next.changes.isEmpty && next.findings.isEmpty)
    // Neither the updated snapshot nor a new one leads to further actions.
    let again = planned(reader([7])).plan
    #expect(again.actions.isEmpty && again.exported == next.exported)
    #expect(try temporary.read(Self.conda) == pem(1, 2) + section(7))
    #expect(try temporary.read(Self.certifi) == pem(1, 3) + section(7))
    #expect(try names("conda/ssl") == ["cacert.pem"])
  }

  /// Two identical bundles, one of the same length, and one that has to be changed.
  @Test func aBundleThatStandsIsReadInPiecesAndItsTextOnRequest() throws {
    let names = [Self.conda, Self.certifi, "third.pem", "fourth.pem"]
    let texts = [pem(1, 2) + section(7), pem(1, 2) + section(7), pem(1, 3) + section(7), pem(1)]
    for (name, text) in zip(names, texts) { try temporary.write(name, text) }
    func contents(keepsTexts: Bool = false) -> [BundleSnapshot.Contents?] {
      var reader = reader([7], bundles: names)
      return reader.read(keepsTexts: keepsTexts).bundles.map { $0.file?.contents }
    }
    let standing = BundleSnapshot.Contents.standing(
      StandingBundle(size: texts[0].count, managedCount: 1, fault: nil))
    #expect(contents() == [standing, standing, standing, .text(texts[3])])
    #expect(contents(keepsTexts: true) == texts.map { .text($0) })
    let wanted = reader([7], bundles: names)
    var snapshot = planned(wanted).snapshot
    wanted.answer([.bundleTexts], in: &snapshot)
    #expect(snapshot.bundles.map { $0.file?.text } == texts)
    // Damage in the second bundle alone, and in both.
    var damaged = texts[0]
    damaged[40] = UInt8(ascii: "!")
    try temporary.write(Self.certifi, damaged)
    #expect(contents()[..<2] == [standing, .text(damaged)])
    try temporary.write(Self.conda, damaged)
    #expect(contents()[..<2] == [.text(damaged), .text(damaged)])
  }

  @Test func aPlanChangesNothing() throws {
    let before = try (identity(Self.conda), temporary.read(Self.conda))
    let plan = planned(reader([7])).plan
    #expect(plan.actions.count == 2)
    #expect(try (identity(Self.conda), temporary.read(Self.conda)) == before)
    #expect(try names("run").isEmpty && names("conda/ssl") == ["cacert.pem"])
  }

  @Test func aCertificateThatIsNoLongerMountedIsRemoved() throws {
    _ = apply(reader([7, 8]))
    let (facts, next) = apply(reader([8]))
    #expect(facts.allSatisfy { $0.kind == .updated(.bundle, added: 0, removed: 1, isRepaired: false) })
    #expect(next.actions.isEmpty)
    #expect(try temporary.read(Self.conda) == pem(1, 2) + section(8))
  }

  @Test func modeAndOwnerOfABundleAreKept() throws {
    try temporary.write(Self.conda, pem(1, 2), mode: 0o664)
    _ = apply(reader([7]))
    let metadata = try #require(Root.system.metadata(of: temporary.at(Self.conda)))
    #expect(metadata.mode == 0o664 && metadata.user == geteuid())
  }

  @Test func twoHardLinksStayOneFile() throws {
    let directory = try Directory(temporary.at("conda/ssl"), in: .system)
    defer { directory.close() }
    try temporary.makeDirectory("opt")
    let other = try Directory(temporary.at("opt"), in: .system)
    defer { other.close() }
    try directory.link(Path("cacert.pem"), to: Path("second.pem"), in: other)
    let (facts, next) = apply(reader([7], bundles: [Self.conda, "opt/second.pem"]))
    #expect(facts.count == 1 && next.actions.isEmpty)
    #expect(identity(Self.conda) == identity("opt/second.pem"))
    #expect(try temporary.read("opt/second.pem") == pem(1, 2) + section(7))
    #expect(try names("opt") == ["second.pem"])
  }

  @Test func aLinkStaysALinkAndItsFileIsWritten() throws {
    try temporary.link("etc/bundle.pem", to: "/\(Self.conda)")
    let (facts, next) = apply(reader([7], bundles: ["etc/bundle.pem", Self.conda]))
    #expect(facts.count == 1 && next.actions.isEmpty)
    let directory = try Directory(temporary.at("etc"), in: .system)
    defer { directory.close() }
    #expect(directory.metadata(of: Path("bundle.pem"))?.kind == .link)
    #expect(try temporary.read(Self.conda) == pem(1, 2) + section(7))
  }

  @Test func whatAKilledStartHasLeftIsRemoved() throws {
    let leftovers = [".psm-entry-new.cacert.pem.1", ".psm-entry-new.cacert.pem.psm-entry-damaged.2"]
    for name in leftovers { try temporary.write("conda/ssl/\(name)", bytes("half")) }
    try temporary.write("conda/ssl/.psm-entry-new.other.3", bytes("somebody's"))
    let (_, next) = apply(reader([7]))
    #expect(next.actions.isEmpty)
    #expect(try names("conda/ssl") == [".psm-entry-new.other.3", "cacert.pem"])
  }

  @Test func leftoversAloneAreReasonEnough() throws {
    _ = apply(reader([7]))
    try temporary.write("conda/ssl/.psm-entry-new.cacert.pem.1", bytes("half"))
    let before = identity(Self.conda)
    let (facts, next) = apply(reader([7]))
    #expect(facts.isEmpty && next.actions.isEmpty)
    #expect(try names("conda/ssl") == ["cacert.pem"])
    #expect(identity(Self.conda) == before)
  }

  @Test func aMalformedBundleIsRepairedAndItsOriginalKept() throws {
    let original = pem(1) + bytes("-----BEGIN CERTIFICATE-----\n") + pem(2)
    try temporary.write(Self.conda, original)
    let (facts, next) = apply(reader([7], bundles: [Self.conda]))
    #expect(facts.map { $0.kind } == [.updated(.bundle, added: 1, removed: 0, isRepaired: true)])
    #expect(next.actions.isEmpty)
    #expect(try temporary.read("\(Self.conda).psm-entry-damaged") == original)
    #expect(BundleContents(reading: try temporary.read(Self.conda)).damage == nil)
  }

  @Test func aBundleThatAnotherStartHasWrittenMeanwhileIsReadAgain() throws {
    let reader = reader([7], bundles: [Self.conda])
    var (plan, snapshot) = planned(reader)
    try temporary.write(Self.conda, pem(1, 2, 4))
    var applier = Applier(reader, deadline: Deadline(secondsFromNow: 5))
    #expect(applier.apply(plan, to: &snapshot).isEmpty)
    #expect(try temporary.read(Self.conda) == pem(1, 2, 4))
    plan = answered(reader, &snapshot)
    #expect(applier.apply(plan, to: &snapshot).count == 1)
    #expect(try temporary.read(Self.conda) == pem(1, 2, 4) + section(7))
  }

  @Test func aBundleThatHasVanishedIsNotCreatedAgain() throws {
    let reader = reader([7], bundles: [Self.conda])
    var (plan, snapshot) = planned(reader)
    let directory = try Directory(temporary.at("conda/ssl"), in: .system)
    defer { directory.close() }
    try directory.remove(Path("cacert.pem"))
    var applier = Applier(reader, deadline: Deadline(secondsFromNow: 5))
    #expect(applier.apply(plan, to: &snapshot).isEmpty)
    plan = answered(reader, &snapshot)
    _ = applier.apply(plan, to: &snapshot)
    #expect(try names("conda/ssl").isEmpty)
  }

  @Test func eachKindOfFailureToReadIsReported() throws {
    try temporary.makeFIFO("fifo.pem")
    try temporary.link("dead.pem", to: "nowhere")
    try temporary.link("loop.pem", to: "loop.pem")
    let (_, snapshot) = planned(
      reader([7], bundles: ["missing.pem", "dead.pem", "fifo.pem", "loop.pem", "conda"]))
    let states = snapshot.bundles.map { bundle in
      switch bundle.state {
      case .missing: "missing"
      case .unreadable(let reason): "\(reason)"
      case .read: "read"
      }
    }
    #expect(
      states == [
        "missing", "missing", "\(ReadError.notRegular)", "\(ReadError.system(.tooManyLinks))",
        "\(ReadError.notRegular)",
      ])
  }

  // MARK: The system store

  @Test func aStoreIsBuiltWithItsAnchorsAndTakenBack() throws {
    try temporary.write(Self.store, pem(1, 4))
    let reader = reader([7], bundles: [])
    let (facts, next) = apply(reader)
    #expect(facts.allSatisfy { $0.level == .info } && !facts.isEmpty, "\(updated(facts))")
    #expect(next.actions.isEmpty)
    let anchor = made([MadeCertificate(serial: 7)]).map {
      StoreFamily.debian.anchorName($0.fingerprint).shown.description
    }
    #expect(try names(Self.anchors) == anchor)
    #expect(try temporary.read("\(Self.anchors)/\(anchor[0])") == pem(7))
    #expect(try temporary.read(Self.store) == pem(1, 4) + section(7))
    let (_, last) = apply(self.reader([], bundles: []))
    #expect(last.actions.isEmpty)
    #expect(try names(Self.anchors).isEmpty)
    #expect(BundleContents(reading: try temporary.read(Self.store)).certificates.count == 2)
  }

  @Test func aStoreThatIsSwitchedOffStays() throws {
    try temporary.write(Self.store, pem(1, 4))
    let (_, next) = apply(reader([7], bundles: [Self.conda], builder: .nobody))
    #expect(next.actions.isEmpty)
    #expect(try temporary.read(Self.store) == pem(1, 4))
    #expect(Root.system.metadata(of: temporary.at(Self.anchors)) == nil)
  }

  @Test func anUnfinishedStoreIsFinished() throws {
    try temporary.write(Self.store, pem(1, 4))
    _ = apply(reader([7], bundles: []))
    try temporary.write("\(Self.anchors)/.psm-entry-new.x.1", bytes("half"))
    let (_, next) = apply(reader([7], bundles: []))
    #expect(next.actions.isEmpty)
    #expect(try names(Self.anchors).allSatisfy { $0.hasPrefix("psm-entry-") })
  }

  // MARK: The private bundle

  /// The plan for each bundle being a mount point.
  private func blocked(_ snapshot: inout Snapshot, _ reader: SnapshotReader) -> Plan {
    for index in snapshot.bundles.indices {
      guard case .read(var file) = snapshot.bundles[index].state else { continue }
      file.replaceability = .blocked(.mountPoint)
      snapshot.bundles[index].state = .read(file)
    }
    return answered(reader, &snapshot)
  }

  @Test func besideABundleThatCannotBeReplacedAPrivateOneIsWrittenOnce() throws {
    var reader = reader([7], bundles: [Self.conda])
    var snapshot = reader.read()
    let plan = blocked(&snapshot, reader)
    var applier = Applier(reader, deadline: Deadline(secondsFromNow: 5))
    let facts = applier.apply(plan, to: &snapshot)
    #expect(facts.map { $0.kind } == [.written(count: 3, mounted: 1)])
    #expect(plan.isPrivate && plan.exported == Path("/run/psm-entry/cacert.pem"))
    #expect(try temporary.read("\(Self.state)/cacert.pem") == pem(1, 2) + section(7))
    #expect(try temporary.read(Self.conda) == pem(1, 2))
    let metadata = try #require(Root.system.metadata(of: temporary.at("\(Self.state)/cacert.pem")))
    #expect(metadata.mode == 0o644)
    #expect(Root.system.metadata(of: temporary.at(Self.state))?.mode == 0o755)
    // Again with the results, and after reading again.
    #expect(answered(reader, &snapshot).actions.isEmpty)
    snapshot = reader.read()
    #expect(blocked(&snapshot, reader).actions.isEmpty)
  }

  @Test func aPrivateBundleThatIsNoLongerNeededIsRemoved() throws {
    var reader = reader([7], bundles: [Self.conda])
    var snapshot = reader.read()
    var applier = Applier(reader, deadline: Deadline(secondsFromNow: 5))
    _ = applier.apply(blocked(&snapshot, reader), to: &snapshot)
    reader = self.reader([], bundles: [Self.conda])
    snapshot = reader.read()
    applier = Applier(reader, deadline: Deadline(secondsFromNow: 5))
    let facts = applier.apply(blocked(&snapshot, reader), to: &snapshot)
    #expect(facts.map { $0.kind } == [.removed])
    #expect(try names(Self.state).isEmpty)
  }

  static let strangers: [String] = ["link", "file", "another user's"]

  @Test(arguments: strangers)
  func aStateDirectoryThatIsNotTheUsersIsRefused(kind: String) throws {
    var user = Credentials.Effective.current
    switch kind {
    case "link":
      try temporary.makeDirectory("tmp/theirs")
      try temporary.link(Self.state, to: "/tmp/theirs")
    case "file": try temporary.write(Self.state, [])
    default:
      try temporary.makeDirectory(Self.state)
      user = .other(user: geteuid() + 1, group: 0)
    }
    let reader = reader([7], bundles: [Self.conda], user: user)
    #expect(reader.readStateDirectory(Path("/run/psm-entry")).failure == .foreign)
    #expect(throws: StateDirectory.Failure.foreign) {
      try StateDirectory.open(Path("/run/psm-entry"), in: root, make: true, for: user.user)
    }
  }

  static let modes: [(mode: UInt32, isGuarded: Bool)] = [
    (0o755, true), (0o1777, true), (0o777, false), (0o775, false), (0o700, true),
  ]

  @Test(arguments: modes)
  func aDirectoryInWhichOthersMayReplaceNamesDoesNotGuardIt(mode: UInt32, isGuarded: Bool) throws {
    try temporary.makeDirectory("shared", mode: mode)
    let snapshot = reader([7]).readStateDirectory(Path("/shared/psm-entry"))
    #expect(snapshot.isGuarded == isGuarded)
    #expect(snapshot.failure == nil && snapshot.text == nil)
  }

  /// A start creates the directory, but not its parent.
  @Test func aStateDirectoryThatNoStartCanUseIsKnownBefore() throws {
    let reader = reader([7], bundles: [Self.conda])
    #expect(reader.readStateDirectory(Path("/gone/psm-entry")).failure == .system(.noSuchFile))
    #expect(throws: StateDirectory.Failure.system(.noSuchFile)) {
      try StateDirectory.open(Path("/gone/psm-entry"), in: root, make: true, for: geteuid())
    }
    try temporary.makeDirectory("\(Self.state)/cacert.pem")
    #expect(reader.readStateDirectory(Path("/run/psm-entry")).failure == .system(.isDirectory))
  }

  @Test func aPrivateBundleThatOthersMayWriteIsNotRead() throws {
    for (mode, isRead) in [(UInt32(0o644), true), (0o666, false), (0o600, false)] {
      try temporary.write("\(Self.state)/cacert.pem", pem(1), mode: mode)
      let text = reader([7]).readStateDirectory(Path("/run/psm-entry")).text
      #expect((text == pem(1)) == isRead && (text == nil) == !isRead, "mode \(mode)")
    }
  }
}
