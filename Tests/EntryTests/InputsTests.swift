import CLinux
import Linux
import Testing
import Text
import Trust

@testable import Entry

/// The walk over what is mounted: what is read, in which order, and what is refused without a hang.
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
    let sorted = inputs.certificates.map { $0.fingerprint.hex.description }
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
        "error /certs/self: a link that leads back to itself: remove it",
        "error /certs/sub/back: a link back to a directory that holds it: remove the link",
      ])
    #expect(!inputs.areIncomplete)
  }

  @Test func aDeadLinkIsAnErrorAndTheRestIsUsed() throws {
    try write("certs/b.pem", 1)
    try temporary.link("certs/a.pem", to: "nowhere")
    let inputs = try inputs()
    #expect(sources(inputs) == ["/certs/b.pem"])
    #expect(
      problems(inputs) == ["error /certs/a.pem: a link that leads nowhere: remove it, or mount what it means"]
    )
  }

  @Test func noLinkLeadsOutOfTheRoot() throws {
    try temporary.link("certs/passwd.pem", to: "/etc/passwd")
    try temporary.link("certs/up.pem", to: "../../../../../../etc/passwd")
    let inputs = try inputs()
    #expect(inputs.found.isEmpty)
    #expect(problems(inputs).count == 2 && problems(inputs).allSatisfy { $0.contains("leads nowhere") })
  }

  @Test func aFIFOIsNotWaitedFor() throws {
    try temporary.makeFIFO("certs/a.pem")
    try write("certs/b.pem", 1)
    let begin = Clock.monotonic
    let inputs = try inputs(["/certs", "/certs/a.pem"])
    #expect(Clock.monotonic - begin < 5_000_000_000)
    #expect(sources(inputs) == ["/certs/b.pem"])
    #expect(problems(inputs).count == 2 && problems(inputs).allSatisfy { $0.contains("no regular file") })
  }

  struct Missing: Sendable {
    let isNamed: Bool
    let isDeadLink: Bool
    let message: String?
  }

  static let missing = [
    Missing(isNamed: false, isDeadLink: false, message: nil),
    Missing(
      isNamed: true, isDeadLink: false, message: "it was named and is missing: mount it, or name another"),
    Missing(
      isNamed: false, isDeadLink: true,
      message: "it, or a directory on the way, is a link that leads nowhere: mount what it means"),
    Missing(
      isNamed: true, isDeadLink: true, message: "it was named and is missing: mount it, or name another"),
  ]

  @Test(arguments: missing)
  func whatIsMissingMattersWhereItWasNamedOrALinkIsDead(row: Missing) throws {
    if row.isDeadLink { try temporary.link("extra", to: "/nowhere") }
    let inputs = try inputs(["/extra/ca"], isNamed: row.isNamed)
    let expected = row.message.map {
      ["error /extra/ca: \($0); nothing is taken out of any store in this start"]
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
    #expect(problems(inputs).count == 1 && problems(inputs)[0].contains("more than 16 deep"))
  }

  @Test func aFileOfMoreThanSixteenMebibytesIsNotRead() throws {
    try write("certs/b.pem", 1)
    try temporary.write("certs/a.pem", [])
    let size = (16 << 20) + 1
    #expect(truncate(temporary.at("certs/a.pem").terminated.map { CChar(bitPattern: $0) }, size) == 0)
    let inputs = try inputs()
    #expect(sources(inputs) == ["/certs/b.pem"])
    #expect(
      problems(inputs) == ["error /certs/a.pem: larger than 16 MiB: no certificate file; it is not read"])
  }

  @Test func moreThanTenThousandNamesAreNotGoneThrough() throws {
    let directory = try Directory(temporary.at("certs"), in: .system)
    defer { directory.close() }
    try write("certs/a", 1)
    // Names of one file: quick to make, and read once.
    for number in 10_000..<20_000 { try directory.link(Path("a"), to: Path(Array("b\(number)".utf8))) }
    let inputs = try inputs()
    #expect(sources(inputs) == ["/certs/a"] && inputs.areIncomplete)
    #expect(
      problems(inputs).count == 1 && problems(inputs)[0].contains("more than 10000 files and directories"))
    #expect(problems(inputs)[0].hasPrefix("error /certs/b19999: "))
  }

  @Test func whatIsNoCertificateIsAnErrorOfItsFileAndTheOthersAreUsed() throws {
    try temporary.write("certs/a.pem", Array("no certificate\n".utf8))
    try write("certs/b.pem", 1)
    let inputs = try inputs()
    #expect(sources(inputs) == ["/certs/b.pem"])
    #expect(problems(inputs).count == 1 && problems(inputs)[0].contains(" /certs/a.pem: "))
  }

  @Test func anExpiredCertificateIsUsedWithAWarning() throws {
    try write("certs/a.pem", 1)
    // It ends in 2040.
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
}
