import Text

/// The parts of a UTCTime or GeneralizedTime.
///
/// Only the two forms that RFC 5280 allows are times: others are refused by GnuTLS and Java, and without seconds by
/// OpenSSL 3.3 and later, with the whole bundle.
/// - Source: RFC 5280 §4.1.2.5: `YYMMDDHHMMSSZ`, `YYYYMMDDHHMMSSZ`.
private struct Moment {
  var century = 0
  /// Year in its century, month, day, hour, minute, second: none above 99.
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
    // Two digits mean the years from 1950 to 2049.
    if isUTC { century = pairs.year < 50 ? 20 : 19 }
    guard hasOnlyDigits, pairs.month >= 1, pairs.month <= 12, pairs.day >= 1, pairs.hour < 24,
      pairs.minute < 60, pairs.second < 60,
      pairs.day <= 28 || Int64(pairs.day) <= daysIn(Int64(pairs.month), of: Int64(year))
    else { return nil }
  }
}

/// The seconds since the epoch that a UTCTime or GeneralizedTime means; nil where it is none.
func seconds(_ bytes: Span<UInt8>, _ time: DER.Element) -> Int64? {
  guard let moment = Moment(bytes, time) else { return nil }
  let (_, month, day, hour, minute, second) = moment.pairs
  let days = daysSinceEpoch(Int64(moment.year), Int64(month), Int64(day))
  return days * 86400 + Int64(hour * 3600 + minute * 60 + second)
}

/// Whether `seconds` is not nil, without the days' being counted.
func hasTime(_ bytes: Span<UInt8>, _ time: DER.Element) -> Bool { Moment(bytes, time) != nil }
