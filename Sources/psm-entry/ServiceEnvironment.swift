import Certificates
import Linux
import Proxies
import Text
import TrustStores

/// Variables that replace a client's trust by a file's. They are set only for a private bundle:
/// merged files need none of them.
let trustVariables: [StaticString] = [
  "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "GIT_SSL_CAINFO", "AWS_CA_BUNDLE",
  "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "CARGO_HTTP_CAINFO",
]

/// The environment for the service.
/// - Parameters:
///   - path: the file to export, which holds all that is wanted; nil to export nothing.
///   - isPrivate: whether it stands in for a bundle that could not be replaced.
///   - redirected: variables that are set to a file which it stands in for.
/// - Returns: the environment, and what is wrong with variables that the user has set.
func serviceEnvironment(
  _ circumstances: Circumstances, exporting path: Path?, isPrivate: Bool, redirecting redirected: [[UInt8]]
) -> (environment: Environment, problems: [Problem]) {
  var environment = Environment(entries: circumstances.proxies.environment)
  var problems = variableProblems(circumstances, exported: path, redirected)
  if let path {
    for (name, value) in environment.values(of: redirected) {
      guard let value, value != Array(path.bytes) else { continue }
      problems.append(.info(escaped(name), "\(Path(value).shown) could not be updated; using \(path.shown)"))
    }
    environment.replace(redirected, with: Array(path.bytes))
    var names = circumstances.settings.exports
    if isPrivate { names += trustVariables.map { $0.bytes } }
    for (name, value) in environment.values(of: names) where value == nil {
      environment.entries.append(name + [UInt8(ascii: "=")] + path.bytes)
    }
  }
  return (environment, problems)
}

/// The CA variables that the user has set, with their values.
func userVariables(_ circumstances: Circumstances) -> [(name: [UInt8], value: [UInt8])] {
  let names =
    trustVariables.map { $0.bytes } + circumstances.settings.exports
    + [("NODE_EXTRA_CA_CERTS" as StaticString).bytes]
  return circumstances.environment.values(of: names).compactMap { name, value in
    guard let value, !value.isEmpty else { return nil }
    return (name, value)
  }
}

/// What is wrong with the CA variables that the user has set: they stay, but whoever obeys them may not
/// trust what was mounted.
private func variableProblems(
  _ circumstances: Circumstances, exported: Path?, _ redirected: [[UInt8]]
) -> [Problem] {
  if circumstances.wanted.certificates.isEmpty { return [] }
  var problems: [Problem] = []
  let judged = ByteOrder(redirected)
  let variables = userVariables(circumstances).filter {
    Path($0.value) != exported && !judged.contains($0.name)
  }
  // They mostly name one file, which is read once.
  let order = ByteOrder(variables.map { $0.value })
  var complaints = [Text?](repeating: nil, count: variables.count)
  for (number, variable) in variables.enumerated() {
    let first = order.number(of: variable.value) ?? number
    if first == number { complaints[number] = complaint(about: Path(variable.value), circumstances) }
    if let complaint = complaints[first] { problems.append(.warning(escaped(variable.name), complaint)) }
  }
  return problems
}

/// What is wrong with a file that a CA variable names; nil where it holds all that is wanted.
private func complaint(about path: Path, _ circumstances: Circumstances) -> Text? {
  let text: [UInt8]
  let shown = path.isAbsolute || !path.bytes.contains(UInt8(ascii: "@")) ? path.shown : "(not shown: no path)"
  do throws(ReadError) {
    text = try circumstances.root.read(path, limit: BundleFile.sizeLimit)
  } catch {
    return "\(shown) \(error.text): clients that obey the variable trust nothing; unset it"
  }
  let missing = missing(circumstances.wanted.certificates, in: text)
  guard let first = missing.first else { return nil }
  let others: Text = missing.count > 1 ? " and \(missing.count - 1) more" : ""
  return
    "\(shown) lacks \(first.shownSubject)\(others): unset the variable, or add that file to PSM_ENTRY_BUNDLES"
}
