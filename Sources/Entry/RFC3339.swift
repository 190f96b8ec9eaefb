import Text

/// Times as text.
///
/// - Source: RFC 3339 §5.6.
enum RFC3339 {
  /// `seconds` since the epoch in UTC, to the second, with `Z`.
  static func text(_ seconds: Int64) -> Text {
    let (days, second) = flooredDivision(of: seconds, by: 86400)
    let (year, month, day) = civilDate(days)
    let date: Text = "\(digits(year, 4))-\(digits(month, 2))-\(digits(day, 2))"
    return "\(date)T\(digits(second / 3600, 2)):\(digits(second / 60 % 60, 2)):\(digits(second % 60, 2))Z"
  }

  /// The day of `seconds` since the epoch in UTC.
  static func day(_ seconds: Int64) -> Text { text(seconds).prefix(10) }

  private static func digits(_ number: Int64, _ width: Int) -> Text {
    Text(utf8: decimal(number, width: width))
  }
}
