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
      pairs.minute < 60, pairs.second < 60, pairs.day <= 28 || pairs.day <= daysIn(pairs.month, of: year)
    else { return nil }
  }
}

/// The seconds since the epoch that a UTCTime or GeneralizedTime means; nil where it is none.
func seconds(_ bytes: Span<UInt8>, _ time: DER.Element) -> Int64? {
  guard let moment = Moment(bytes, time) else { return nil }
  let days = daysSinceEpoch(moment.year, moment.pairs.month, moment.pairs.day)
  return Int64(days * 86400 + moment.pairs.hour * 3600 + moment.pairs.minute * 60 + moment.pairs.second)
}

/// Whether `seconds` is not nil, without the days' being counted.
func hasTime(_ bytes: Span<UInt8>, _ time: DER.Element) -> Bool { Moment(bytes, time) != nil }

private func daysIn(_ month: Int, of year: Int) -> Int {
  switch month {
  case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
  case 4, 6, 9, 11: 30
  default: 31
  }
}

/// Counted in eras of 400 years whose years begin on 1 March. No year here is before 0.
private func daysSinceEpoch(_ year: Int, _ month: Int, _ day: Int) -> Int {
  let year = month <= 2 ? year - 1 : year
  let era = (year >= 0 ? year : year - 399) / 400
  let yearOfEra = year - era * 400
  let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
  let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}
