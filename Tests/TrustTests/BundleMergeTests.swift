import Certificates
import Testing
import Text

@testable import TestSupport
@testable import Trust

struct BundleMergeTests {
  private func merge(_ text: [UInt8], _ wanted: [Certificate], keepsRemoved: Bool = false) -> BundleMerge {
    BundleMerge(of: text, mounted: MountedCertificates(certificates: wanted, isComplete: !keepsRemoved))
  }

  /// The text after a merge, whether or not it changed.
  private func merged(_ text: [UInt8], _ wanted: [Certificate], keepsRemoved: Bool = false) -> [UInt8] {
    merge(text, wanted, keepsRemoved: keepsRemoved).text ?? text
  }

  private func ders(in text: [UInt8]) -> [[UInt8]] {
    let contents = BundleContents(reading: text)
    return contents.certificates.map { Array(contents.der(of: $0)) }
  }

  @Test
  func theSectionFollowsTheUnchangedBase() {
    let base = bytes("# made by hand\r\n") + pem(1) + bytes("\n\n") + pem(2)
    let merge = merge(base, certificates(3, 4))
    #expect(merge.text == base + ManagedSection.text(for: certificates(3, 4)))
    #expect(merge.added == certificates(3, 4).map { $0.fingerprint })
    #expect(merge.removed.isEmpty && !merge.isRepair && merge.damage == nil)
    #expect(merge.managedCount == 2 && merge.count == 4)
  }

  @Test
  func theOrderOfWhatIsMountedDoesNotMatter() {
    #expect(merged(pem(1), certificates(5, 3, 4)) == merged(pem(1), certificates(4, 5, 3)))
  }

  @Test
  func aBaseWithoutALastNewlineGetsOneAndKeepsIt() {
    let base = Array(pem(1).dropLast())
    let after = merged(base, certificates(2))
    #expect(after == base + [newline] + ManagedSection.text(for: certificates(2)))
    #expect(merged(after, []) == base + [newline])
  }

  @Test
  func nothingWantedAndNoSectionIsNoChange() {
    for base in [[], Array(pem(1).dropLast()), pem(1), bytes("no certificate"), bytes("-----BEGIN X-----\n")]
    {
      #expect(merge(base, []).text == nil)
    }
  }

  @Test
  func whatTheBaseTrustsIsNotRepeated() {
    let merge = merge(pem(1, 2), certificates(1, 2))
    #expect(merge.text == nil)
    #expect(merge.trustsAllMounted)
    #expect(merged(pem(1, 2), certificates(2, 3)) == pem(1, 2) + ManagedSection.text(for: certificates(3)))
  }

  @Test
  func aVanishedCertificateLeavesTheBundle() {
    let before = merged(pem(1), certificates(2, 3))
    let merge = merge(before, certificates(3))
    #expect(merge.text == pem(1) + ManagedSection.text(for: certificates(3)))
    #expect(merge.removed == certificates(2).map { $0.fingerprint })
    #expect(merge.added.isEmpty)
  }

  @Test
  func aFailedMountRevokesNothing() {
    let before = merged(pem(1), certificates(2, 3))
    #expect(merge(before, [], keepsRemoved: true).text == nil)
    #expect(
      merged(before, certificates(4), keepsRemoved: true)
        == pem(1) + ManagedSection.text(for: certificates(2, 3, 4)))
  }

  @Test
  func whatWasAppendedBecomesBase() {
    let before = merged(pem(1), certificates(2)) + pem(7)
    let merge = merge(before, certificates(2))
    #expect(merge.text == pem(1, 7) + ManagedSection.text(for: certificates(2)))
    #expect(merge.added.isEmpty && merge.removed.isEmpty)
  }

  @Test
  func aWantedCertificateThatWasAppendedIsBaseFromThenOn() {
    let before = merged(pem(1), certificates(2)) + pem(2)
    #expect(merged(before, certificates(2)) == pem(1, 2))
  }

  @Test
  func aSectionOfCertificatesInAnotherFormIsRewritten() {
    let section = ManagedSection.text(for: certificates(2))
    let withCRLF = section.flatMap { $0 == newline ? bytes("\r\n") : [$0] }
    let merge = merge(pem(1) + withCRLF, certificates(2))
    #expect(merge.text == pem(1) + section)
    #expect(merge.added.isEmpty && merge.removed.isEmpty)
  }

  @Test(arguments: ["", "no certificate here\n", "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n"])
  func aBaseWithoutACertificateIsLeftAlone(_ base: String) {
    let merge = merge(bytes(base), certificates(1))
    #expect(merge.refusal == (base.isEmpty ? .empty : .noCertificates))
    #expect(merge.text == nil)
    #expect(!merge.isRepair && !merge.trustsAllMounted)
  }

  @Test
  func aSectionAloneIsNoBase() {
    let section = ManagedSection.text(for: certificates(1))
    #expect(merge(section, certificates(1)).refusal == .empty)
    #expect(merge(section, certificates(1)).text == nil)
    #expect(merge(section, []).text == [])
  }

  @Test
  func joinedLinesAreParted() {
    let joined = Array(pem(1).dropLast()) + pem(2)
    let merge = merge(joined, certificates(3))
    #expect(merge.isRepair && merge.damage?.line != nil)
    #expect(merge.text == pem(1, 2) + ManagedSection.text(for: certificates(3)))
  }

  @Test
  func aRepairKeepsWhatIsGoodAndTrusted() {
    let broken = bytes("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n")
    let unended = bytes("-----BEGIN CERTIFICATE-----\nMIIB\n")
    for base in [broken + pem(1, 2), pem(1) + broken + pem(2), pem(1, 2) + unended] {
      let merge = merge(base, certificates(2, 3))
      #expect(merge.isRepair)
      #expect(merge.text == pem(1, 2) + ManagedSection.text(for: certificates(3)))
    }
  }

  @Test
  func damageBehindTheSectionIsDamageOfTheBase() {
    let before = merged(pem(1), certificates(2)) + bytes("-----BEGIN CERTIFICATE-----\nAA")
    let merge = merge(before, certificates(2))
    #expect(merge.isRepair)
    #expect(merge.text == pem(1) + ManagedSection.text(for: certificates(2)))
  }

  @Test
  func aDamagedBaseIsNotTouchedWhereNothingIsWanted() {
    let joined = Array(pem(1).dropLast()) + pem(2)
    #expect(merge(joined, []).text == nil)
    let withSection = joined + ManagedSection.text(for: certificates(3))
    #expect(merge(withSection, []).text == joined)
  }

  @Test
  func theCheckRefusesWhatLacksACertificateOrIsDamaged() {
    let merge = merge(pem(1, 2), certificates(3))
    let whole = merge.text ?? []
    #expect(merge.isWhole(whole))
    #expect(!merge.isWhole([]))
    #expect(!merge.isWhole(pem(1, 2)))
    #expect(!merge.isWhole(pem(1) + ManagedSection.text(for: certificates(3))))
    #expect(!merge.isWhole(Array(whole.dropLast(60))))
    #expect(!merge.isWhole(pem(1, 2) + ManagedSection.text(for: certificates(4))))
  }

  @Test
  func thePrivateTextIsCanonical() {
    let base = bytes("# comment\n") + Array(pem(1).dropLast()) + pem(2)
    #expect(merge(base, certificates(3)).privateText == pem(1, 2) + ManagedSection.text(for: certificates(3)))
  }

  @Test
  func ofTwoSectionsTheEarlierIsBase() {
    let two = pem(1) + ManagedSection.text(for: certificates(2)) + ManagedSection.text(for: certificates(3))
    let merge = merge(two, certificates(4))
    #expect(merge.hasStrayMarks)
    #expect(
      merge.text == pem(1) + ManagedSection.text(for: certificates(2))
        + ManagedSection.text(for: certificates(4)))
  }

  @Test
  func ofTwoSectionsNoneIsLeftForTheNextStartToTakeAway() {
    let two =
      pem(1) + ManagedSection.text(for: certificates(2, 3)) + ManagedSection.text(for: certificates(3))
    #expect(merged(two, []) == pem(1))
    #expect(merged(two, certificates(3)) == pem(1) + ManagedSection.text(for: certificates(3)))
  }

  // MARK: Properties, over texts made of what a bundle may contain and what it should not

  private static let parts: [[UInt8]] = [
    pem(1), pem(2), pem(3), Array(pem(4).dropLast()), bytes("\n"), bytes("# comment\n"), bytes("\r\n"),
    [0xEF, 0xBB, 0xBF],
    bytes(ManagedSectionTests.opening), bytes(ManagedSectionTests.closing),
    bytes(ManagedSectionTests.section),
    bytes("-----BEGIN CERTIFICATE-----\n"), bytes("-----END CERTIFICATE-----\n"),
    bytes("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"), bytes("MIIB"), [0],
    bytes("-----"),
    ManagedSection.text(for: certificates(5, 6)),
  ]

  static func randomTexts(_ count: Int) -> [[UInt8]] {
    var numbers = SeededNumbers()
    return (0..<count).map { _ in
      var text = (0..<Int.random(in: 0...7, using: &numbers)).flatMap { _ in
        parts.randomElement(using: &numbers) ?? []
      }
      if !text.isEmpty && Int.random(in: 0..<4, using: &numbers) == 0 {
        text[Int.random(in: text.indices, using: &numbers)] = UInt8.random(in: 0...255, using: &numbers)
      }
      return text
    }
  }

  static let wantedSets = [[], certificates(2), certificates(5), certificates(2, 5, 7)]

  @Test
  func mergingTwiceIsMergingOnce() {
    for base in Self.randomTexts(800) {
      for wanted in Self.wantedSets {
        let once = merged(base, wanted)
        #expect(merge(once, wanted).text == nil, "\(shown(base))")
      }
    }
  }

  @Test
  func theEmptySetRestoresTheBaseExceptForANewline() {
    for base in Self.randomTexts(800) {
      let location = ManagedSection.locate(in: base)
      var original = base
      if let range = location.range { original.removeSubrange(range) }
      // Without the last section an earlier one may come to light; it belongs to the base.
      if ManagedSection.locate(in: original).range != nil { continue }
      if BundleContents(reading: original).damage != nil { continue }
      for wanted in Self.wantedSets where !wanted.isEmpty {
        let after = merge(base, wanted)
        guard let written = after.text else { continue }
        let restored = merged(written, [])
        #expect(restored == original || restored == original + [newline], "\(shown(base))")
      }
    }
  }

  @Test
  func noTextLosesACertificateOrBecomesUnreadable() {
    for base in Self.randomTexts(800) {
      for wanted in Self.wantedSets where !wanted.isEmpty {
        let merge = merge(base, wanted)
        guard let written = merge.text else {
          // It is left unchanged only if everything is in order or nothing can be done.
          #expect(merge.trustsAllMounted || merge.refusal != nil)
          continue
        }
        let contents = BundleContents(reading: written)
        #expect(contents.damage == nil, "\(shown(base))")
        #expect(merge.isWhole(written))
        #expect(!CertificateIndex(wanted).trusted(by: contents).contains(false))
        // Of two sections the earlier belongs to the base, unless it is left as the last one.
        var before = base
        var sections = 0
        while let range = ManagedSection.locate(in: before).range {
          before.removeSubrange(range)
          sections += 1
        }
        let after = ders(in: written)
        #expect(ders(in: before).allSatisfy { after.contains($0) })
        if !merge.isRepair && sections < 2 { #expect(written.starts(with: before)) }
      }
    }
  }
}
