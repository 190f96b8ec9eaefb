// The calendar of ISO 8601, computed in eras of 400 years; years begin on 1 March.

/// The date this many days after 1970-01-01.
public func civilDate(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
  let (era, dayOfEra) = flooredDivision(of: days + 719_468, by: 146_097)
  let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let shiftedMonth = (5 * dayOfYear + 2) / 153
  let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
  let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
}

/// The number of days from 1970-01-01 to a date.
public func daysSinceEpoch(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
  let (era, yearOfEra) = flooredDivision(of: month <= 2 ? year - 1 : year, by: 400)
  let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
  let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}

/// The number of days in a month.
public func daysIn(_ month: Int64, of year: Int64) -> Int64 {
  switch month {
  case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
  case 4, 6, 9, 11: 30
  default: 31
  }
}

/// A quotient rounded down, and the remainder, which is never negative.
public func flooredDivision(of number: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
  let quotient = number >= 0 ? number / divisor : -((-number + divisor - 1) / divisor)
  return (quotient, number - quotient * divisor)
}
