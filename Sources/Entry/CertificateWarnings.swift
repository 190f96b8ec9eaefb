import Certificates
import Text
import Trust

/// The problems of certificates that are used all the same.
/// - Parameters:
///   - found: the certificates without duplicates.
///   - now: seconds since the epoch.
@inline(never)
func certificateProblems(of found: [Inputs.Found], now: Int64) -> [Problem] {
  var list = ProblemList()
  let all = CertificateWarnings(found, now: now)
  var told: [(source: Path, count: Int, untold: Int)] = []
  for one in found {
    if told.last?.source != one.source { told.append((one.source, 0, 0)) }
    for warning in all.warnings(of: one.certificate, now: now) {
      if told[told.count - 1].count == messageLimit {
        told[told.count - 1].untold += 1
        continue
      }
      told[told.count - 1].count += 1
      list.append(
        Problem(
          level: .warning, subject: one.source.shown,
          message: "\(one.certificate.shownSubject): \(text(of: warning, one.certificate))",
          event: warning.event), of: one.source, kind: warning.text)
    }
  }
  for file in told where file.untold > 0 {
    list.append(
      .warning(file.source.shown, moreText(file.untold), "input.more"), of: file.source, kind: moreKind)
  }
  return list.problems
}

/// What is wrong, with the date if the problem is about time.
@inline(never)
func text(of warning: CertificateWarning, _ certificate: Certificate) -> Text {
  switch warning {
  case .expired: "expired on \(RFC3339.day(certificate.notAfter)); replace it"
  case .notYetValid: "not valid before \(RFC3339.day(certificate.notBefore)); check the clock"
  default: warning.text
  }
}

extension CertificateWarning {
  /// A stable name for machines.
  fileprivate var event: StaticString {
    if case .refusedByStrict = self { return strictFaultEvent }
    return ""
  }
}

/// The event by which `check` recognizes the warning: if the image has a strict Python, it is an error.
let strictFaultEvent: StaticString = "certificate.refused_by_strict"

func isStrictFault(_ problem: Problem) -> Bool { problem.event.bytes == strictFaultEvent.bytes }

/// The facts about all mounted certificates that decide whether a warning about one matters.
struct CertificateWarnings {
  /// The subjects of certificates that are valid now: an expired one with the same subject has been replaced.
  private let valid: SortedBytes
  /// The issuers of CAs: if a CA is mounted, no client checks its issuer.
  private let issuers: SortedBytes

  init(_ found: [Inputs.Found], now: Int64) {
    let certificates = found.map { $0.certificate }
    valid = SortedBytes(
      certificates.filter { $0.notBefore <= now && $0.notAfter >= now }.map { Array($0.subjectDER) })
    issuers = SortedBytes(
      certificates.filter { $0.isAuthority && !$0.isSelfIssued }.map { Array($0.issuerDER) })
  }

  func warnings(of certificate: Certificate, now: Int64) -> [CertificateWarning] {
    let subject = Array(certificate.subjectDER)
    return certificate.warnings(now: now).filter { warning in
      switch warning {
      case .expired: !valid.contains(subject)
      case .refusedByStrict: !issuers.contains(subject)
      default: true
      }
    }
  }
}
