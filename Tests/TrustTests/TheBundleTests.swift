import Certificates
import Testing
import Text

@testable import TestSupport
@testable import Trust

/// The file that variables name: the first bundle that is not empty, else the system store's, else a private one.
struct TheBundleTests {
  private static let store = StoreFamily.debian.bundle
  private static let first = Path("/conda/ssl/cacert.pem")
  private static let second = Path("/usr/local/lib/python3.11/site-packages/certifi/cacert.pem")
  private static let state = Path("/run/psm-entry")
  private static let readOnly = Replaceability.blocked(.readOnly(mountedAt: nil))

  private static func mounted(_ serials: [UInt8], isComplete: Bool = true) -> MountedCertificates {
    MountedCertificates(
      certificates: made(serials.map { MadeCertificate(serial: $0) }), isComplete: isComplete)
  }

  private static func section(_ serials: UInt8...) -> [UInt8] {
    ManagedSection.text(for: made(serials.map { MadeCertificate(serial: $0) }))
  }

  private static func bundle(
    _ path: Path, _ text: [UInt8], inode: UInt64, _ replaceability: Replaceability = .replaceable
  ) -> BundleSnapshot {
    BundleSnapshot(
      path: path,
      state: .read(
        BundleSnapshot.File(
          identity: FileIdentity(device: 1, inode: inode), contents: .text(text),
          replaceability: replaceability)))
  }

  /// A directory, which Docker creates if the mounted file is missing on the host.
  private static func unreadable(_ path: Path) -> BundleSnapshot {
    BundleSnapshot(path: path, state: .unreadable(.notRegular))
  }

  private static func missing(_ path: Path) -> BundleSnapshot {
    BundleSnapshot(path: path, isRequired: true, state: .missing)
  }

  private static func system(
    _ text: [UInt8]?, builder: StoreSnapshot.Builder = .ourselves, anchors: [UInt8] = [],
    _ replaceability: Replaceability = .replaceable, mounted serials: [UInt8] = [5]
  ) -> StoreSnapshot {
    var store = StoreSnapshot(family: .debian, builder: builder)
    store.anchors = made(anchors.map { MadeCertificate(serial: $0) }).map {
      store.family.anchorName($0.fingerprint)
    }
    (store.anchorsModified, store.bundleModified) = (1, 1)
    store.identity = text.map { _ in FileIdentity(device: 1, inode: 9) }
    store.text = text
    store.trusted = CertificateIndex(mounted(serials).certificates).trusted(in: text ?? [])
    store.replaceability = replaceability
    return store
  }

  struct Row: Sendable {
    let claim: String
    let bundles: [BundleSnapshot]
    let system: StoreSnapshot?
    var mounted = TheBundleTests.mounted([5])
    var states = [StateDirectorySnapshot(path: TheBundleTests.state)]
    let exported: Path?
    var isPrivate = false
    var kinds: [Finding.Kind] = []
    var levels: [Level] = []
  }

  private static let privatePath = state.appending(privateBundleName)

  static let rows: [Row] = [
    Row(
      claim: "the first that exists",
      bundles: [bundle(first, pem(1), inode: 1), bundle(second, pem(2), inode: 2)], system: system(pem(3)),
      exported: first),
    Row(
      claim: "a directory is passed over",
      bundles: [unreadable(first), bundle(second, pem(2), inode: 2)], system: system(pem(3)),
      exported: second, kinds: [.unreadable(.notRegular)], levels: [.error]),
    Row(
      claim: "one that only this user cannot read is not, since others may trust it",
      bundles: [
        BundleSnapshot(path: first, state: .unreadable(.system(Errno(rawValue: 13)))),
        bundle(second, pem(2), inode: 2),
      ], system: system(pem(3)),
      exported: nil, kinds: [.unreadable(.system(Errno(rawValue: 13)))], levels: [.error]),
    Row(
      claim: "the store's if there are only directories",
      bundles: [unreadable(first)], system: system(pem(3)),
      exported: store, kinds: [.unreadable(.notRegular)], levels: [.error]),
    Row(
      claim: "an empty one is passed over",
      bundles: [bundle(first, [], inode: 1), bundle(second, pem(2), inode: 2)], system: nil,
      exported: second, kinds: [.empty], levels: [.error]),
    Row(
      claim: "an empty one is passed over under each of its names",
      bundles: [
        bundle(first, [], inode: 1), bundle(Path("/other"), [], inode: 1), bundle(second, pem(2), inode: 2),
      ],
      system: nil, exported: second, kinds: [.empty, .sameFileLacks(substitute: nil)],
      levels: [.error, .error]),
    Row(
      claim: "one that contains something else is none of the kind, and nothing is named",
      bundles: [bundle(first, [10], inode: 1), bundle(second, pem(2), inode: 2)], system: system(pem(1)),
      exported: nil, kinds: [.noCertificates], levels: [.error]),
    Row(
      claim: "a missing one is passed over",
      bundles: [missing(first), bundle(second, pem(2), inode: 2)], system: nil, exported: second,
      kinds: [.missing], levels: [.error]),
    Row(claim: "without any, the system store's", bundles: [], system: system(pem(1)), exported: store),
    Row(
      claim: "also where the tool is to build it", bundles: [],
      system: system(pem(1), builder: .tool(limit: 9)),
      exported: store),
    Row(
      claim: "also where the tool has built none yet", bundles: [],
      system: system(nil, builder: .tool(limit: 9)), exported: store),
    Row(
      claim: "also where it is up to date already", bundles: [],
      system: system(pem(1) + section(5), anchors: [5], readOnly), exported: store),
    Row(
      claim: "and where the only bundle is empty", bundles: [bundle(first, [], inode: 1)],
      system: system(pem(1)), exported: store, kinds: [.empty], levels: [.error]),
    Row(
      claim: "a private one where the store cannot be replaced", bundles: [],
      system: system(pem(1), readOnly), exported: privatePath, isPrivate: true,
      kinds: [
        .storeBlocked(.readOnly(mountedAt: nil), stillTrusted: 0), .storeLacks(substitute: privatePath),
      ],
      levels: [.warning, .info]),
    Row(
      claim: "a private one where the tool must not run", bundles: [],
      system: system(pem(1), builder: .tool(limit: 9), readOnly), exported: privatePath, isPrivate: true,
      kinds: [
        .storeBlocked(.readOnly(mountedAt: nil), stillTrusted: 0), .storeLacks(substitute: privatePath),
      ],
      levels: [.warning, .info]),
    Row(
      claim: "a private one where the store is to be left alone", bundles: [],
      system: system(pem(1), builder: .nobody), exported: privatePath, isPrivate: true,
      kinds: [.storeLacks(substitute: privatePath)], levels: [.info]),
    Row(
      claim: "an error where no private one serves either", bundles: [], system: system(pem(1), readOnly),
      states: [], exported: nil,
      kinds: [.storeBlocked(.readOnly(mountedAt: nil), stillTrusted: 0), .storeLacks(substitute: nil)],
      levels: [.warning, .error]),
    Row(
      claim: "an error where the store has no certificate to begin with", bundles: [],
      system: system([], builder: .tool(limit: 9), readOnly), exported: nil,
      kinds: [.storeBlocked(.readOnly(mountedAt: nil), stillTrusted: 0), .storeLacks(substitute: nil)],
      levels: [.warning, .error]),
    Row(
      claim: "an error where there is neither a bundle nor a store", bundles: [], system: nil, exported: nil,
      kinds: [.noStore], levels: [.error]),
    Row(
      claim: "nothing where no certificate is wanted", bundles: [], system: nil, mounted: mounted([]),
      exported: nil),
    Row(
      claim: "nothing where no certificate is wanted of the store", bundles: [],
      system: system(pem(1), readOnly, mounted: []), mounted: mounted([]), exported: nil),
    Row(
      claim: "the store's as long as it trusts what could not be read again", bundles: [],
      system: system(pem(1) + section(5), anchors: [5], mounted: []), mounted: mounted([], isComplete: false),
      exported: store),
  ]

  @Test(arguments: rows)
  func oneFileIsNamed(row: Row) {
    let plan = plan(
      Snapshot(mounted: row.mounted, system: row.system, bundles: row.bundles, stateDirectories: row.states))
    #expect(plan.questions.isEmpty, "\(row.claim)")
    #expect(plan.exported == row.exported && plan.isPrivate == row.isPrivate, "\(row.claim)")
    #expect(plan.findings.map { $0.kind } == row.kinds, "\(row.claim)")
    #expect(plan.findings.map { $0.level } == row.levels, "\(row.claim)")
  }

  @Test func thePrivateBundleHoldsWhatTheStoreTrustedLessWhatWasAdded() {
    let system = Self.system(pem(1, 6), anchors: [6], Self.readOnly)
    let plan = plan(
      Snapshot(
        mounted: Self.mounted([5]), system: system,
        stateDirectories: [StateDirectorySnapshot(path: Self.state)]))
    #expect(plan.actions == [.writePrivate(in: Self.state, text: pem(1) + Self.section(5))])
    #expect(plan.findings.first?.kind == .storeBlocked(.readOnly(mountedAt: nil), stillTrusted: 1))
  }

  @Test func aVariableThatNamesTheUnwrittenStoreIsPointedToThePrivateBundle() {
    for builder in [StoreSnapshot.Builder.nobody, .ourselves] {
      let system = Self.system(pem(1), builder: builder, Self.readOnly)
      let variable = VariableSnapshot(
        name: Array("SSL_CERT_FILE".utf8), path: Self.store,
        state: .file(FileIdentity(device: 1, inode: 9), text: nil))
      let plan = plan(
        Snapshot(
          mounted: Self.mounted([5]), system: system, variables: [variable],
          stateDirectories: [StateDirectorySnapshot(path: Self.state)]))
      #expect(plan.redirected == [Array("SSL_CERT_FILE".utf8)])
    }
  }

  @Test func thePrivateBundleBesideAStoreIsRemovedOnceNothingIsMounted() {
    let system = Self.system(pem(1), Self.readOnly, mounted: [])
    let held = StateDirectorySnapshot(path: Self.state, text: pem(1) + Self.section(5))
    let plan = plan(Snapshot(mounted: Self.mounted([]), system: system, stateDirectories: [held]))
    #expect(plan.actions == [.removePrivate(in: Self.state)] && plan.exported == nil)
  }

  @Test func storesAreCountedOnceEachAndThoseThatTrustAll() {
    let bundles = [
      Self.bundle(Self.first, pem(1), inode: 1), Self.bundle(Self.second, pem(1), inode: 1),
      Self.bundle(Path("/other"), pem(2), inode: 2, Self.readOnly),
    ]
    let plan = plan(
      Snapshot(
        mounted: Self.mounted([5]), system: Self.system(pem(1)), bundles: bundles,
        stateDirectories: [StateDirectorySnapshot(path: Self.state)]))
    #expect(plan.storeCount == 3 && plan.trustingStoreCount == 2)
    let blocked = Self.system(pem(1), Self.readOnly)
    let other = Trust.plan(
      Snapshot(
        mounted: Self.mounted([5]), system: blocked,
        stateDirectories: [StateDirectorySnapshot(path: Self.state)]))
    #expect(other.storeCount == 2 && other.trustingStoreCount == 1)
  }
}
