import Certificates
import Linux
import Text

/// `psm-entry certs`: the certificates found, with what is wrong with them.
/// - Returns: the exit status: 1 where a path that was given has an error.
func listCertificates(_ commandLine: CommandLine, _ settings: Settings, in root: Root) -> Int32 {
  let isGiven = !commandLine.operands.isEmpty
  let paths =
    isGiven ? commandLine.operands.map { Settings.Input(path: Path($0), isNamed: true) } : settings.inputs
  let now = Clock.secondsSinceEpoch
  let inputs = Inputs(reading: paths, in: root, now: now)
  // What is wrong with a certificate stands in its row; what is wrong with a file has none.
  settings.basics.log.write(settings.problems + inputs.fileProblems)
  let isJSON = commandLine.flags.contains(.json)
  let written = Output.write(
    isJSON ? json(inputs.found, now) : text(inputs.found, now).utf8, settings.basics.log)
  if written != 0 { return written }
  return isGiven && inputs.fileProblems.hasErrors ? ExitStatus.failure : 0
}

private func text(_ found: [Inputs.Found], _ now: Int64) -> Text {
  if found.isEmpty { return "no certificates\n" }
  var table = Table()
  table.row(["SHA-256", "EXPIRES", "CA", "SOURCE", "SUBJECT"])
  for one in found {
    let certificate = one.certificate
    let problems = certificate.warnings(now: now).map { $0.text }.joined(by: "; ")
    table.row([
      shortened(certificate.fingerprint.hex),
      RFC3339.text(certificate.notAfter).prefix(10),
      certificate.isAuthority ? "yes" : "no", one.source.shown,
      certificate.subjectText + (problems.isEmpty ? "" : "  ! \(problems)"),
    ])
  }
  return table.text
}

private func json(_ found: [Inputs.Found], _ now: Int64) -> [UInt8] {
  var json = JSON()
  json.array { list in
    for one in found {
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
        object.member("problems", certificate.warnings(now: now).map { $0.text })
      }
    }
  }
  return json.bytes + [UInt8(ascii: "\n")]
}
