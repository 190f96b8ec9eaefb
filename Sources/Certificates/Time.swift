import Text

/// The seconds since the epoch that a UTCTime or GeneralizedTime means.
///
/// Seconds may be missing and an offset may stand for `Z`, as in some old roots.
/// - Source: RFC 5280 §4.1.2.5; X.680 §46 and §47.
/// - Returns: nil where it is no time.
func seconds(_ text: ArraySlice<UInt8>, _ tag: UInt8) -> Int64? {
  var digits = Digits(rest: text)
  guard var year = tag == Tag.utcTime ? digits.take(2) : digits.take(4) else { return nil }
  // Two digits mean the years from 1950 to 2049.
  if tag == Tag.utcTime { year += year < 50 ? 2000 : 1900 }
  guard let month = digits.take(2), let day = digits.take(2), let hour = digits.take(2),
    let minute = digits.take(2),
    (1...12).contains(month), (1...daysIn(month, of: year)).contains(day), hour < 24, minute < 60
  else { return nil }
  let second = digits.take(2) ?? 0
  guard second <= 60 else { return nil }
  if digits.rest.first == UInt8(ascii: ".") {
    digits.rest = digits.rest.dropFirst().drop { $0.isDigit }
  }
  guard let offset = digits.takeOffset() else { return nil }
  return daysSinceEpoch(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset
}

private struct Digits {
  var rest: ArraySlice<UInt8>

  mutating func take(_ count: Int) -> Int64? {
    guard rest.count >= count, let number = rest.prefix(count).decimal(upTo: 9999) else { return nil }
    rest = rest.dropFirst(count)
    return Int64(number)
  }

  /// What is left must be `Z`, or the hours and minutes that the time is ahead of or behind UTC.
  mutating func takeOffset() -> Int64? {
    let sign = rest.popFirst()
    if sign == UInt8(ascii: "Z") { return rest.isEmpty ? 0 : nil }
    guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"), let hours = take(2), let minutes = take(2),
      rest.isEmpty
    else { return nil }
    let offset = hours * 3600 + minutes * 60
    return sign == UInt8(ascii: "+") ? offset : -offset
  }
}
