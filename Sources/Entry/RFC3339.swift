import Text

/// Times as text.
///
/// - Source: RFC 3339 §5.6; the civil calendar from days as in ISO 8601.
enum RFC3339 {
  /// `seconds` since the epoch in UTC, to the second, with `Z`.
  static func text(_ seconds: Int64) -> Text {
    let days = floorDivide(seconds, 86400)
    let second = seconds - days * 86400
    let (year, month, day) = date(days)
    let date: Text = "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2))"
    return "\(date)T\(digits(second / 3600, 2)):\(digits(second / 60 % 60, 2)):\(digits(second % 60, 2))Z"
  }

  /// The date `days` after 1970-01-01, counted in eras of 400 years that begin on 1 March.
  private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = floorDivide(shifted, 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }

  private static func floorDivide(_ number: Int64, _ divisor: Int64) -> Int64 {
    number >= 0 ? number / divisor : -((-number + divisor - 1) / divisor)
  }

  private static func digits(_ number: Int64, _ width: Int) -> Text {
    Text(utf8: decimal(number, width: width))
  }
}
