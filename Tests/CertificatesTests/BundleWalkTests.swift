import Testing
import Text

@testable import Certificates

private let one = pem(MadeCertificate.numbered(1).der)
private let two = pem(MadeCertificate.numbered(2).der)
private let long = MadeCertificate(subject: Name.commonName("A CA of another length")).der

/// What a walk over a whole text finds.
private struct Found: Equatable {
  var steps: [BundleWalk.Step] = []
  var ders: [[UInt8]] = []
  var certificateCount = 0
  var faultLine: Int?
  var fault: CertificateFault?
}

/// Walks over a text and skips each marker.
/// - Parameter sizes: the sizes of the pieces, used in turn; nil for the whole text at once.
private func found(_ text: [UInt8], sizes: [Int]? = nil) -> Found {
  var walk = BundleWalk(.all, lengths: Array(300...2000), over: sizes == nil ? text : nil)
  var found = Found()
  var given = 0
  var piece = 0
  while true {
    let step = walk.next()
    if step == .needsMore, let sizes {
      walk.refill { window, room in
        let count = min(room, sizes[piece % sizes.count], text.count - given)
        window += text[given..<(given + count)]
        given += count
        piece += 1
        return given == text.count
      }
      continue
    }
    found.steps.append(step)
    switch step {
    case .certificate: found.ders.append(Array(walk.der))
    case .mark: walk.skip(1)
    case .needsMore, .end, .irregular:
      found.certificateCount = walk.certificateCount
      (found.faultLine, found.fault) = (walk.fault?.line, walk.fault?.reason)
      return found
    }
  }
}

@Test(
  arguments: [
    ("nothing", [], [.end]),
    ("a block", one, [.certificate, .end]),
    (
      "blocks and comments", bytes("# one\n\n") + one + bytes("two\n") + two,
      [.certificate, .certificate, .end]
    ),
    ("a comment without its newline", one + bytes("# the end"), [.certificate, .end]),
    ("a mark", one + bytes("# >>> psm-entry\n") + two, [.certificate, .mark, .certificate, .end]),
    ("another mark", bytes("# <<<\n"), [.mark, .end]),
    ("no mark", bytes("## >\n#>\n#\n# \n# x >>>\n"), [.end]),
    ("a block without its last newline", Array(one.dropLast()), [.irregular]),
    ("joined lines", Array(one.dropLast()) + two, [.irregular]),
    ("CRLF", pem(MadeCertificate.numbered(1).der, ending: "\r\n"), [.irregular]),
    ("other columns", pem(MadeCertificate.numbered(1).der, columns: 76), [.certificate, .end]),
    ("another label", pem(MadeCertificate.numbered(1).der, "X509 CRL"), [.irregular]),
    ("another line of dashes", bytes("-----\n"), [.irregular]),
    ("no certificate", pem(bytes("no DER at all")), [.irregular]),
    ("no contents", bytes("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), [.irregular]),
    ("a line of nothing", [0, 0x0A], [.irregular]),
    ("a byte order mark", [0xEF, 0xBB, 0xBF] + one, [.irregular]),
    ("the longest line", [UInt8](repeating: 0x78, count: 252) + [0x0A], [.end]),
    ("a longer line", [UInt8](repeating: 0x78, count: 253) + [0x0A], [.irregular]),
    ("more than any usual certificate has", pem([UInt8](repeating: 0x30, count: 4000)), [.irregular]),
  ] as [(String, [UInt8], [BundleWalk.Step])])
func eachLineIsAStep(name: String, text: [UInt8], steps: [BundleWalk.Step]) {
  #expect(found(text).steps == steps, "\(name)")
  #expect(found(text, sizes: [1]) == found(text), "\(name)")
}

/// The verdict of `found` on a text with single damaged bytes, and on the same text in pieces.
@Test func aRegularTextIsWhatTheReaderOfWholeTextsSaysInWhateverPieces() {
  let base = bytes("# Corp\n") + one + bytes("\n") + pem(long) + bytes("# the end\n")
  var numbers = SeededBytes()
  var regular = 0
  for place in base.indices {
    for byte in [0x00, 0x0A, 0x2D, base[place] ^ 1, base[place] ^ 0x20] as [UInt8] {
      var text = base
      text[place] = byte
      let whole = found(text)
      let pieces = (0..<3).map { _ in 1 + Int(numbers.next()) * 3 }
      #expect(found(text, sizes: pieces) == whole, "byte \(place) is \(byte)")
      if whole.steps.last == .irregular { continue }
      regular += 1
      let contents = BundleContents(reading: text)
      #expect(contents.damage == nil, "byte \(place) is \(byte)")
      #expect(contents.certificates.count == whole.certificateCount)
      #expect(ders(in: contents) == whole.ders)
      #expect(contents.fault?.line == whole.faultLine && contents.fault?.reason == whole.fault)
    }
  }
  // Some, but not all.
  #expect(regular > base.count && regular < base.count * 5)
}

@Test func aFaultIsToldWithItsLine() {
  // Version 2 with extensions, which GnuTLS and Java refuse.
  let der = MadeCertificate.numbered(1).der
  let version = bytes("\u{02}\u{01}\u{02}")
  guard let place = der.indices.dropLast(3).first(where: { Array(der[$0..<($0 + 3)]) == version }) else {
    return #expect(Bool(false), "a certificate of version 3")
  }
  var faulty = der
  faulty[place + 2] = 1
  let text = bytes("# one\n") + two + bytes("\n") + pem(faulty) + one
  let whole = found(text)
  #expect(whole.fault != nil && whole.faultLine == BundleContents(reading: text).fault?.line)
  #expect(found(text, sizes: [1]) == whole)
}

@Test func oneByteAtATimeIsTheWholeText() {
  let text = bytes("# Corp\n") + one + bytes("# >>>\n") + pem(long) + two
  for size in [1, 2, 3, 7, 64, 1000, 4608, 16384] { #expect(found(text, sizes: [size]) == found(text)) }
}

/// The same numbers in every run.
private struct SeededBytes {
  private var state: UInt64 = 1

  mutating func next() -> UInt8 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return UInt8(truncatingIfNeeded: state >> 56)
  }
}
