import Text

/// The parts of a UTCTime or GeneralizedTime.
///
/// Only the two forms that RFC 5280 allows are valid. For any other, GnuTLS and Java refuse the whole bundle; so do
/// OpenSSL 3.3 and later where the seconds are missing.
/// - Source: RFC 5280 §4.1.2.5: `YYMMDDHHMMSSZ`, `YYYYMMDDHHMMSSZ`.
private struct Moment {
  var century = 0
  /// Year in its century, month, day, hour, minute, second: each at most 99.
  var pairs: (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int)

  var year: Int { century * 100 + pairs.year }

  init?(_ bytes: Span<UInt8>, _ time: DER.Element) {
    let isUTC = time.tag == Tag.utcTime
    guard time.content.count == (isUTC ? 13 : 15), bytes[time.content.upperBound - 1] == UInt8(ascii: "Z")
    else { return nil }
    var position = time.content.lowerBound
    var hasOnlyDigits = true
    func pair() -> Int {
      let (tens, ones) = (bytes[position] &- UInt8(ascii: "0"), bytes[position &+ 1] &- UInt8(ascii: "0"))
      position &+= 2
      if tens > 9 || ones > 9 { hasOnlyDigits = false }
      return Int(tens) &* 10 &+ Int(ones)
    }
    if !isUTC { century = pair() }
    pairs = (pair(), pair(), pair(), pair(), pair(), pair())
    // A year of two digits is from 1950 to 2049.
    if isUTC { century = pairs.year < 50 ? 20 : 19 }
    guard hasOnlyDigits, pairs.month >= 1, pairs.month <= 12, pairs.day >= 1, pairs.hour < 24,
      pairs.minute < 60, pairs.second < 60,
      pairs.day <= 28 || Int64(pairs.day) <= daysIn(Int64(pairs.month), of: Int64(year))
    else { return nil }
  }
}

/// A UTCTime or GeneralizedTime in seconds since the epoch; nil if it is malformed.
func seconds(_ bytes: Span<UInt8>, _ time: DER.Element) -> Int64? {
  guard let moment = Moment(bytes, time) else { return nil }
  let (_, month, day, hour, minute, second) = moment.pairs
  let days = daysSinceEpoch(Int64(moment.year), Int64(month), Int64(day))
  return days * 86400 + Int64(hour * 3600 + minute * 60 + second)
}

/// Whether `seconds` is not nil, found without counting days.
func hasTime(_ bytes: Span<UInt8>, _ time: DER.Element) -> Bool {
  isUsualTime(bytes, time) || Moment(bytes, time) != nil
}

/// Whether it is a UTCTime on one of the first 28 days of a month, as nearly all are. Four numbers of two digits are
/// checked at once, each in 16 bits, the first one lowest.
private func isUsualTime(_ bytes: Span<UInt8>, _ time: DER.Element) -> Bool {
  let (start, end) = (time.content.lowerBound, time.content.upperBound)
  guard time.tag == Tag.utcTime, end - start == 13, bytes[end - 1] == UInt8(ascii: "Z") else { return false }
  let (date, clock) = bytes.withUnsafeBytes { bytes in
    // In bounds, since the last index is.
    (
      bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self),
      bytes.loadUnaligned(fromByteOffset: start + 4, as: UInt64.self)
    )
  }
  guard let date = fourPairs(date), let clock = fourPairs(clock) else { return false }
  // Year, month, day and hour; day, hour, minute and second. A value out of range sets the highest bit of its 16.
  let tooMuch = (date &+ 0x0000_7FE3_7FF3_0000) | (clock &+ 0x7FC4_7FC4_7FE8_7FE3)
  let tooLittle = (date | 0x8000_8000_8000_8000) &- 0x0000_0001_0001_0000
  return tooMuch & 0x8000_8000_8000_8000 == 0 && ~tooLittle & 0x8000_8000_8000_8000 == 0
}

/// The four numbers of two digits in eight characters, each in 16 bits; nil if one is not a digit. The first character
/// is the lowest byte: all supported machines are little-endian.
@inline(__always)
private func fourPairs(_ characters: UInt64) -> UInt64? {
  let digits = characters &- 0x3030_3030_3030_3030
  // A byte below "0" or above "9" sets, in one of the three, its own highest bit or that of the next byte.
  if (digits | (characters &+ 0x4646_4646_4646_4646) | characters) & 0x8080_8080_8080_8080 != 0 { return nil }
  return (digits &* 10 &+ digits >> 8) & 0x00FF_00FF_00FF_00FF
}
