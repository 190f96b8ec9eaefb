import Text

/// Base64 as OpenSSL's `EVP_DecodeUpdate` reads it: white space is allowed anywhere, at most two `=` are allowed and
/// only at the end, the number of characters is a multiple of four, and unused bits may have any value. A hyphen, which
/// ends the data for OpenSSL, is refused: what follows it would be lost silently.
///
/// - Source: RFC 4648 §4, RFC 7468 §3; OpenSSL's EVP_DecodeInit(3).
enum Base64 {
  /// Decodes `text`.
  /// - Returns: nil if `text` is not valid Base64.
  static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var isValid = false
    let decoded = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3 + 3) { output, count in
      text.withUnsafeBufferPointer { isValid = decode($0, into: output, &count) }
    }
    return isValid ? decoded : nil
  }

  private static func decode(
    _ text: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>, _ count: inout Int
  ) -> Bool {
    var quantum: UInt32 = 0
    var characters = 0
    var padding = 0
    return values.withUnsafeBufferPointer { values in
      for byte in text {
        let value = values[Int(byte)]
        if value < 64 {
          if padding > 0 { return false }
          quantum = quantum << 6 | value
          characters &+= 1
          if characters & 3 == 0 {
            // Four characters become at most three bytes, so this never exceeds the reserved capacity.
            output[count] = UInt8(truncatingIfNeeded: quantum >> 16)
            output[count &+ 1] = UInt8(truncatingIfNeeded: quantum >> 8)
            output[count &+ 2] = UInt8(truncatingIfNeeded: quantum)
            count &+= 3
          }
        } else if byte == UInt8(ascii: "=") {
          padding &+= 1
          if padding > 2 { return false }
        } else if value != space {
          return false
        }
      }
      if (characters &+ padding) & 3 != 0 { return false }
      switch padding {
      case 1:
        output[count] = UInt8(truncatingIfNeeded: quantum >> 10)
        output[count &+ 1] = UInt8(truncatingIfNeeded: quantum >> 2)
        count &+= 2
      case 2:
        output[count] = UInt8(truncatingIfNeeded: quantum >> 4)
        count &+= 1
      default: break
      }
      return true
    }
  }

  /// Decodes complete lines of complete quanta, which is how nearly all PEM is written: LF or CRLF, and padding only at
  /// the end.
  /// - Parameters:
  ///   - output: receives the bytes, followed by a few meaningless ones; what does not fit is not decoded.
  /// - Returns: the number of bytes, the number of lines, and the offset of the first line that begins with `-`; nil if
  ///   the text is written in any other way.
  static func decodeLines(
    _ text: Span<UInt8>, into output: inout [UInt8]
  ) -> (count: Int, lines: Int, length: Int)? {
    var output = output.mutableSpan
    var (position, lines, end) = (0, 0, 0)
    return values.withUnsafeBufferPointer { values in
      while true {
        let fullLines = decodeFullLines(text, from: position, into: &output, at: end)
        lines += fullLines
        position += 65 * fullLines
        end += 48 * fullLines
        if lines > 0 {
          if position >= text.count { return nil }
          if text[position] == UInt8(ascii: "-") { return (end, lines, position) }
          if values[Int(text[position])] > 63 { return nil }
        }
        (position, end) = decodeQuanta(text, from: position, into: &output, at: end, values)
        var isPadded = false
        if let padding = paddedQuantum(text, position, values), output.count - end >= padding.count {
          output[end] = padding.bytes.0
          if padding.count == 2 { output[end + 1] = padding.bytes.1 }
          end += padding.count
          position += 4
          isPadded = true
        }
        if position < text.count && text[position] == UInt8(ascii: "\r") { position += 1 }
        guard position + 1 < text.count, text[position] == newline else { return nil }
        position += 1
        lines += 1
        if isPadded && text[position] != UInt8(ascii: "-") { return nil }
      }
    }
  }

  /// Decodes lines of 64 characters that end with LF, the usual form.
  /// - Returns: the number of lines decoded.
  private static func decodeFullLines(
    _ text: Span<UInt8>, from position: Int, into output: inout MutableSpan<UInt8>, at end: Int
  ) -> Int {
    // Each line is written with two surplus bytes, which the next line overwrites.
    let limit = min((text.count - position) / 65, (output.count - end - 2) / 48)
    var lines = 0
    text.withUnsafeBytes { text in
      output.withUnsafeMutableBytes { output in
        guard limit > 0, var from = text.baseAddress, var to = output.baseAddress else { return }
        from += position
        to += end
        // In bounds: the text has that many lines, and the output has room for their bytes and two more.
        while lines < limit {
          if (from + 64).load(as: UInt8.self) != newline { return }
          // The bytes just written are meaningless then.
          if decode(from, into: to) | decode(from + 16, into: to + 12) | decode(from + 32, into: to + 24)
            | decode(from + 48, into: to + 36) != 0
          {
            return
          }
          from += 65
          to += 48
          lines &+= 1
        }
      }
    }
    return lines
  }

  /// Decodes quanta up to the first that is invalid or does not fit.
  /// - Returns: the positions reached in the text and in the output.
  private static func decodeQuanta(
    _ text: Span<UInt8>, from position: Int, into output: inout MutableSpan<UInt8>, at end: Int,
    _ values: UnsafeBufferPointer<UInt32>
  ) -> (position: Int, end: Int) {
    var (position, end) = (position, end)
    text.withUnsafeBytes { text in
      output.withUnsafeMutableBytes { output in
        // In bounds: the loop condition covers every character read and every byte written, including one surplus byte,
        // which the next store overwrites.
        while text.count &- position >= 4 && output.count &- end >= 4 {
          let characters = text.loadUnaligned(fromByteOffset: position, as: UInt32.self)
          let first = values[Int(characters & 0xFF)] << 18 | values[Int(characters >> 8 & 0xFF)] << 12
          let bits = first | values[Int(characters >> 16 & 0xFF)] << 6 | values[Int(characters >> 24)]
          if bits >> 24 != 0 { break }
          output.storeBytes(of: (bits << 8).bigEndian, toByteOffset: end, as: UInt32.self)
          position &+= 4
          end &+= 3
        }
      }
    }
    return (position, end)
  }

  /// Decodes sixteen characters. Writes twelve bytes and two meaningless ones.
  ///
  /// Not inlined: it has more constants than there are registers, and each inlined copy would load all of them.
  /// - Returns: 0 unless a character is not in the alphabet.
  @inline(never)
  private static func decode(_ text: UnsafeRawPointer, into output: UnsafeMutableRawPointer) -> UInt64 {
    let characters = text.loadUnaligned(as: SIMD16<Int8>.self)
    // Each kind of character has one offset from character to value, and no offset is 0.
    let lower = step(-71, for: characters, from: 0x61, count: 26)
    let upper = step(-65, for: characters, from: 0x41, count: 26)
    let digits = step(4, for: characters, from: 0x30, count: 10)
    let signs = bits(characters .== all(0x2B)) & all(19) | bits(characters .== all(0x2F)) & all(16)
    let steps = lower | upper | digits | signs
    let areNone = unsafeBitCast(steps .== all(0), to: SIMD2<UInt64>.self)
    // Little-endian: the first character is the lowest of each pair, the first pair of each four.
    let pairs = unsafeBitCast(characters &+ steps, to: SIMD8<UInt16>.self)
    let twelve =
      (pairs &<< SIMD8(repeating: 6) | pairs &>> SIMD8(repeating: 8)) & SIMD8(repeating: 0x0FFF)
    let fours = unsafeBitCast(twelve, to: SIMD4<UInt32>.self)
    let twentyFour =
      (fours &<< SIMD4(repeating: 12) | fours &>> SIMD4(repeating: 16)) & SIMD4(repeating: 0x00FF_FFFF)
    // Each group of eight has six bytes, the first one highest, and then two meaningless ones.
    let eights = unsafeBitCast(twentyFour, to: SIMD2<UInt64>.self)
    output.storeBytes(of: (eights.x &<< 40 | eights.x &>> 16).bigEndian, as: UInt64.self)
    output.storeBytes(of: (eights.y &<< 40 | eights.y &>> 16).bigEndian, toByteOffset: 6, as: UInt64.self)
    return areNone.x | areNone.y
  }

  /// The three bytes that four characters encode, the first one highest; nil if they are not a quantum.
  static func quantum(_ text: Span<UInt8>, at position: Int) -> UInt32? {
    if text.count - position < 4 { return nil }
    var bits: UInt32 = 0
    for place in 0..<4 {
      let value = values[Int(text[position + place])]
      if value > 63 { return nil }
      bits = bits << 6 | value
    }
    return bits
  }

  /// The last quantum, if it ends with `=`: one or two bytes.
  private static func paddedQuantum(
    _ text: Span<UInt8>, _ position: Int, _ values: UnsafeBufferPointer<UInt32>
  ) -> (bytes: (UInt8, UInt8), count: Int)? {
    guard text.count - position >= 4, text[position + 3] == UInt8(ascii: "=") else { return nil }
    let isShort = text[position + 2] == UInt8(ascii: "=")
    let last = isShort ? 0 : values[Int(text[position + 2])]
    let bits = values[Int(text[position])] << 12 | values[Int(text[position + 1])] << 6 | last
    if bits >> 18 != 0 { return nil }
    let bytes = (UInt8(truncatingIfNeeded: bits >> 10), UInt8(truncatingIfNeeded: bits >> 2))
    return (bytes, isShort ? 1 : 2)
  }

  private static let space = UInt32.max - 1

  /// The value of each byte: its six bits, or, outside the alphabet, a value whose marker bits survive every shift.
  private static let values: [UInt32] = {
    var values = [UInt32](repeating: .max, count: 256)
    for byte in [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n")] {
      values[Int(byte)] = space
    }
    for (value, byte) in alphabet.bytes.enumerated() { values[Int(byte)] = UInt32(value) }
    return values
  }()

  private static let alphabet: StaticString =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

  /// Appends `bytes` as lines of 64 characters, each ending with a newline.
  static func appendLines(of bytes: ArraySlice<UInt8>, to text: inout [UInt8]) {
    let characters = (bytes.count + 2) / 3 * 4
    text.append(addingCapacity: characters + (characters + 63) / 64) { output in
      alphabet.withUTF8Buffer { alphabet in
        bytes.withUnsafeBufferPointer { encode($0, alphabet, into: &output) }
      }
    }
  }

  /// Encodes `bytes`. `output` must have room for the characters and for a newline after each line.
  private static func encode(
    _ bytes: UnsafeBufferPointer<UInt8>, _ alphabet: UnsafeBufferPointer<UInt8>,
    into output: inout OutputSpan<UInt8>
  ) {
    output.withUnsafeMutableBufferPointer { output, count in
      func append(_ quantum: UInt32) {
        output[count] = alphabet[Int(quantum >> 18)]
        output[count &+ 1] = alphabet[Int(quantum >> 12 & 63)]
        output[count &+ 2] = alphabet[Int(quantum >> 6 & 63)]
        output[count &+ 3] = alphabet[Int(quantum & 63)]
        count &+= 4
      }
      var position = 0
      while position < bytes.count {
        let end = min(position &+ 48, bytes.count)
        while end &- position >= 3 {
          let (high, middle, low) = (bytes[position], bytes[position &+ 1], bytes[position &+ 2])
          append(UInt32(high) << 16 | UInt32(middle) << 8 | UInt32(low))
          position &+= 3
        }
        if position < end {
          let isShort = end &- position == 1
          append(UInt32(bytes[position]) << 16 | (isShort ? 0 : UInt32(bytes[position &+ 1]) << 8))
          output[count &- 1] = UInt8(ascii: "=")
          if isShort { output[count &- 2] = UInt8(ascii: "=") }
          position = end
        }
        output[count] = newline
        count &+= 1
      }
    }
  }
}

// Vectors throughout: operators between a vector and a number, or between masks, compile to loops.

@inline(__always)
private func all(_ byte: Int8) -> SIMD16<Int8> { SIMD16(repeating: byte) }

/// `step` for each character of the range that begins with `first` and has `count` characters, and 0 for all others. The
/// difference to the range's first character, subtracted from 127, is in the range exactly if it is above 127 - `count`: one
/// comparison tests both ends.
@inline(__always)
private func step(
  _ step: Int8, for characters: SIMD16<Int8>, from first: Int8, count: Int8
) -> SIMD16<Int8> {
  bits(all(first &+ 127) &- characters .> all(127 &- count)) & all(step)
}

@inline(__always)
private func bits(_ mask: SIMDMask<SIMD16<Int8>>) -> SIMD16<Int8> {
  unsafeBitCast(mask, to: SIMD16<Int8>.self)
}

/// Encodes bytes as one line of Base64.
/// - Source: RFC 4648 §4.
public func base64(_ bytes: [UInt8]) -> Text {
  var lines: [UInt8] = []
  Base64.appendLines(of: bytes[...], to: &lines)
  lines.removeAll { $0 == newline }
  return Text(utf8: lines)
}
