import Text

/// Whether the text is an IPv4 address: four numbers up to 255, separated by dots. Leading zeros are refused: some
/// clients read such a number as octal, others as decimal.
/// - Source: RFC 3986 §3.2.2.
func isIPv4Address(_ text: ArraySlice<UInt8>) -> Bool {
  guard text.count <= 15 else { return false }
  let parts = text.parts(between: ".", keepsEmpty: true)
  return parts.count == 4
    && parts.allSatisfy { $0.decimal(upTo: 255) != nil && ($0.count == 1 || $0.first != 0x30) }
}

/// Whether the text is an IPv6 address without brackets and without a zone.
/// - Source: RFC 4291 §2.2.
func isIPv6Address(_ text: ArraySlice<UInt8>) -> Bool {
  guard text.count <= 45, let first = text.first, let last = text.last else { return false }
  let parts = text.parts(between: ":", keepsEmpty: true)
  guard parts.count >= 3 else { return false }
  let gap = [ASCII.colon, ASCII.colon]
  if first == ASCII.colon && !text.begins(with: "::") { return false }
  if last == ASCII.colon && !text.ends(with: gap) { return false }
  let gaps = parts.dropFirst().dropLast().count { $0.isEmpty }
  var groups = 0
  for (index, part) in parts.enumerated() where !part.isEmpty {
    if index == parts.count - 1 && isIPv4Address(part) {
      groups += 2
    } else if part.count <= 4 && part.allSatisfy({ $0.hexValue != nil }) {
      groups += 1
    } else {
      return false
    }
  }
  return gaps == 0 ? groups == 8 : gaps == 1 && groups <= 7
}

/// Whether an IPv6 address is in its canonical form, in either case of its letters: clients that compare texts expect
/// that.
/// - Source: RFC 5952 §4, except that of two equally long runs of zeros either may be shortened.
func isShortestIPv6Address(_ address: ArraySlice<UInt8>) -> Bool {
  let parts = address.parts(between: ":", keepsEmpty: true)
  var (written, run, longest, previous) = (0, 0, 0, ArraySlice<UInt8>([1]))
  for part in parts {
    if part.has(ASCII.dot) { return false }
    let isZero = part.isEqual(to: "0")
    if part.first == UInt8(ascii: "0") && !isZero { return false }
    if isZero && previous.isEmpty || part.isEmpty && run > 0 { return false }
    run = isZero ? run + 1 : 0
    longest = max(longest, run)
    if !part.isEmpty { written += 1 }
    previous = part
  }
  let shortened = 8 - written
  return shortened == 0 ? longest < 2 : shortened >= 2 && longest <= shortened
}

/// Whether the text can be a host name in ASCII. Underscores are allowed, since names of Compose services have them. A
/// name that ends in a number is refused, because resolvers take it for an IPv4 address.
/// - Source: RFC 1123 §2.1 with the underscore added; WHATWG URL §3.5 for the number at the end.
func isHostName(_ text: ArraySlice<UInt8>) -> Bool {
  let name = text.last == ASCII.dot ? text.dropLast() : text
  guard !name.isEmpty, name.count <= 253 else { return false }
  let labels = name.parts(between: ".", keepsEmpty: true)
  let labelsAreReadable = labels.allSatisfy { label in
    !label.isEmpty && label.count <= 63
      && label.allSatisfy { $0.isLetterOrDigit(or: "-_") }
  }
  return labelsAreReadable && !(labels.last ?? []).allSatisfy { $0.isDigit }
}
