import Text

/// The SHA-256 of a certificate's DER, commonly called its fingerprint.
public struct Fingerprint: Equatable, Sendable {
  /// 32 bytes.
  public let bytes: [UInt8]

  @inline(never)
  public init(of message: [UInt8]) {
    var state = SHA256()
    state.update(message)
    bytes = state.finish()
  }

  /// - Parameter digits: 64 lower-case hex digits; nil for anything else.
  public init?(hex digits: ArraySlice<UInt8>) {
    guard digits.count == 64, let bytes = hexDecoded(digits) else { return nil }
    self.bytes = bytes
  }

  /// 64 lower-case hex digits.
  @inline(never)
  public var hex: Text { Text(utf8: hexDigits(of: bytes[...])) }

  /// Upper-case hex digits with a colon between bytes, as `openssl x509 -fingerprint` prints.
  public var colonHex: Text {
    var text: [UInt8] = []
    for byte in bytes {
      if !text.isEmpty { text.append(UInt8(ascii: ":")) }
      text.append(upperHexDigit(byte >> 4))
      text.append(upperHexDigit(byte & 15))
    }
    return Text(utf8: text)
  }
}

extension SortedBytes {
  /// Fingerprints in the order of their bytes.
  @inline(never)
  public init(of fingerprints: [Fingerprint]) { self.init(fingerprints.map { $0.bytes }) }
}

extension [Certificate] {
  @inline(never)
  public var fingerprints: [Fingerprint] { map { $0.fingerprint } }
}

/// The Secure Hash Algorithm with 256 bits.
///
/// - Source: FIPS 180-4 §5.1.1, §5.3.3, §6.2. All sums are modulo 2^32.
struct SHA256 {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  private var schedule = [UInt32](repeating: 0, count: 64)
  private var rest: [UInt8] = []
  private var length: UInt64 = 0

  /// Hashes the whole message; called once.
  mutating func update(_ message: [UInt8]) {
    length = UInt64(message.count)
    let wholeBlocks = message.count / 64 * 64
    message.withUnsafeBytes { bytes in
      var start = 0
      while start < wholeBlocks {
        compress(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + 64)]))
        start += 64
      }
    }
    rest = Array(message[wholeBlocks...])
  }

  /// Pads the rest and returns the digest.
  mutating func finish() -> [UInt8] {
    appendPadding(to: &rest, ofMessage: length)
    let last = rest
    last.withUnsafeBytes { bytes in
      for start in stride(from: 0, to: bytes.count, by: 64) {
        compress(UnsafeRawBufferPointer(rebasing: bytes[start..<(start + 64)]))
      }
    }
    var digest: [UInt8] = []
    for word in state {
      for shift in stride(from: UInt32(24), through: 0, by: -8) {
        digest.append(UInt8(truncatingIfNeeded: word >> shift))
      }
    }
    return digest
  }

  private mutating func compress(_ block: UnsafeRawBufferPointer) {
    schedule.withUnsafeMutableBufferPointer { w in
      for t in 0..<16 {
        w[t] = UInt32(bigEndian: block.loadUnaligned(fromByteOffset: t * 4, as: UInt32.self))
      }
      for t in 16..<64 {
        let (one, two) = (w[t - 15], w[t - 2])
        let s0 = rotate(one, 7) ^ rotate(one, 18) ^ one >> 3
        let s1 = rotate(two, 17) ^ rotate(two, 19) ^ two >> 10
        w[t] = w[t - 16] &+ s0 &+ w[t - 7] &+ s1
      }
      var (a, b, c, d) = (state[0], state[1], state[2], state[3])
      var (e, f, g, h) = (state[4], state[5], state[6], state[7])
      roundConstants.withUnsafeBufferPointer { k in
        for t in 0..<64 {
          let sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
          let t1 = h &+ sum1 &+ (e & f ^ ~e & g) &+ k[t] &+ w[t]
          let sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
          let t2 = sum0 &+ (a & b ^ a & c ^ b & c)
          (h, g, f, e, d, c, b, a) = (g, f, e, d &+ t1, c, b, a, t1 &+ t2)
        }
      }
      for (index, word) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= word }
    }
  }
}

/// Pads a message, or the rest of it, to complete blocks.
/// - Source: FIPS 180-4 §5.1.1.
/// - Parameter length: the length of the whole message in bytes.
func appendPadding(to rest: inout [UInt8], ofMessage length: UInt64) {
  rest.append(0x80)
  while rest.count % 64 != 56 { rest.append(0) }
  let bits = length &* 8
  for shift in stride(from: UInt64(56), through: 0, by: -8) {
    rest.append(UInt8(truncatingIfNeeded: bits >> shift))
  }
}

/// Rotates to the right.
@inline(__always)
func rotate(_ word: UInt32, _ bits: UInt32) -> UInt32 { word >> bits | word << (32 - bits) }

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes (§4.2.2).
private let roundConstants: [UInt32] = [
  0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
  0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
  0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
  0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
  0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
  0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
  0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
  0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
]
