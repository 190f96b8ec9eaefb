import Certificates
import Testing
import Text

@testable import TestSupport
@testable import Trust

/// The merged bundle of snapshots that are made here.
struct MergedBundleTests {
  private func mounted(_ serials: [UInt8], isComplete: Bool = true) -> MountedCertificates {
    MountedCertificates(
      certificates: made(serials.map { MadeCertificate(serial: $0) }), isComplete: isComplete)
  }

  private func section(_ serials: UInt8...) -> [UInt8] {
    ManagedSection.text(for: made(serials.map { MadeCertificate(serial: $0) }))
  }

  private func bundle(_ text: [UInt8], _ inode: UInt64 = 1) -> BundleSnapshot {
    let identity = FileIdentity(device: 1, inode: inode)
    return BundleSnapshot(
      path: Path("/b"), isRequired: true,
      state: .read(BundleSnapshot.File(identity: identity, contents: .text(text))))
  }

  private func unreadable(_ errno: Int32) -> BundleSnapshot {
    BundleSnapshot(path: Path("/u"), state: .unreadable(.system(Errno(rawValue: errno))))
  }

  private func store(_ text: [UInt8], anchors: [UInt8], inode: UInt64 = 9) -> StoreSnapshot {
    var store = StoreSnapshot(family: .debian, builder: .ourselves)
    store.anchors = made(anchors.map { MadeCertificate(serial: $0) }).map {
      store.family.anchorName($0.fingerprint)
    }
    store.identity = FileIdentity(device: 1, inode: inode)
    store.text = text
    return store
  }

  private func text(_ snapshot: Snapshot, former: [UInt8]? = nil) throws -> [UInt8] {
    try mergedBundle(snapshot, former: former).result.get().text
  }

  private func refusal(_ snapshot: Snapshot) -> MergedBundle.Refusal? {
    guard case .failure(let refusal) = mergedBundle(snapshot, former: nil).result else { return nil }
    return refusal
  }

  @Test func itHoldsEveryBaseOnceAndThenWhatIsMounted() throws {
    let snapshot = Snapshot(
      mounted: mounted([5, 1]), system: store(pem(3) + pem(6), anchors: [6]),
      bundles: [bundle(pem(1) + section(7)), bundle(pem(1) + pem(2), 2), bundle(pem(1) + section(7))])
    #expect(try text(snapshot) == pem(1) + pem(2) + pem(3) + section(5))
  }

  @Test func aBundleThatIsTheStoreLosesWhatWasBuiltOfOurAnchors() throws {
    let snapshot = Snapshot(
      mounted: mounted([5]), system: store(pem(3) + pem(6), anchors: [6], inode: 1),
      bundles: [bundle(pem(3) + pem(6))])
    #expect(try text(snapshot) == pem(3) + section(5))
  }

  @Test func withoutMountedCertificatesItIsTheBase() throws {
    #expect(try text(Snapshot(mounted: mounted([]), bundles: [bundle(pem(1) + section(7))])) == pem(1))
  }

  @Test func theFormerSectionStaysIfAnInputCannotBeRead() throws {
    let bundles = [bundle(pem(1))]
    let former = pem(9) + section(6)
    #expect(
      try text(Snapshot(mounted: mounted([5], isComplete: false), bundles: bundles), former: former) == pem(1)
        + section(5, 6))
    #expect(
      try text(Snapshot(mounted: mounted([5]), bundles: bundles), former: former) == pem(1) + section(5))
  }

  @Test func withoutABaseThereIsNone() {
    #expect(refusal(Snapshot(mounted: mounted([5]))) == .noBase)
    #expect(refusal(Snapshot(mounted: mounted([5]), bundles: [bundle(section(7))])) == .noBase)
    #expect(refusal(Snapshot(mounted: mounted([5]), bundles: [bundle([])])) == .noBase)
  }

  @Test func whatCannotBeReadMayBeTrustedByClientsUnlessTheyMayNotReadItEither() throws {
    let (failing, denied) = (unreadable(5), unreadable(13))
    #expect(refusal(Snapshot(mounted: mounted([5]), bundles: [bundle(pem(1)), failing])) == .baseUnknown)
    let snapshot = Snapshot(mounted: mounted([5]), bundles: [bundle(pem(1)), denied])
    #expect(try text(snapshot) == pem(1) + section(5))
    #expect(mergedBundle(snapshot, former: nil).findings.map { $0.level } == [.error])
  }
}
