import Text

/// Base64 as OpenSSL's `EVP_DecodeUpdate` reads it: white space anywhere, at most two `=` and only
/// at the end, a multiple of four characters in all, and bits that are left over may be anything.
/// A hyphen, which to OpenSSL ends the data, is refused: what follows it would be lost without a word.
///
/// - Source: RFC 4648 §4, RFC 7468 §3; OpenSSL's EVP_DecodeInit(3).
enum Base64 {
  /// Decodes `text`.
  /// - Returns: nil where it is not Base64.
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
            // Three bytes for four characters: never more than the capacity asked for.
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

  /// Decodes whole lines of whole quanta, as nearly all PEM is written: LF or CRLF, padding only at the end.
  /// - Parameters:
  ///   - output: where the bytes go, and a few more that mean nothing; what does not fit is not decoded.
  /// - Returns: how many bytes there are, how many lines, and how far it is to the first line that begins with
  ///   `-`; nil where the text is written in any other way.
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

  /// Decodes lines of 64 characters and LF, as nearly all are.
  /// - Returns: how many.
  private static func decodeFullLines(
    _ text: Span<UInt8>, from position: Int, into output: inout MutableSpan<UInt8>, at end: Int
  ) -> Int {
    // Two bytes more than a line holds are written, and the next line is written over them.
    let limit = min((text.count - position) / 65, (output.count - end - 2) / 48)
    var lines = 0
    text.withUnsafeBytes { text in
      output.withUnsafeMutableBytes { output in
        guard limit > 0, var from = text.baseAddress, var to = output.baseAddress else { return }
        from += position
        to += end
        // In bounds: that many lines are in the text, and room for what they hold and two bytes in the output.
        while lines < limit {
          if (from + 64).load(as: UInt8.self) != newline { return }
          // What was written then means nothing.
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

  /// Decodes quanta up to the first that is none, or that does not fit.
  /// - Returns: where in the text and in the output it has come to.
  private static func decodeQuanta(
    _ text: Span<UInt8>, from position: Int, into output: inout MutableSpan<UInt8>, at end: Int,
    _ values: UnsafeBufferPointer<UInt32>
  ) -> (position: Int, end: Int) {
    var (position, end) = (position, end)
    text.withUnsafeBytes { text in
      output.withUnsafeMutableBytes { output in
        // In bounds: the loop asks for the characters that it reads and for room for all that it writes, which is
        // a byte more than is meant. The next store writes over it.
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

  /// Decodes sixteen characters. Writes twelve bytes, and two more that mean nothing.
  ///
  /// Called, as it has more constants than there are registers: laid out, it would load each of them anew.
  /// - Returns: 0 unless a character stands for nothing.
  @inline(never)
  private static func decode(_ text: UnsafeRawPointer, into output: UnsafeMutableRawPointer) -> UInt64 {
    let characters = text.loadUnaligned(as: SIMD16<Int8>.self)
    // From each character to its value there is one step for all of a kind, and none is 0.
    let lower = bits(characters .> all(0x60)) & bits(characters .< all(0x7B)) & all(-71)
    let upper = bits(characters .> all(0x40)) & bits(characters .< all(0x5B)) & all(-65)
    let digits = bits(characters .> all(0x2F)) & bits(characters .< all(0x3A)) & all(4)
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
    // Of each eight, six bytes with the first of them highest, and then two that mean nothing.
    let eights = unsafeBitCast(twentyFour, to: SIMD2<UInt64>.self)
    output.storeBytes(of: (eights.x &<< 40 | eights.x &>> 16).bigEndian, as: UInt64.self)
    output.storeBytes(of: (eights.y &<< 40 | eights.y &>> 16).bigEndian, toByteOffset: 6, as: UInt64.self)
    return areNone.x | areNone.y
  }

  /// The three bytes that four characters stand for, the first of them highest; nil where they are no quantum.
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

  /// The last quantum where it ends with `=`: one or two bytes.
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

  /// What each byte stands for: below 64 its six bits. All others have bits that show however they are shifted.
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

  /// Appends `bytes` in lines of 64 characters, each with a newline.
  static func appendLines(of bytes: ArraySlice<UInt8>, to text: inout [UInt8]) {
    let characters = (bytes.count + 2) / 3 * 4
    let lines = [UInt8](unsafeUninitializedCapacity: characters + (characters + 63) / 64) { output, count in
      let bytes = bytes.span
      alphabet.withUTF8Buffer { alphabet in
        var position = 0
        while position < bytes.count {
          let left = bytes.count - position
          let first = UInt32(bytes[position]) << 16
          let second = left > 1 ? UInt32(bytes[position + 1]) << 8 : 0
          let quantum = first | second | (left > 2 ? UInt32(bytes[position + 2]) : 0)
          output[count] = alphabet[Int(quantum >> 18)]
          output[count + 1] = alphabet[Int(quantum >> 12 & 63)]
          output[count + 2] = left > 1 ? alphabet[Int(quantum >> 6 & 63)] : UInt8(ascii: "=")
          output[count + 3] = left > 2 ? alphabet[Int(quantum & 63)] : UInt8(ascii: "=")
          position += 3
          count += 4
          if position % 48 == 0 || position >= bytes.count {
            output[count] = newline
            count += 1
          }
        }
      }
    }
    text += lines
  }
}

// Vectors throughout: operators on a vector and a number, or on masks, are compiled as loops.

@inline(__always)
private func all(_ byte: Int8) -> SIMD16<Int8> { SIMD16(repeating: byte) }

@inline(__always)
private func bits(_ mask: SIMDMask<SIMD16<Int8>>) -> SIMD16<Int8> {
  unsafeBitCast(mask, to: SIMD16<Int8>.self)
}

/// Bytes as Base64 in one line.
/// - Source: RFC 4648 §4.
public func base64(_ bytes: [UInt8]) -> Text {
  var lines: [UInt8] = []
  Base64.appendLines(of: bytes[...], to: &lines)
  lines.removeAll { $0 == newline }
  return Text(utf8: lines)
}
