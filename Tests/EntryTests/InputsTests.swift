import CLinux
import Linux
import Testing
import Text
import Trust

@testable import Entry
@testable import TestSupport

/// Reading the mounted files: which are read, in which order, and which are refused without a hang.
struct InputsTests {
  let temporary: TemporaryDirectory
  init() throws {
    temporary = try TemporaryDirectory()
    try temporary.makeDirectory("certs")
  }

  private static let now: Int64 = 1_700_000_000

  private func inputs(_ paths: [StaticString] = ["/certs"], isNamed: Bool = true, now: Int64 = now) throws
    -> Inputs
  {
    Inputs(
      reading: paths.map { Settings.Input(path: Path($0), isNamed: isNamed) }, in: try temporary.root,
      now: now)
  }

  private func sources(_ inputs: Inputs) -> [String] { inputs.found.map { $0.source.shown.description } }

  private func problems(_ inputs: Inputs) -> [String] {
    inputs.problems.map { "\($0.level.name) \($0.subject): \($0.message)" }
  }

  private func write(_ path: String, _ serials: UInt8...) throws {
    try temporary.write(path, serials.flatMap { MadeCertificate(serial: $0).pem })
  }

  @Test func filesAreReadInTheOrderOfTheirBytesAndDotNamesAreNot() throws {
    try write("certs/b.pem", 1)
    try write("certs/a/z.pem", 2)
    try write("certs/a/a.pem", 3)
    try write("certs/.hidden.pem", 4)
    try write("certs/..data/x.pem", 5)
    try write("certs/B.pem", 6)
    let inputs = try inputs()
    #expect(sources(inputs) == ["/certs/B.pem", "/certs/a/a.pem", "/certs/a/z.pem", "/certs/b.pem"])
    #expect(problems(inputs).isEmpty && !inputs.areIncomplete)
  }

  @Test func aMountOfKubernetesIsReadThroughItsLinks() throws {
    try write("certs/..2026_01_01/ca.pem", 1)
    try temporary.link("certs/..data", to: "..2026_01_01")
    try temporary.link("certs/ca.pem", to: "..data/ca.pem")
    let inputs = try inputs()
    #expect(sources(inputs) == ["/certs/ca.pem"] && problems(inputs).isEmpty)
  }

  @Test func aCertificateIsUsedOnceAndFromWhereItWasFoundFirst() throws {
    try write("certs/a.pem", 1, 1)
    try write("certs/b.pem", 2, 1)
    let inputs = try inputs()
    #expect(sources(inputs) == ["/certs/a.pem", "/certs/b.pem"])
    let sorted = inputs.mounted(isComplete: true).certificates.map { $0.fingerprint.hex.description }
    #expect(sorted == sorted.sorted() && sorted.count == 2)
  }

  @Test func whatIsReachedTwiceIsReadOnce() throws {
    try write("certs/a/ca.pem", 1)
    try temporary.link("certs/b", to: "a")
    try temporary.link("certs/c.pem", to: "a/ca.pem")
    let inputs = try inputs(["/certs", "/certs/a", "/certs/a/ca.pem"])
    #expect(sources(inputs) == ["/certs/a/ca.pem"] && problems(inputs).isEmpty)
  }

  @Test func aLinkBackIsNoLoop() throws {
    try write("certs/sub/ca.pem", 1)
    try temporary.link("certs/sub/back", to: "..")
    try temporary.link("certs/self", to: "self")
    let inputs = try inputs()
    #expect(sources(inputs) == ["/certs/sub/ca.pem"])
    #expect(
      problems(inputs) == [
        "error /certs/self: symbolic link loop; remove the link",
        "error /certs/sub/back: symbolic link loop; remove the link",
      ])
    #expect(!inputs.areIncomplete)
  }

  @Test func aDeadLinkIsAnErrorAndTheRestIsUsed() throws {
    try write("certs/b.pem", 1)
    try temporary.link("certs/a.pem", to: "nowhere")
    let inputs = try inputs()
    #expect(sources(inputs) == ["/certs/b.pem"])
    #expect(
      problems(inputs) == ["error /certs/a.pem: dangling symbolic link; remove it or mount its target"]
    )
  }

  @Test func noLinkLeadsOutOfTheRoot() throws {
    try temporary.link("certs/passwd.pem", to: "/etc/passwd")
    try temporary.link("certs/up.pem", to: "../../../../../../etc/passwd")
    let inputs = try inputs()
    #expect(inputs.found.isEmpty)
    #expect(
      problems(inputs).count == 2 && problems(inputs).allSatisfy { $0.contains("dangling symbolic link") })
  }

  @Test func aFIFOIsNotWaitedFor() throws {
    try temporary.makeFIFO("certs/a.pem")
    try write("certs/b.pem", 1)
    let begin = Clock.monotonic
    let inputs = try inputs(["/certs", "/certs/a.pem"])
    #expect(Clock.monotonic - begin < 5_000_000_000)
    #expect(sources(inputs) == ["/certs/b.pem"])
    #expect(problems(inputs).count == 2 && problems(inputs).allSatisfy { $0.contains("not a regular file") })
  }

  struct Missing: Sendable {
    let isNamed: Bool
    let isDeadLink: Bool
    let message: String?
  }

  static let missing = [
    Missing(isNamed: false, isDeadLink: false, message: nil),
    Missing(
      isNamed: true, isDeadLink: false, message: "no such file or directory"),
    Missing(
      isNamed: false, isDeadLink: true,
      message: "dangling symbolic link (the path or a directory in it); mount its target or remove it"),
    Missing(
      isNamed: true, isDeadLink: true,
      message: "dangling symbolic link (the path or a directory in it); mount its target or remove it"),
  ]

  @Test(arguments: missing)
  func whatIsMissingMattersWhereItWasNamedOrALinkIsDead(row: Missing) throws {
    if row.isDeadLink { try temporary.link("extra", to: "/nowhere") }
    let inputs = try inputs(["/extra/ca"], isNamed: row.isNamed)
    let expected = row.message.map {
      ["error /extra/ca: \($0); no certificate is removed from any store in this start"]
    }
    #expect(problems(inputs) == expected ?? [])
    #expect(inputs.areIncomplete == (row.message != nil))
  }

  @Test func sixteenDirectoriesDeepAreReadAndNoMore() throws {
    let parts = (1...16).map { "d\($0)" }
    try write("certs/\(parts.prefix(15).joined(separator: "/"))/in.pem", 1)
    try write("certs/\(parts.joined(separator: "/"))/out.pem", 2)
    let inputs = try inputs()
    #expect(inputs.found.count == 1 && sources(inputs)[0].hasSuffix("/in.pem"))
    #expect(inputs.areIncomplete)
    #expect(problems(inputs).count == 1 && problems(inputs)[0].contains("more than 16 directories deep"))
  }

  @Test func aFileOfMoreThanSixteenMebibytesIsNotRead() throws {
    try write("certs/b.pem", 1)
    try temporary.write("certs/a.pem", [])
    let size = (16 << 20) + 1
    #expect(truncate(temporary.at("certs/a.pem").terminated.map { CChar(bitPattern: $0) }, size) == 0)
    let inputs = try inputs()
    #expect(sources(inputs) == ["/certs/b.pem"])
    #expect(
      problems(inputs) == [
        "error /certs/a.pem: larger than 16 MiB, not read; remove it; no certificate is removed from any store in this start"
      ])
  }

  @Test func moreThanTenThousandNamesAreNotGoneThrough() throws {
    let directory = try Directory(temporary.at("certs"), in: .system)
    defer { directory.close() }
    try write("certs/a", 1)
    // Names of the same file: quick to create, and read once.
    for number in 10_000..<20_000 { try directory.link(Path("a"), to: Path(Array("b\(number)".utf8))) }
    let inputs = try inputs()
    #expect(sources(inputs) == ["/certs/a"] && inputs.areIncomplete)
    #expect(
      problems(inputs).count == 1 && problems(inputs)[0].contains("more than 10000 files and directories"))
    #expect(problems(inputs)[0].hasPrefix("error /certs/b19999: "))
  }

  static let nothing: [(name: String, contents: [UInt8])] = [
    ("README.md", bytes("# Our CAs\n\nAsk the network team.\n")),
    ("Thumbs.db", [0xD0, 0xCF, 0x11, 0xE0, 0xA1]),
    ("ca.pem:Zone.Identifier", bytes("[ZoneTransfer]\r\nZoneId=3\r\n")),
  ]

  @Test(arguments: nothing)
  func whatWasNeverACertificateIsAWarningAndSuspendsNothing(name: String, contents: [UInt8]) throws {
    try temporary.write("certs/\(name)", contents)
    try write("certs/ca.pem", 1)
    let inputs = try inputs()
    #expect(sources(inputs) == ["/certs/ca.pem"] && !inputs.areIncomplete)
    #expect(problems(inputs) == ["warning /certs/\(name): not a certificate; ignored"])
  }

  static let damaged: [(name: String, contents: [UInt8])] = [
    ("nothing", []), ("half a PEM", Array(MadeCertificate(serial: 1).pem.dropLast(40))),
    ("half a DER", Array(MadeCertificate(serial: 1).der.dropLast(40))),
    ("a line", bytes(shown(MadeCertificate(serial: 1).pem).replacing("\n", with: " "))),
    ("a good one before", MadeCertificate(serial: 2).pem + MadeCertificate(serial: 1).pem.dropLast(40)),
  ]

  @Test(arguments: damaged)
  func aDamagedFileIsAnErrorAndNothingIsRemoved(name: String, contents: [UInt8]) throws {
    try temporary.write("certs/a.pem", contents)
    let inputs = try inputs()
    #expect(inputs.areIncomplete, "\(name)")
    #expect(problems(inputs).count == 1 && problems(inputs)[0].hasPrefix("error /certs/a.pem: "), "\(name)")
    #expect(
      problems(inputs)[0].hasSuffix("no certificate is removed from any store in this start"), "\(name)")
  }

  @Test func whatIsRefusedForItsKindSuspendsNothing() throws {
    try temporary.write(
      "certs/a.key", bytes("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))
    let inputs = try inputs()
    #expect(!inputs.areIncomplete && problems(inputs).count == 1 && inputs.fileProblems.hasErrors)
  }

  @Test func anEmptyDirectoryInsteadOfAFileIsAFailedMount() throws {
    for path in ["certs/ca.pem", "ca.crt", "custom"] { try temporary.makeDirectory(path) }
    for path in ["/certs", "/ca.crt"] as [StaticString] {
      let inputs = try inputs([path])
      #expect(inputs.areIncomplete && problems(inputs).count == 1, "\(path)")
      #expect(
        problems(inputs)[0].contains("empty directory instead of a file (Docker creates one"), "\(path)")
    }
    // A name that is suitable for a directory.
    #expect(try !inputs(["/custom"]).areIncomplete)
    let custom = Inputs(
      reading: [Settings.Input(path: Path("/custom"), isNamed: true, isCustomCACert: true)],
      in: try temporary.root,
      now: Self.now)
    #expect(custom.areIncomplete)
    try write("certs/ca.pem/in.crt", 1)
    #expect(try sources(inputs()) == ["/certs/ca.pem/in.crt"])
  }

  @Test func aFileRemovedFromADirectoryThatWasReadSuspendsNothing() throws {
    let paths = [
      Settings.Input(path: Path("/certs"), isNamed: true),
      Settings.Input(path: Path("/certs/gone.pem"), isNamed: true, isCustomCACert: true),
    ]
    func read() throws -> Inputs { Inputs(reading: paths, in: try temporary.root, now: Self.now) }
    #expect(try read().areIncomplete)
    try write("certs/other.pem", 1)
    let inputs = try read()
    #expect(!inputs.areIncomplete)
    #expect(
      problems(inputs) == ["error /certs/gone.pem: no such file; correct the setting, or put the file back"])
  }

  private func inputs(_ paths: StaticString..., custom: StaticString) throws -> Inputs {
    let inputs = paths.map { Settings.Input(path: Path($0), isNamed: true) }
    return Inputs(
      reading: inputs + [Settings.Input(path: Path(custom), isNamed: true, isCustomCACert: true)],
      in: try temporary.root, now: Self.now)
  }

  @Test func anEmptyDirectoryInsteadOfAFileIsFoundWhereItWasReadBefore() throws {
    try write("certs/other.pem", 1)
    for path in ["certs/corp", "certs/ROOT.CRT", "certs/ca.pem"] { try temporary.makeDirectory(path) }
    for custom in ["/certs/corp", "/certs/ROOT.CRT", "/certs/ca.pem"] as [StaticString] {
      let inputs = try inputs("/certs", custom: custom)
      let told = problems(inputs).filter {
        $0.hasPrefix("error \(custom): empty directory instead of a file")
      }
      #expect(inputs.areIncomplete && told.count == 1, "\(custom)")
    }
    try temporary.makeDirectory("empty")
    #expect(try inputs("/empty", custom: "/empty").areIncomplete)
  }

  @Test func aFileMissingFromADirectorySuspendsRemovalsUnlessItIsTheProducts() throws {
    try write("certs/other.pem", 1)
    #expect(try inputs(["/certs", "/certs/gone.pem"]).areIncomplete)
    #expect(try !inputs("/certs", custom: "/certs/gone.pem").areIncomplete)
    // Its directory is mounted, but its target is not.
    try temporary.link("certs/link.pem", to: "/secrets/ca.pem")
    let inputs = try inputs("/certs", custom: "/certs/link.pem")
    #expect(inputs.areIncomplete && problems(inputs).allSatisfy { $0.contains("dangling symbolic link") })
  }

  @Test func aNamedFileWithoutACertificateIsAnErrorWhereItWasReadBefore() throws {
    try temporary.write("certs/ca.txt", Array("hello\n".utf8))
    try temporary.write("ca.txt", Array("hello\n".utf8))
    for custom in ["/certs/ca.txt", "/ca.txt"] as [StaticString] {
      let inputs = try inputs("/certs", custom: custom)
      let error = "error \(custom): not a certificate; correct the setting, or replace the file"
      #expect(problems(inputs).contains(error) && !inputs.areIncomplete, "\(problems(inputs))")
    }
  }

  @Test func theDirectoryOfAVolumesLostFilesIsSkipped() throws {
    try write("certs/lost+found/a.pem", 1)
    try write("certs/sub/lost+found/a.pem", 2)
    try write("certs/a.pem", 3)
    #expect(try sources(inputs()) == ["/certs/a.pem"])
    #expect(try problems(inputs()).isEmpty)
  }

  @Test func whatPsmEntryWroteIsNoInputUnderWhateverName() throws {
    let own = MadeCertificate(serial: 9)
    let name = try #require(certificates(9).first.map { StoreFamily.debian.anchorName($0.fingerprint) }).shown
    let section = try #require(
      BundleMerge(of: pem(1), mounted: MountedCertificates(certificates: certificates(9), isComplete: true))
        .text)
    for path in [
      "run/psm-entry/cacert.pem", "tmp/psm-entry-1000/cacert.pem", "state/cacert.pem", "certs/\(name)",
    ] {
      try temporary.write(path, own.pem)
    }
    try temporary.write("certs/cacert.pem.psm-entry-damaged", own.pem)
    try temporary.write("merged.pem", section)
    try temporary.link("certs/a.pem", to: "\(name)")
    try temporary.link("certs/b.pem", to: "/run/psm-entry/cacert.pem")
    try temporary.link("certs/c.pem", to: "/tmp/psm-entry-1000/cacert.pem")
    try temporary.link("certs/d.pem", to: "/state/cacert.pem")
    try temporary.link("certs/e.pem", to: "/merged.pem")
    // A directory with that name elsewhere belongs to someone else.
    try write("certs/psm-entry/cacert.pem", 3)
    let inputs = Inputs(
      reading: [Settings.Input(path: Path("/certs"), isNamed: true)], in: try temporary.root,
      stateDirectories: [Path("/state")], now: Self.now)
    #expect(sources(inputs) == ["/certs/e.pem", "/certs/psm-entry/cacert.pem"] && problems(inputs).isEmpty)
    #expect(
      inputs.found.map { $0.certificate.fingerprint }
        == (certificates(1) + certificates(3)).map { $0.fingerprint })
  }

  @Test func theStoresOwnBundleIsReadWithoutItsAnchors() throws {
    let anchor = try #require(certificates(9).first.map { StoreFamily.debian.anchorName($0.fingerprint) })
      .shown
    try temporary.write("usr/local/share/ca-certificates/\(anchor)", MadeCertificate(serial: 9).pem)
    try temporary.write("etc/ssl/certs/ca-certificates.crt", pem(1, 9))
    try temporary.link("certs/system.pem", to: "/etc/ssl/certs/ca-certificates.crt")
    let inputs = try inputs()
    #expect(inputs.found.map { $0.certificate.fingerprint } == certificates(1).map { $0.fingerprint })
    #expect(inputs.found.allSatisfy { $0.origin.isOfStore })
  }

  @Test func anExpiredCertificateWithASuccessorIsNoWarning() throws {
    try write("certs/a.pem", 1)
    let after: Int64 = 2_300_000_000
    #expect(try inputs(now: after).problems.count == 1)
    try temporary.write("certs/b.pem", MadeCertificate(serial: 2, notAfter: "491231000000Z").pem)
    #expect(try inputs(now: after).problems.isEmpty)
    try temporary.write(
      "certs/b.pem", MadeCertificate(serial: 2, name: "Other", notAfter: "491231000000Z").pem)
    #expect(try inputs(now: after).problems.count == 1)
  }

  @Test func anExpiredCertificateIsUsedWithAWarning() throws {
    try write("certs/a.pem", 1)
    // It expires in 2040.
    let inputs = try inputs(now: 2_300_000_000)
    #expect(inputs.found.count == 1 && inputs.fileProblems.isEmpty)
    #expect(problems(inputs).count == 1 && problems(inputs)[0].hasPrefix("warning /certs/a.pem: "))
    #expect(try self.inputs().problems.isEmpty)
  }

  @Test func aFileMayBeNamedItself() throws {
    try write("certs/a.pem", 1)
    try temporary.link("link.pem", to: "certs/a.pem")
    #expect(sources(try inputs(["/link.pem"])) == ["/link.pem"])
  }

  // MARK: A variable that contains certificates

  private func inputs(data: [UInt8], _ paths: [StaticString] = []) throws -> Inputs {
    Inputs(
      reading: paths.map { Settings.Input(path: Path($0), isNamed: true) }, in: try temporary.root,
      data: data,
      now: Self.now)
  }

  @Test func aVariableIsOneMoreInputAndIsShownByItsName() throws {
    try write("certs/a.pem", 1)
    let inputs = try inputs(data: MadeCertificate(serial: 2).pem + MadeCertificate(serial: 1).pem, ["/certs"])
    #expect(sources(inputs) == ["/certs/a.pem", "PSM_ENTRY_CERTS_DATA"])
    #expect(problems(inputs).isEmpty && !inputs.areIncomplete)
  }

  @Test func aVariableThatCannotBeReadIsAnErrorAndSuspendsRemovals() throws {
    for text in [
      "secret words", "/etc/ca.pem", "c2VjcmV0IHdvcmRz", "-----BEGIN CERTIFICATE-----\nsecret", "  ",
    ] {
      let inputs = try inputs(data: bytes(text))
      #expect(inputs.areIncomplete && inputs.found.isEmpty && inputs.problems.hasErrors)
      for problem in problems(inputs) {
        #expect(problem.hasPrefix("error PSM_ENTRY_CERTS_DATA: "))
        #expect(!problem.contains("secret") && !problem.contains("c2Vj") && !problem.contains("/etc"))
      }
    }
  }

  @Test func whatPsmEntryWroteIsNoInputInAVariableEither() throws {
    let section =
      bytes("# >>> psm-entry managed certificates >>>\n") + MadeCertificate(serial: 3).pem
      + bytes("# <<< psm-entry managed certificates <<<\n")
    let inputs = try inputs(data: MadeCertificate(serial: 2).pem + section)
    #expect(inputs.found.map { $0.certificate.der } == [MadeCertificate(serial: 2).der])
  }

  @Test func theLimitsOfAFileAreThoseOfAVariable() throws {
    let pem = MadeCertificate(serial: 2).pem
    let large = try inputs(data: pem + [UInt8](repeating: 0x20, count: (16 << 20) - pem.count + 1))
    #expect(large.found.isEmpty)
    #expect(
      problems(large) == [
        "error PSM_ENTRY_CERTS_DATA: larger than 16 MiB, not read; remove it; no certificate is removed from any store in this start"
      ])
    #expect(
      try inputs(data: pem + [UInt8](repeating: 0x20, count: (16 << 20) - pem.count)).found.count == 1)
    for number in 1...4 {
      try temporary.write("certs/\(number)", [UInt8](repeating: 0x20, count: (16 << 20) - 200))
    }
    let beyond = try inputs(data: pem + [UInt8](repeating: 0x0A, count: 800), ["/certs"])
    #expect(beyond.found.isEmpty && beyond.areIncomplete)
    #expect(problems(beyond).contains { $0.hasPrefix("error PSM_ENTRY_CERTS_DATA: more than 64 MiB in all") })
  }
}
