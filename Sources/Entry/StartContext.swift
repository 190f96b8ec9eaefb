import Certificates
import Linux
import Proxies
import Stores
import Text
import Trust

/// What a start knows before it reads the stores: the settings, the mounted certificates, and the future proxy
/// variables.
final class StartContext {
  let settings: Settings
  let root: Root
  let inputs: Inputs
  let mounted: MountedCertificates
  let proxies: ProxyOutcome
  /// The environment that the program received.
  let environment: Environment
  let proxyProblems: [Problem]

  /// Problems of settings, inputs and proxies.
  var problems: [Problem] { settings.problems + inputs.problems + proxyProblems }

  /// - Parameter paths: where to read certificates; nil for the paths in the settings.
  init(
    _ settings: Settings, _ environment: Environment, in root: Root, reading paths: [Settings.Input]? = nil
  ) {
    self.settings = settings
    self.root = root
    self.environment = environment
    inputs = Inputs(
      reading: paths ?? settings.inputs, in: root, stateDirectories: settings.namedStateDirectories,
      data: paths == nil ? settings.certificateData : nil, now: Clock.secondsSinceEpoch,
      isForStart: paths == nil)
    injectFault(at: .inputs, environment)
    mounted = inputs.mounted(isComplete: !inputs.areIncomplete && !settings.misnamesInputs)
    proxies = unifyProxies(
      in: environment.entries,
      ProxySettings(
        preference: settings.preference, additions: settings.noProxy, hostName: hostName(),
        secrets: readSecrets(environment, in: root)))
    proxyProblems = proxies.notes.map { Problem($0) }
  }

  /// What to read of the stores.
  /// - Parameter user: the user that starts the service.
  func request(for user: Credentials.Effective) -> SnapshotReader.Request {
    let builder: StoreSnapshot.Builder =
      switch settings.system {
      // A fifth of the time is kept to report the outcome.
      case .auto: .tool(limit: toolRate * Int(settings.basics.timeout) * 4 / 5)
      case .native: .ourselves
      case .off: .nobody
      }
    var failures: [PatternFailure] = []
    let fail = { (failure: PatternFailure) in failures.append(failure) }
    let virtualEnvironment = environment.value(of: "VIRTUAL_ENV").map { Path($0) }
    let bundles = settings.bundles.flatMap { pattern in
      pattern == Settings.usualBundles
        ? usualBundlePaths(virtualEnvironment: virtualEnvironment, in: root, fail: fail)
        : bundlePaths(pattern, in: root, fail: fail)
    }
    return SnapshotReader.Request(
      mounted: mounted, builder: builder,
      bundles: bundles.map { (path: $0.path, isRequired: $0.isRequired) },
      patternFailures: failures,
      variables: trustVariables(setIn: environment, settings.exports),
      stateDirectories: settings.stateDirectories(of: user.user),
      namesStateDirectories: settings.namesStateDirectories, user: user)
  }
}

/// The number of certificates for which the distribution's tool is given one second. Debian's tool took 12 ms for each
/// on a busy machine with two cores; the time of p11-kit grows with the square of the number, and was 5 ms each for a
/// thousand.
private let toolRate = 20

extension Problem {
  init(_ note: ProxyNote) {
    self.init(
      level: note.level, subject: note.subject, message: note.message,
      event: note.level <= .warning ? "proxy.problem" : "proxy.changed")
  }
}

/// Reads the files named by the proxy variables that end in `_FILE`.
@inline(never)
private func readSecrets(
  _ environment: Environment, in root: Root
) -> [(variable: [UInt8], file: ProxySettings.SecretFile)] {
  var secrets: [(variable: [UInt8], file: ProxySettings.SecretFile)] = []
  for name in ["HTTP_PROXY_FILE", "HTTPS_PROXY_FILE", "ALL_PROXY_FILE"] as [StaticString] {
    guard let path = environment.value(of: name), !path.isEmpty else { continue }
    secrets.append((name.bytes, readSecret(Path(path), in: root)))
  }
  return secrets
}

private func readSecret(_ path: Path, in root: Root) -> ProxySettings.SecretFile {
  guard path.isAbsolute else {
    return .unreadable(reason: "not an absolute path", remedy: "set the absolute path")
  }
  do throws(ReadError) { return .contents(try root.read(path, limit: 65536)) } catch {
    let user = Credentials.Effective.current.user
    let remedy: Text =
      switch error {
      case .system(.accessDenied):
        "make it readable for uid \(user), use 'environment:' instead of 'file:' for the secret in Compose, or start as root with PSM_ENTRY_USER=\(user)"
      case .system: "mount the secret or unset the variable"
      case .notRegular, .tooLarge: "mount a file that contains the proxy's URL or unset the variable"
      }
    return .unreadable(reason: "\(path.shown): \(error.shortText)", remedy: remedy)
  }
}
