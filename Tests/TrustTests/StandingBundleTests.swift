import Certificates
import Testing
import Text

@testable import TestSupport
@testable import Trust

struct StandingBundleTests {
  /// - Parameters:
  ///   - sizes: the sizes of the pieces, used in turn.
  ///   - known: another bundle, which is up to date.
  private func state(
    _ text: [UInt8], _ mounted: MountedCertificates, sizes: [Int] = [Int.max], beside known: [UInt8]? = nil
  ) -> StandingBundleReader.State {
    var reader = StandingBundleReader(
      mounted, CertificateIndex(mounted.certificates), beside: known.map { bundle($0, mounted) })
    var (given, piece) = (0, 0)
    func append(_ bytes: inout [UInt8], _ room: Int) -> Bool {
      let count = min(room, sizes[piece % sizes.count], text.count - given)
      bytes += text[given..<(given + count)]
      given += count
      piece += 1
      return given == text.count
    }
    while reader.read(append) {}
    return reader.state
  }

  /// A bundle that was read before another one.
  /// - Parameter counted: is called whenever a part of it is read.
  private func bundle(
    _ text: [UInt8], _ mounted: MountedCertificates, counted: @escaping () -> Void = {}
  ) -> KnownBundle {
    var reader = StandingBundleReader(mounted, CertificateIndex(mounted.certificates))
    var given = 0
    while reader.read({ bytes, room in
      let count = min(room, text.count - given)
      bytes += text[given..<(given + count)]
      given += count
      return given == text.count
    }) {}
    return KnownBundle(reader.blocks) {
      counted()
      return Array(text[$0..<min($0 + $1, text.count)])
    }
  }

  private func mounted(_ certificates: [Certificate], isComplete: Bool = true) -> MountedCertificates {
    MountedCertificates(certificates: certificates, isComplete: isComplete)
  }

  struct Row: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: [UInt8]
    let wanted: [Certificate]
    /// The number of certificates in the section; nil if the whole text has to be read.
    let managed: Int?
    var isComplete = true
  }

  private static func section(_ serials: UInt8...) -> [UInt8] {
    ManagedSection.text(for: made(serials.map { MadeCertificate(serial: $0) }))
  }

  private static let rows = [
    Row(testDescription: "nothing is wanted", text: pem(1), wanted: [], managed: 0),
    Row(testDescription: "the base trusts it", text: pem(1, 2), wanted: certificates(2), managed: 0),
    Row(
      testDescription: "the section holds it", text: pem(1) + section(5), wanted: certificates(5), managed: 1),
    Row(
      testDescription: "the base trusts one and the section holds the other", text: pem(1, 2) + section(5),
      wanted: certificates(2, 5), managed: 1),
    Row(testDescription: "it is missing", text: pem(1), wanted: certificates(5), managed: nil),
    Row(
      testDescription: "one of two is missing", text: pem(1) + section(5), wanted: certificates(5, 6),
      managed: nil),
    Row(testDescription: "one too many", text: pem(1) + section(5, 6), wanted: certificates(5), managed: nil),
    Row(testDescription: "the section goes", text: pem(1) + section(5), wanted: [], managed: nil),
    Row(
      testDescription: "in the base as well", text: pem(1, 5) + section(5), wanted: certificates(5),
      managed: nil),
    Row(testDescription: "no base", text: section(5), wanted: certificates(5), managed: nil),
    Row(testDescription: "nothing", text: [], wanted: [], managed: nil),
    Row(
      testDescription: "more behind it", text: pem(1) + section(5) + pem(2), wanted: certificates(5),
      managed: nil),
    Row(
      testDescription: "a newline behind it", text: pem(1) + section(5) + [newline], wanted: certificates(5),
      managed: nil),
    Row(
      testDescription: "two sections", text: pem(1) + section(6) + section(5), wanted: certificates(5),
      managed: nil),
    Row(
      testDescription: "cut in the closing mark", text: pem(1) + section(5).dropLast(9),
      wanted: certificates(5),
      managed: nil),
    Row(
      testDescription: "cut behind a certificate", text: pem(1) + section(5).dropLast(41),
      wanted: certificates(5),
      managed: nil),
    Row(
      testDescription: "not all could be read", text: pem(1) + section(5), wanted: certificates(5),
      managed: nil,
      isComplete: false),
    Row(
      testDescription: "many", text: pem(1) + ManagedSection.text(for: many), wanted: many,
      managed: many.count),
  ]

  /// More than fits one piece.
  private static let many = made((2..<82).map { MadeCertificate(serial: $0) })

  @Test(arguments: rows)
  func aBundleStandsOrHasToBeReadAsAWhole(_ row: Row) {
    let mounted = mounted(row.wanted, isComplete: row.isComplete)
    let expected = row.managed.map {
      StandingBundleReader.State.standing(StandingBundle(size: row.text.count, managedCount: $0, fault: nil))
    }
    #expect(state(row.text, mounted) == expected ?? .unknown)
    #expect(state(row.text, mounted, sizes: [row.text.count > 9000 ? 997 : 1]) == expected ?? .unknown)
  }

  /// A bundle that stands is one that `BundleMerge` leaves unchanged, in whatever pieces it is read; and every bundle
  /// that `BundleMerge` writes stands.
  @Test func itIsWhatTheMergeOfTheWholeTextSays() {
    var numbers = SeededNumbers()
    var standing = 0
    for base in BundleMergeTests.randomTexts(150) {
      for wanted in BundleMergeTests.wantedSets {
        let mounted = mounted(wanted)
        let merged = BundleMerge(of: base, mounted: mounted).text ?? base
        var mutant = merged
        if !mutant.isEmpty {
          mutant[Int.random(in: mutant.indices, using: &numbers)] = UInt8.random(in: 0...255, using: &numbers)
        }
        for text in [base, merged, mutant] {
          let whole = state(text, mounted)
          let sizes = (0..<4).map { _ in Int.random(in: 1...900, using: &numbers) }
          #expect(state(text, mounted, sizes: sizes) == whole, "\(shown(text))")
          guard case .standing(let bundle) = whole else { continue }
          standing += 1
          let merge = BundleMerge(of: text, mounted: mounted)
          #expect(merge.text == nil && merge.trustsAllMounted && !merge.hasStrayMarks, "\(shown(text))")
          #expect(merge.damage == nil && merge.refusal == nil && merge.untrustedNow.isEmpty)
          #expect(bundle.managedCount == merge.managedCount && bundle.size == text.count)
          #expect(bundle.fault?.line == merge.fault?.line && bundle.fault?.reason == merge.fault?.reason)
        }
      }
    }
    #expect(standing > 100)
  }

  /// A change of any byte makes the reader ask for the whole text, except in a comment, or where it makes another
  /// certificate.
  @Test func eachByteIsLookedAt() {
    let text = bytes("# base\n") + pem(1, 2) + Self.section(5)
    let mounted = mounted(certificates(5))
    for place in text.indices {
      var mutant = text
      mutant[place] ^= 1
      guard case .standing = state(mutant, mounted) else { continue }
      let merge = BundleMerge(of: mutant, mounted: mounted)
      #expect(merge.text == nil && merge.damage == nil && merge.trustsAllMounted, "byte \(place)")
      #expect(place < text.count - Self.section(5).count, "byte \(place) is the section's")
    }
  }

  /// They are longer than the mounted certificates.
  private static let publicRoots = (1...3).map {
    MadeCertificate(serial: $0, name: "Public Root " + String(repeating: "x", count: 50)).pem
  }

  /// If a certificate has a fault, the whole text may be read to find its line.
  private func isTheSame(
    _ beside: StandingBundleReader.State, _ alone: StandingBundleReader.State
  ) -> Bool {
    if case .standing(let bundle) = alone, bundle.fault != nil, beside == .unknown { return true }
    return beside == alone
  }

  /// The result is the same whatever bundle was read before.
  @Test func besideAnotherBundleItIsTheSame() {
    var numbers = SeededNumbers()
    let texts = BundleMergeTests.randomTexts(60)
    var standing = 0
    for wanted in BundleMergeTests.wantedSets {
      let mounted = mounted(wanted)
      let merged = texts.map { BundleMerge(of: $0, mounted: mounted).text ?? $0 }
      let roots = Self.publicRoots.flatMap { $0 }
      let known = (merged + merged.map { roots + $0 }).filter {
        guard case .standing(let bundle) = state($0, mounted) else { return false }
        return bundle.fault == nil
      }
      for text in merged + merged.map({ roots + $0 }) where !text.isEmpty {
        guard let other = known.randomElement(using: &numbers) else { continue }
        var mutant = other
        mutant[Int.random(in: mutant.indices, using: &numbers)] ^= 1
        for one in [text, mutant, other + text, text + other, other] {
          let alone = state(one, mounted)
          let sizes = [Int.max, Int.random(in: 1...900, using: &numbers)]
          for size in sizes {
            let beside = state(one, mounted, sizes: [size], beside: other)
            #expect(isTheSame(beside, alone), "\(shown(one)) beside \(shown(other))")
          }
          if case .standing = alone { standing += 1 }
        }
      }
    }
    #expect(standing > 100)
  }

  /// Every changed byte is noticed, and so is a mounted certificate.
  @Test func eachByteIsLookedAtBesideAnotherBundle() {
    let roots = Self.publicRoots
    let text = bytes("# base\n") + roots.flatMap { $0 } + Self.section(5)
    let mounted = mounted(certificates(5))
    for place in text.indices {
      var mutant = text
      mutant[place] ^= 1
      let (beside, alone) = (state(mutant, mounted, beside: text), state(mutant, mounted))
      #expect(isTheSame(beside, alone), "byte \(place)")
    }
    for order in [[0, 2], [2, 0], [1, 1, 0]] {
      let other = order.flatMap { roots[$0] } + Self.section(5)
      #expect(state(other, mounted, beside: text) == state(other, mounted))
    }
    // The known bundle contains it in its section, this one in its base.
    let base = roots[0] + pem(5)
    #expect(state(base, mounted, beside: text) == state(base, mounted))
    #expect(state(base, mounted) != .unknown)
  }

  /// The known bundle is read in pieces, and only if one of its blocks may be repeated.
  @Test(arguments: [([0, 1, 2], 1), ([2, 1, 0], 3), ([], 0)])
  func whatIsRepeatedIsCompared(_ order: [Int], _ expected: Int) {
    let mounted = mounted(certificates(5))
    let known = Self.publicRoots.flatMap { $0 } + Self.section(5)
    let text = order.flatMap { Self.publicRoots[$0] } + pem(1) + Self.section(5)
    var reads = 0
    var reader = StandingBundleReader(
      mounted, CertificateIndex(mounted.certificates), beside: bundle(known, mounted) { reads += 1 })
    _ = reader.read { bytes, _ in
      bytes += text
      return true
    }
    #expect(reader.state == state(text, mounted))
    #expect(reads == expected)
  }

  @Test func theEndingTellsWhetherThereMayBeASection() {
    func mayEnd(_ text: [UInt8]) -> Bool {
      ManagedSection.mayEnd(with: Array(text.suffix(ManagedSection.endingSize)))
    }
    #expect(mayEnd(pem(1) + Self.section(5)) && mayEnd(Self.section(5)))
    #expect(
      !mayEnd(pem(1)) && !mayEnd([]) && !mayEnd(Self.section(5).dropLast()) && !mayEnd(Self.section(5) + [10])
    )
  }

  /// A plan of bundles read in pieces equals the plan of their texts.
  @Test func aPlanIsTheSameAsOfTheTexts() {
    let serverless = MadeCertificate(serial: 9, name: "Issuing", issuer: "Root")
    let variable = VariableSnapshot(
      name: bytes("SSL_CERT_FILE"), path: Path("/other"),
      state: .file(FileIdentity(device: 1, inode: 99), text: pem(7)))
    for wanted in [[], certificates(5), certificates(2, 5), made([serverless])] {
      for texts in [
        [pem(1), pem(1)], [pem(1, 2), pem(3)], [pem(1), []], [pem(1), pem(5).dropLast(40) + pem(2)],
      ] {
        for isBlocked in [false, true] {
          let mounted = mounted(wanted)
          let merged = texts.map { BundleMerge(of: $0, mounted: mounted).text ?? $0 }
          // The last one has to be changed.
          let known = [merged[0], merged[1], texts[1]]
          func snapshot(inPieces: Bool) -> Snapshot {
            let bundles = known.enumerated().map { number, text in
              var contents = BundleSnapshot.Contents.text(text)
              if inPieces, case .standing(let bundle) = state(text, mounted) { contents = .standing(bundle) }
              return BundleSnapshot(
                path: Path(bytes("/b\(number)")),
                state: .read(
                  BundleSnapshot.File(
                    identity: FileIdentity(device: 1, inode: UInt64(number)), contents: contents,
                    replaceability: isBlocked ? .blocked(.mountPoint) : .replaceable)))
            }
            return Snapshot(
              mounted: mounted, bundles: bundles, variables: [variable],
              stateDirectories: [StateDirectorySnapshot(path: Path("/run"))])
          }
          let whole = plan(snapshot(inPieces: false))
          let pieces = plan(snapshot(inPieces: true))
          if pieces.questions.isEmpty {
            #expect(pieces == whole)
          } else {
            // It asks for the texts and then has them.
            #expect(pieces.questions == [.bundleTexts])
          }
        }
      }
    }
  }

  /// The same for the plan of a native store.
  @Test(arguments: [StoreFamily.redHat, .debian])
  func aPlanOfAStoreIsTheSameAsOfItsText(_ family: StoreFamily) {
    let server = MadeCertificate(serial: 9, isAuthority: false)
    var standing = 0
    for wanted in [[], certificates(5), certificates(2, 5), made([MadeCertificate(serial: 5), server])] {
      let mounted = mounted(wanted)
      for base in [pem(1), pem(1, 2)] {
        for text in [base, BundleMerge(of: base, mounted: mounted).text ?? base] {
          for anchors in [[], wanted, certificates(5, 6)] {
            var store = StoreSnapshot(family: family, builder: .ourselves)
            store.identity = FileIdentity(device: 1, inode: 7)
            store.anchors = anchors.map { family.anchorName($0.fingerprint) }
            store.trusted = CertificateIndex(wanted).trusted(in: text)
            store.replaceability = .replaceable
            store.text = text
            let whole = plan(Snapshot(mounted: mounted, system: store, stateDirectories: []))
            guard case .standing(let bundle) = state(text, mounted) else { continue }
            (store.text, store.standing) = (nil, bundle)
            let pieces = plan(Snapshot(mounted: mounted, system: store, stateDirectories: []))
            if pieces.questions.isEmpty {
              standing += 1
              #expect(pieces == whole)
              #expect(pieces.actions.isEmpty)
            } else {
              #expect(pieces.questions == [.storeText])
            }
          }
        }
      }
    }
    #expect(standing > 2)
  }
}
