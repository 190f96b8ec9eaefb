import Testing
import Text

@testable import Certificates
@testable import Entry
@testable import Stores
@testable import Trust

/// Every finding and every fact has a message and an event, and all messages have the same form.
struct ReportTests {
  private static let path = Path("/conda/ssl/cacert.pem")
  private static let other = Path("/run/psm-entry/cacert.pem")
  private static let denied = Errno(rawValue: 13)
  private static let damage = BundleContents(reading: damagedText(end: "-----END CERTIFICATE-----\n")).damage
  private static func damagedText(end: String) -> [UInt8] {
    Array("-----BEGIN CERTIFICATE-----\n\(end)".utf8)
  }

  struct Row<Kind: Sendable>: Sendable {
    let kind: Kind
    let event: String
    let message: String

    init(_ kind: Kind, _ event: String, _ message: String) {
      (self.kind, self.event, self.message) = (kind, event, message)
    }
  }

  /// The message for each kind of finding.
  static let findings: [Row<Finding.Kind>] = [
    Row(.missing, "bundle.missing", "no such file; set PSM_ENTRY_BUNDLES to the bundles of this image"),
    Row(
      .pattern(.tooMany), "bundle.pattern",
      "matches more than 10000 entries, not used; name the bundles, or use fewer '*'"),
    Row(
      .pattern(.unreadable(denied)), "bundle.pattern",
      "cannot read a directory (permission denied), not used; check its permissions and the mount"),
    Row(
      .unreadable(.tooLarge), "bundle.unreadable",
      "larger than 64 MiB, left unchanged; restore it from the image"),
    Row(
      .unreadable(.system(denied)), "bundle.unreadable",
      "permission denied, so its clients do not trust the mounted certificates; check its permissions and the mount"
    ),
    Row(
      .unreadable(.notRegular), "bundle.unreadable",
      "not a regular file, so its clients do not trust the mounted certificates; restore it from the image"),
    Row(
      .noStore, "bundle.none",
      "no bundle and no system store, so no client trusts the mounted certificates; set PSM_ENTRY_BUNDLES to the bundles of this image, or install ca-certificates"
    ),
    Row(
      .storeLacks(substitute: other), "store.lacks",
      "does not trust the mounted certificates; using /run/psm-entry/cacert.pem instead"),
    Row(
      .storeLacks(substitute: nil), "store.lacks",
      "cannot be updated and there is no private bundle, so no client trusts the mounted certificates; make it or PSM_ENTRY_STATE_DIR writable"
    ),
    Row(.empty, "bundle.empty", "empty, so its clients trust nothing; restore it from the image"),
    Row(
      .noCertificates, "bundle.empty",
      "contains no certificate, so its clients trust nothing; restore it from the image"),
    Row(
      .onlyRemoved, "bundle.empty",
      "contains only removed certificates, left unchanged; restore it from the image"),
    Row(
      .tooLarge, "bundle.too_large",
      "would exceed 64 MiB, left unchanged; mount fewer CAs"),
    Row(.strayMarkers, "bundle.stray_markers", "stray psm-entry marker lines, left unchanged; remove them"),
    Row(
      .refusedBySome(line: 7, CertificateFault(.serialNumber, .malformed, .gnuTLS)), "bundle.refused_by_some",
      "line 7: serial number: malformed (GnuTLS rejects the whole bundle); remove this certificate from the bundle"
    ),
    Row(
      .blocked(.refused(.owner, denied), substitute: other, onlyRemoves: false), "bundle.blocked",
      "cannot replace (cannot preserve the owner: permission denied); using /run/psm-entry/cacert.pem instead"
    ),
    Row(
      .blocked(.mountPoint, substitute: nil, onlyRemoves: false), "bundle.blocked",
      "cannot replace (mounted as a single file), so its clients do not trust the mounted certificates; make the file and its directory writable"
    ),
    Row(
      .blocked(.mountPoint, substitute: other, onlyRemoves: false, stillTrusted: 2), "bundle.blocked",
      "cannot replace (mounted as a single file), so 2 removed certificates are still trusted by clients that do not use /run/psm-entry/cacert.pem; make the file and its directory writable"
    ),
    Row(
      .blocked(.readOnly(mountedAt: Path("/conda")), substitute: nil, onlyRemoves: true), "bundle.blocked",
      "cannot replace (read-only file system, mounted at /conda), so its clients still trust the removed certificates; make the file and its directory writable"
    ),
    Row(
      .sameFileLacks(substitute: nil), "bundle.same_file",
      "same file as an earlier bundle that could not be updated (see above)"),
    Row(
      .sameFileLacks(substitute: other), "bundle.same_file",
      "same file as an earlier bundle that could not be updated (see above); using /run/psm-entry/cacert.pem instead"
    ),
    Row(
      .storeUnreadable(.tooLarge), "store.unreadable",
      "cannot read the system store (too large), left unchanged; restore it from the image"),
    Row(
      .storeBlocked(.notWhole, stillTrusted: 0), "store.blocked",
      "cannot write the system store (read-back verification failed), so clients that read only this store (wget, aria2) do not trust the mounted certificates; make it writable, or set PSM_ENTRY_SYSTEM=off"
    ),
    Row(
      .storeBlocked(.overtaken, stillTrusted: 2), "store.blocked",
      "cannot write the system store (another program keeps replacing it), so 2 removed certificates are still trusted; make it writable"
    ),
    Row(
      .storeTooLarge, "store.too_large",
      "system store would exceed 64 MiB, left unchanged; mount fewer CAs"),
    Row(
      .tooMany(960), "store.too_many",
      "too slow for 960 certificates, the system store is written without it; raise PSM_ENTRY_TIMEOUT to run it"
    ),
    Row(
      .ignored(subject: "CN=A", .notAuthority, more: 0), "store.ignored",
      "ignores CN=A (not a CA), added to the bundles only"),
    Row(
      .ignored(subject: "CN=A", .otherUsage, more: 2), "store.ignored",
      "ignores CN=A and 2 more (extended key usage lacks serverAuth), added to the bundles only"),
    Row(
      .ignored(subject: "CN=A", .blocked, more: 0), "store.ignored",
      "ignores CN=A (on the system's blocklist), added to the bundles only"),
    Row(
      .ignored(subject: "CN=A", .blocked, more: 2, isOneReason: false), "store.ignored",
      "ignores CN=A (on the system's blocklist) and 2 more for other reasons, added to the bundles only"),
    Row(
      .notBuilt(subject: "CN=A", more: 0, .exited(1)), "store.not_built",
      "CN=A is missing after the system's tool (exit status 1); set PSM_ENTRY_SYSTEM=native to update the store without it"
    ),
    Row(
      .notBuilt(subject: "CN=A", more: 3, .late), "store.not_built",
      "CN=A and 3 more are missing after the system's tool (killed at its time limit); set PSM_ENTRY_SYSTEM=native to update the store without it"
    ),
    Row(
      .builtUnreadable(.signalled(9)), "store.not_built",
      "missing or unreadable after the system's tool (killed by signal 9)"),
    Row(
      .builtMalformed(.notStarted(denied)), "store.not_built",
      "malformed after the system's tool (not started: permission denied), so clients reject the whole file; set PSM_ENTRY_SYSTEM=native to update the store without it"
    ),
    Row(
      .notRemoved(1, .exited(0)), "store.not_removed",
      "1 removed certificate is still trusted after the system's tool (exit status 0)"),
    Row(
      .trustedOtherwise(2), "store.not_removed",
      "2 removed certificates are still trusted through the distribution or another anchor; remove that one as well"
    ),
    Row(
      .stateDirectoryFailed(.foreign), "state_directory.failed", "not a directory owned by this user, skipped"
    ),
    Row(
      .stateDirectoryFailed(.system(denied)), "state_directory.failed",
      "cannot use the state directory: permission denied"),
    Row(
      .stateDirectoryFailed(.notWritten(.refused(.write, Errno(rawValue: 28)))), "state_directory.failed",
      "cannot use the state directory: cannot write: no space left on device"),
    Row(
      .stateDirectoryUnguarded, "state_directory.unguarded",
      "other users can replace this directory (its parent is writable for them); set PSM_ENTRY_STATE_DIR to one that only root or this user can replace"
    ),
    Row(
      .variableUnreadable(path, .system(denied), isOnlyTrust: true), "variable.unreadable",
      "/conda/ssl/cacert.pem: permission denied, so clients that use the variable trust nothing; unset it"),
    Row(
      .variableUnreadable(Path("http://user:secret@proxy"), .notRegular, isOnlyTrust: true),
      "variable.unreadable",
      "(not shown: not a path): not a regular file, so clients that use the variable trust nothing; unset it"),
    Row(
      .variableUnreadable(path, .system(denied), isOnlyTrust: false), "variable.unreadable",
      "/conda/ssl/cacert.pem: permission denied; correct or unset the variable"),
    Row(
      .variableLacksPublic(path), "variable.lacks",
      "/conda/ssl/cacert.pem contains no public CA, so its clients reject public hosts; unset the variable, or add the public CAs to the file"
    ),
    Row(
      .issuerMissing(Fingerprint(of: []), subject: "CN=A", issuer: "CN=B"), "certificate.issuer_missing",
      "CN=A: issuer CN=B is neither mounted nor in the bundle, so Python before 3.13 does not trust it; mount the issuer as well"
    ),
    Row(
      .ignored(subject: "CN=A", .anchorName, more: 1), "store.ignored",
      "ignores CN=A and 1 more (not in a file named *.crt); rename the file to *.crt"),
    Row(
      .ignored(subject: "CN=A", .anchorsAreInput, more: 0), "store.ignored",
      "does not get CN=A, because its anchors directory is an input and left unchanged; mount it there as well"
    ),
    Row(
      .variableLacks(path, subject: "CN=A", more: 0), "variable.lacks",
      "/conda/ssl/cacert.pem lacks CN=A; unset the variable, or set PSM_ENTRY_BUNDLES=default:FILE"),
    Row(
      .variableLacks(Path("user:secret@proxy"), subject: "CN=A", more: 1), "variable.lacks",
      "(not shown: not a path) lacks CN=A and 1 more; unset the variable, or set PSM_ENTRY_BUNDLES=default:FILE"
    ),
    Row(
      .variableLacks(path, subject: "CN=A", more: 0, isBundle: false), "variable.lacks",
      "/conda/ssl/cacert.pem lacks CN=A; unset the variable"),
    Row(
      .variableUnreadable(Path(""), .system(denied), isOnlyTrust: true), "variable.unreadable",
      "empty value: permission denied, so clients that use the variable trust nothing; unset it"),
    Row(
      .redirected(from: path, to: other), "variable.redirected",
      "/conda/ssl/cacert.pem could not be updated; using /run/psm-entry/cacert.pem instead"),
  ]

  /// Damage is not a literal: its message begins with the position.
  static let malformed: [(isRepaired: Bool?, end: String)] = [
    (true, "so clients reject the whole file; repaired, original saved as *.psm-entry-damaged"),
    (false, "so clients reject the whole file; restore it from the image"),
    (nil, "so clients reject the whole file; restore it from the image, or mount a CA to have it repaired"),
  ]

  static let facts: [Row<Fact.Kind>] = [
    Row(.updated(.bundle, added: 1, removed: 0, isRepaired: false), "bundle.updated", "1 certificate added"),
    Row(
      .updated(.bundle, added: 1, removed: 2, isRepaired: true), "bundle.updated",
      "1 certificate added, 2 removed, repaired"),
    Row(
      .updated(.bundle, added: 0, removed: 0, isRepaired: false), "bundle.updated",
      "managed section rewritten"),
    Row(.updated(.system, added: 0, removed: 0, isRepaired: false), "store.updated", "rebuilt"),
    Row(
      .updated(.system, added: 0, removed: 3, isRepaired: false), "store.updated", "3 certificates removed"),
    Row(
      .written(count: 140, mounted: 2), "private_bundle.written",
      "written: 140 certificates, 2 of them added"),
    Row(.removed, "private_bundle.removed", "removed"),
    Row(
      .lockPassedOver, "lock.passed_over",
      "cannot lock the directory in time (locked by another process, or locks are not supported); continuing without the lock"
    ),
    Row(
      .anchorFailed(.originalNotKept(denied)), "store.anchor_failed",
      "cannot update the anchor: cannot save the malformed original: permission denied"),
    Row(.toolOutput, "store.tool_output", "what the tool printed"),
    Row(
      .kept(1), "store.kept", "the system's tool left out 1 certificate of this store; added again"),
    Row(
      .leftOut(2, .refused(.create, denied)), "store.lost",
      "the system's tool left out 2 certificates of this store; cannot restore: cannot create a temporary file: permission denied"
    ),
    Row(.lost(nil), "store.restored", "lost by the system's tool; restored"),
    Row(
      .lost(.refused(.create, denied)), "store.lost",
      "lost by the system's tool; cannot restore: cannot create a temporary file: permission denied"),
  ]

  private func said(_ kind: Finding.Kind, _ level: Level = .warning) -> Problem {
    report(Finding(area: .bundle, level: level, subject: Self.path.shown, kind: kind))
  }

  private func said(_ kind: Fact.Kind) -> Problem {
    report(Fact(.bundle, .info, Self.path.shown, kind, detail: "what the tool printed"))
  }

  @Test(arguments: findings)
  func aFindingIsSaidInTheseWords(row: Row<Finding.Kind>) {
    let problem = said(row.kind)
    #expect(problem.message.description == row.message)
    #expect("\(problem.event)" == row.event)
  }

  @Test(arguments: facts)
  func aFactIsSaidInTheseWords(row: Row<Fact.Kind>) {
    let problem = said(row.kind)
    #expect(problem.message.description == row.message)
    #expect("\(problem.event)" == row.event)
  }

  @Test(arguments: malformed)
  func aMalformedBundleIsSaidWithItsPlaceAndWhatIsDone(isRepaired: Bool?, end: String) throws {
    let message = said(.malformed(try #require(Self.damage), isRepaired: isRepaired)).message.description
    #expect(message.hasPrefix("malformed at line 1 ("))
    #expect(message.hasSuffix("), \(end)"))
  }

  @Test func ofAMissingENDLineIsSaidThatItHidesACertificate() throws {
    let damage = try #require(BundleContents(reading: Self.damagedText(end: "")).damage)
    let text =
      "malformed at line 1 (missing END line), so clients miss a certificate or reject the whole file"
    #expect(said(.malformed(damage, isRepaired: true)).message.description.hasPrefix("\(text); repaired"))
  }

  /// `plan` and `check` do not say that anything is repaired already; all else is said in the same words.
  @Test func aPlannedRepairIsNotSaidToBeDone() throws {
    let kind = Finding.Kind.malformed(try #require(Self.damage), isRepaired: true)
    let planned = report(
      Finding(area: .bundle, level: .error, subject: Self.path.shown, kind: kind), isPlanned: true)
    #expect(
      planned.message.description.hasSuffix(
        "), so clients reject the whole file; a start repairs it, original saved as *.psm-entry-damaged"))
    #expect("\(planned.event)" == "bundle.malformed")
    for row in Self.findings {
      let finding = Finding(area: .bundle, level: .warning, subject: Self.path.shown, kind: row.kind)
      #expect(report(finding, isPlanned: true).message.description == row.message)
    }
  }

  /// These are said once the file that they name is written.
  @Test func aFindingNamesASubstituteIfItsWordsDo() {
    for row in Self.findings {
      #expect(row.kind.namesSubstitute == row.message.contains("; using /"), "\(row.message)")
    }
  }

  @Test func levelAndSubjectAreTheFindings() {
    for level in [Level.error, .warning, .info, .debug] {
      let problem = said(.empty, level)
      #expect(problem.level == level)
      #expect(problem.subject == Self.path.shown)
    }
    #expect(said(.removed).level == .info)
  }

  /// Without a `default`: a new kind needs a number here, and then its row above.
  private static func number(_ kind: Finding.Kind) -> Int {
    switch kind {
    case .missing: 0
    case .pattern: 1
    case .unreadable: 2
    case .empty: 3
    case .noCertificates: 4
    case .onlyRemoved: 5
    case .tooLarge: 6
    case .strayMarkers: 7
    case .malformed: 8
    case .blocked: 9
    case .sameFileLacks: 10
    case .storeUnreadable: 11
    case .storeBlocked: 12
    case .storeTooLarge: 13
    case .tooMany: 14
    case .ignored: 15
    case .notBuilt: 16
    case .builtUnreadable: 17
    case .builtMalformed: 18
    case .notRemoved: 19
    case .trustedOtherwise: 20
    case .stateDirectoryFailed: 21
    case .stateDirectoryUnguarded: 22
    case .variableUnreadable: 23
    case .variableLacks: 24
    case .redirected: 25
    case .refusedBySome: 26
    case .issuerMissing: 27
    case .variableLacksPublic: 28
    case .noStore: 29
    case .storeLacks: 30
    }
  }

  private static func number(_ kind: Fact.Kind) -> Int {
    switch kind {
    case .updated: 0
    case .written: 1
    case .removed: 2
    case .lockPassedOver: 3
    case .anchorFailed: 4
    case .toolOutput: 5
    case .lost: 6
    case .kept: 7
    case .leftOut: 8
    }
  }

  @Test func everyKindHasARow() throws {
    let malformed = Finding.Kind.malformed(try #require(Self.damage), isRepaired: nil)
    #expect(Set((Self.findings.map { $0.kind } + [malformed]).map(Self.number)) == Set(0...30))
    #expect(Set(Self.facts.map { Self.number($0.kind) }) == Set(0...8))
  }

  @Test func noMessageEndsWithAPeriodOrBeginsWithACapital() throws {
    let malformed = Self.malformed.compactMap { row in
      Self.damage.map { said(.malformed($0, isRepaired: row.isRepaired)) }
    }
    #expect(malformed.count == 3)
    let problems = Self.findings.map { said($0.kind) } + Self.facts.map { said($0.kind) } + malformed
    for problem in problems {
      let message = problem.message.description
      #expect(!message.isEmpty && message.last != "." && message.last != " ", "\(message)")
      // An X.509 subject begins with the name of an attribute.
      #expect(message.first?.isUppercase == false || message.hasPrefix("CN="), "\(message)")
      let isEventName = "\(problem.event)".allSatisfy { $0.isLowercase || $0 == "." || $0 == "_" }
      #expect(problem.event.utf8CodeUnitCount > 0 && isEventName, "\(problem.event)")
      #expect(problem.message.utf8.count <= 512, "\(message)")
    }
  }
}
