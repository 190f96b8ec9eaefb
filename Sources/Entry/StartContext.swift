import Certificates
import Linux
import Proxies
import Stores
import Text
import Trust

/// What a start knows before it looks at a store: the settings, the certificates that were
/// mounted, and what the proxy variables are to be.
final class StartContext {
  let settings: Settings
  let root: Root
  let inputs: Inputs
  let mounted: MountedCertificates
  let proxies: ProxyOutcome
  /// The environment that the program was given.
  let environment: Environment
  /// What is wrong with the variables that hold a file's name.
  let secretProblems: [Problem]
  let proxyProblems: [Problem]

  /// What is wrong with settings, inputs and proxies.
  var problems: [Problem] { settings.problems + inputs.problems + secretProblems + proxyProblems }

  /// - Parameter paths: what certificates are read from; nil for what the settings say.
  init(
    _ settings: Settings, _ environment: Environment, in root: Root, reading paths: [Settings.Input]? = nil
  ) {
    self.settings = settings
    self.root = root
    self.environment = environment
    inputs = Inputs(
      reading: paths ?? settings.inputs, in: root, stateDirectories: settings.namedStateDirectories,
      now: Clock.secondsSinceEpoch)
    injectFault(at: .inputs, environment)
    mounted = inputs.mounted(isComplete: !inputs.areIncomplete && !settings.misnamesInputs)
    let (secrets, secretProblems) = readSecrets(environment, in: root)
    self.secretProblems = secretProblems
    proxies = unifyProxies(
      in: environment.entries,
      ProxySettings(
        preference: settings.preference, additions: settings.noProxy, hostName: hostName(), secrets: secrets))
    proxyProblems = proxies.notes.map { Problem($0) }
  }

  /// What is to be looked at of the stores.
  /// - Parameter user: who starts the service.
  func request(for user: Credentials.Effective) -> SnapshotReader.Request {
    let builder: StoreSnapshot.Builder =
      switch settings.system {
      // A fifth of the time is left to say what came of it.
      case .auto: .tool(limit: toolRate * Int(settings.basics.timeout) * 4 / 5)
      case .native: .ourselves
      case .off: .nobody
      }
    var failures: [PatternFailure] = []
    let bundles = bundlePaths(settings.bundles, in: root) { failures.append($0) }
    return SnapshotReader.Request(
      mounted: mounted, builder: builder,
      bundles: bundles.map { (path: $0.path, isNamed: settings.namesBundles, isPlain: $0.isPlain) },
      patternFailures: failures,
      variables: trustVariables(setIn: environment, settings.exports),
      stateDirectories: settings.stateDirectories(of: user.user),
      namesStateDirectories: settings.namesStateDirectories, user: user)
  }
}

/// How many certificates the distribution's tool can be given for each second that it has. Debian's took 12 ms for
/// each on a busy machine of two cores; p11-kit's time grows with the square, and was 5 ms each for a thousand.
private let toolRate = 20

extension Problem {
  init(_ note: ProxyNote) {
    self.init(level: note.level, subject: note.subject, message: note.message)
  }
}

/// The proxy variables that hold a file's name instead of a value, read.
private func readSecrets(
  _ environment: Environment, in root: Root
) -> (secrets: [(variable: [UInt8], contents: [UInt8])], problems: [Problem]) {
  var secrets: [(variable: [UInt8], contents: [UInt8])] = []
  var problems: [Problem] = []
  for name in ["HTTP_PROXY_FILE", "HTTPS_PROXY_FILE", "ALL_PROXY_FILE"] as [StaticString] {
    guard let path = environment.value(of: name), !path.isEmpty else { continue }
    guard path.first == UInt8(ascii: "/") else {
      problems.append(.error("\(name)", "the path does not begin with /; it is not read"))
      continue
    }
    do throws(ReadError) {
      let contents = try root.read(Path(path), limit: 65536)
      secrets.append((Array(Path(name).bytes), contents))
    } catch {
      problems.append(
        .error("\(name)", "\(Path(path).shown) \(error.text); mount the secret or unset the variable"))
    }
  }
  return (secrets, problems)
}

extension ReadError {
  /// Fits behind the name of a file.
  var text: Text {
    switch self {
    case .system(let error): "cannot be read (\(error.text))"
    case .notRegular: "is no regular file"
    case .tooLarge: "is too large"
    }
  }
}
