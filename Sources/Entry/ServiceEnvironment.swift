import Linux
import Proxies
import Text
import Trust

/// Variables that replace a client's trust by that of a file. They are set only for a private bundle: merged files do
/// not need them.
let trustVariables: [StaticString] = [
  "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "GIT_SSL_CAINFO", "AWS_CA_BUNDLE",
  "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "CARGO_HTTP_CAINFO",
]

/// The environment for the service.
/// - Parameter account: the user that the service will run as; nil if none was requested, or there is no such user.
func serviceEnvironment(_ context: StartContext, _ plan: Plan, _ account: Account?) -> Environment {
  var environment = Environment(entries: context.proxies.environment)
  if let path = plan.exported {
    environment.replace(plan.redirected, with: Array(path.bytes))
    for name in unsetNames(in: environment, context.settings, plan) {
      environment.entries.append(name + [UInt8(ascii: "=")] + path.bytes)
    }
  }
  if let account, !account.isCurrent { environment.set(("HOME" as StaticString).bytes, to: account.home) }
  return environment
}

/// The variables that a start sets to the path that the plan exports.
func exportedNames(_ context: StartContext, _ plan: Plan) -> [[UInt8]] {
  plan.redirected
    + unsetNames(in: Environment(entries: context.proxies.environment), context.settings, plan)
}

/// A variable that is set is kept, even if it is empty.
private func unsetNames(in environment: Environment, _ settings: Settings, _ plan: Plan) -> [[UInt8]] {
  var names = settings.exports
  if plan.isPrivate { names += trustVariables.map { $0.bytes } }
  return environment.values(of: names).filter { $0.value == nil }.map { $0.name }
}

/// The CA variables that the user has set, with the files or directories that they name.
///
/// - Source: requests' `verify`, which may be a directory of hashed names; OpenSSL's SSL_CERT_DIR, several directories
///   separated by colons; curl(1), CURL_CA_BUNDLE, a file.
@inline(never)
func trustVariables(
  setIn environment: Environment, _ exports: [[UInt8]]
) -> [(name: [UInt8], path: Path, use: VariableSnapshot.Use)] {
  let replacing = trustVariables.map { $0.bytes }
  let others: [StaticString] = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_DIR"]
  var variables: [(name: [UInt8], path: Path, use: VariableSnapshot.Use)] = []
  for (name, value) in environment.values(of: replacing + exports + others.map { $0.bytes }) {
    // OpenSSL takes an empty SSL_CERT_FILE for a path. Other clients ignore an empty variable.
    guard let value, !value.isEmpty || name[...].isEqual(to: "SSL_CERT_FILE") else { continue }
    if name[...].isEqual(to: "SSL_CERT_DIR") {
      for part in value[...].parts(between: ":") { variables.append((name, Path(part), .addsDirectory)) }
    } else if name[...].isEqual(to: "REQUESTS_CA_BUNDLE") || name[...].isEqual(to: "PIP_CERT") {
      variables.append((name, Path(value), .replacesFileOrDirectory))
    } else {
      let hasOwnRoots = name[...].isEqual(to: "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH")
      let replaces: VariableSnapshot.Use = hasOwnRoots ? .replacesIfReadable : .replaces
      variables.append((name, Path(value), replacing.contains(name) ? replaces : .adds))
    }
  }
  return variables
}
