import Testing
import Text

@testable import Certificates

/// NIST's examples, and lengths around the end of a block.
@Test(arguments: [
  ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
  ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
  (
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
  ),
  (
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
    "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
  ),
])
func theDigestOfATextIsNISTs(text: String, hex: String) {
  #expect(Fingerprint(of: bytes(text)).hex == Text(utf8: Array(hex.utf8)))
}

/// Repeated bytes: NIST's long messages, and every length of padding.
@Test(arguments: [
  (0xBD, 1, "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b"),
  (0x00, 55, "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7"),
  (0x00, 56, "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb"),
  (0x00, 57, "65a16cb7861335d5ace3c60718b5052e44660726da4cd13bb745381b235a1785"),
  (0x00, 64, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"),
  (0x00, 1000, "541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53"),
  (0x41, 1000, "c2e686823489ced2017f6059b8b239318b6364f6dcd835d0a519105a1eadd6e4"),
  (0x55, 1005, "f4d62ddec0f3dd90ea1380fa16a5ff8dc4c54b21740650f24afc4120903552b0"),
  (0x00, 1_000_000, "d29751f2649b32ff572b5e0a9f541ea660a50f94ff0beedfb0b692b924cc8025"),
  (0x61, 1_000_000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
])
func theDigestOfARepeatedByteIsNISTs(byte: UInt8, count: Int, hex: String) {
  #expect(Fingerprint(of: [UInt8](repeating: byte, count: count)).hex == Text(utf8: Array(hex.utf8)))
}

@Test func aFingerprintIsAlsoWrittenAsOpenSSLPrintsIt() {
  let text = String(decoding: Fingerprint(of: []).colonHex.utf8, as: UTF8.self)
  #expect(text.hasPrefix("E3:B0:C4:42:98:FC"))
  #expect(text.hasSuffix(":52:B8:55"))
  #expect(text.count == 95)
}

@Test func fingerprintsAreOrderedAsTheirHexIs() {
  let fingerprints = (0..<200).map { Fingerprint(of: [UInt8($0)]) }
  let byValue = fingerprints.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }.map {
    String(decoding: $0.hex.utf8, as: UTF8.self)
  }
  #expect(byValue == byValue.sorted())
}
