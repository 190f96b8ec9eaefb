import Certificates
import Linux
import Text
import Trust

/// `psm-entry certs`: lists the certificates found, with what is wrong with them.
/// - Returns: the exit status: 1 if a given path has an error.
@inline(never)
func listCertificates(
  _ commandLine: CommandLine, _ settings: Settings, _ environment: Environment, in root: Root
) -> Int32 {
  let isGiven = !commandLine.operands.isEmpty
  let paths = isGiven ? commandLine.operands.map { Settings.Input(path: Path($0), isNamed: true) } : nil
  let context = StartContext(settings, environment, in: root, reading: paths)
  // Problems of certificates are shown in their rows; problems of files have no row.
  settings.basics.log.write(settings.problems + context.inputs.fileProblems)
  let rows = rows(context)
  let isJSON = commandLine.flags.contains(.json)
  let written = Output.write(isJSON ? json(rows) : text(rows).utf8, settings.basics.log)
  if written != 0 { return written }
  return isGiven && context.inputs.fileProblems.hasErrors ? ExitStatus.failure : 0
}

@inline(never)
private func rows(_ context: StartContext) -> [(found: Inputs.Found, problems: [Text])] {
  let (found, now) = (context.inputs.found, Clock.secondsSinceEpoch)
  let all = CertificateWarnings(found, now: now)
  var rows = found.map { one in
    (found: one, problems: all.warnings(of: one.certificate, now: now).map { text(of: $0, one.certificate) })
  }
  // Only the stores show whether an issuer is known.
  if found.contains(where: { $0.certificate.isAuthority && !$0.certificate.isSelfIssued }) {
    let order = SortedBytes(of: found.fingerprints)
    for finding in Decision.made(context, for: .current).plan.findings {
      guard case .issuerMissing(let fingerprint, _, let issuer) = finding.kind,
        let number = order.number(of: fingerprint.bytes)
      else { continue }
      rows[number].problems.append(issuerMissingText(issuer))
    }
  }
  return rows
}

private func text(_ rows: [(found: Inputs.Found, problems: [Text])]) -> Text {
  if rows.isEmpty { return "no certificates\n" }
  var table = Table()
  table.row(["SHA-256", "EXPIRES", "CA", "SOURCE", "SUBJECT"])
  for (one, texts) in rows {
    let certificate = one.certificate
    let problems = texts.joined(by: "; ")
    table.row([
      shortened(certificate.fingerprint.hex),
      RFC3339.day(certificate.notAfter),
      certificate.isAuthority ? "yes" : "no", one.source.shown,
      certificate.subjectText + (problems.isEmpty ? "" : "  ! \(problems)"),
    ])
  }
  return table.text
}

private func json(_ rows: [(found: Inputs.Found, problems: [Text])]) -> [UInt8] {
  var json = JSON()
  json.array { list in
    for (one, problems) in rows {
      let certificate = one.certificate
      list.object { object in
        object.member("subject", certificate.subjectText)
        object.member("issuer", certificate.issuerText)
        object.member("serial", certificate.serialHex)
        object.member("sha256", certificate.fingerprint.hex)
        object.member("notBefore", RFC3339.text(certificate.notBefore))
        object.member("notAfter", RFC3339.text(certificate.notAfter))
        object.member("isCA", certificate.isAuthority)
        object.member("selfSigned", certificate.isSelfIssued)
        object.member("source", one.source.shown)
        object.member("problems", problems)
      }
    }
  }
  return json.bytes + [UInt8(ascii: "\n")]
}
