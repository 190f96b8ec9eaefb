import Certificates
import Linux
import Proxies
import Text

/// A connection to one target over one route.
struct Probe {
  let context: StartContext
  let bundle: Path?

  struct Verdict {
    let level: Level
    let detail: Text
    var steps: [Step] = []
  }

  @inline(never)
  func run(_ route: ConnectRoute, _ target: ConnectTarget) -> Verdict {
    let start = Clock.monotonic
    var steps: [Step] = []
    do throws(Refusal) {
      let connection = try open(route, target, &steps)
      defer { connection.close() }
      let end =
        try target.isTLS
        ? handshake(connection, route, target, &steps) : ask(connection, route, target, &steps)
      let detail: Text = "\(end.detail) (\(milliseconds(since: start)) ms)"
      return Verdict(level: end.level, detail: detail, steps: steps)
    } catch {
      return Verdict(level: .error, detail: error.detail, steps: steps)
    }
  }

  private func milliseconds(since moment: Int64) -> Int { Int((Clock.monotonic &- moment) / 1_000_000) }

  // MARK: The route to the target

  private func open(
    _ route: ConnectRoute, _ target: ConnectTarget, _ steps: inout [Step]
  ) throws(Refusal) -> Connection {
    let host = route.proxy?.host ?? target.host
    let port = route.proxy.map { $0.port ?? $0.scheme.defaultPort } ?? target.port
    let connection: Connection
    do throws(Connection.Failure) { connection = try connect(to: host, port) } catch {
      throw Refusal(explanation(error, escaped(host), port))
    }
    steps.append(Step(name: "resolve", milliseconds: Int(connection.resolving / 1_000_000)))
    steps.append(Step(name: "connect", milliseconds: Int(connection.connecting / 1_000_000)))
    guard let proxy = route.proxy else { return connection }
    let start = Clock.monotonic
    do throws(Refusal) {
      switch proxy.scheme {
      // Python sends the request after its handshake; a plain request needs no tunnel.
      case .https: return connection
      case .http:
        if !target.isTLS { return connection }
        try openTunnel(connection, proxy, target)
      default: try openSOCKSTunnel(connection, proxy, target)
      }
      steps.append(Step(name: "proxy", milliseconds: milliseconds(since: start)))
      return connection
    } catch {
      connection.close()
      throw error
    }
  }

  /// One name server may know a name that another does not, so the first negative answer is not final.
  @inline(never)
  private func connect(to host: [UInt8], _ port: UInt16) throws(Connection.Failure) -> Connection {
    do throws(Connection.Failure) { return try Connection(to: host, port: port) } catch {
      guard error == .notResolved else { throw error }
      var failure = error
      for address in python.map({ addresses(of: host, by: $0, context.environment) }) ?? [host, host, host] {
        do throws(Connection.Failure) { return try Connection(to: address, port: port) } catch {
          failure = error
        }
      }
      throw failure
    }
  }

  func explanation(_ failure: Connection.Failure, _ host: Text, _ port: UInt16) -> Text {
    switch failure {
    case .notResolved: "cannot resolve \(host); check its spelling and the container's DNS"
    case .system(.connectionRefused): "connection refused: \(host):\(port)"
    case .late: "connection timed out: \(host):\(port) (firewall?)"
    case .system(let error): "cannot connect to \(host):\(port): \(lowerCased(error))"
    case .closed: "connection closed by \(host)"
    }
  }

  // MARK: Plain HTTP

  /// Requests the target's headers without TLS; through a proxy with the whole URL.
  private func ask(
    _ connection: Connection, _ route: ConnectRoute, _ target: ConnectTarget, _ steps: inout [Step]
  ) throws(Refusal) -> Verdict {
    let proxy = route.proxy.flatMap { $0.scheme == .http ? $0 : nil }
    if route.proxy?.scheme == .https {
      return Verdict(
        level: .warning, detail: "connected; http:// targets are not tested through an https:// proxy")
    }
    let start = Clock.monotonic
    let answer: [UInt8]
    do throws(Connection.Failure) {
      try connection.send(target.headRequest(of: proxy))
      answer = try connection.receiveHead()
    } catch { throw Refusal("no answer to HEAD \(target.shown)") }
    steps.append(Step(name: "request", milliseconds: milliseconds(since: start)))
    if let proxy, let status = httpStatus(answer), status == 407 || (502...504).contains(status) {
      throw Refusal(proxyRefusal(status, offered: offeredSchemes(answer), proxy, target.authority))
    }
    return verdict(of: answer, target, after: "connected")
  }

  /// The meaning of an answer to HEAD.
  private func verdict(of answer: [UInt8], _ target: ConnectTarget, after: Text) -> Verdict {
    guard let status = httpStatus(answer) else {
      return Verdict(level: .error, detail: "\(after), but the answer to HEAD \(target.path) is not HTTP")
    }
    let told: Text = "\(after), \(status) to HEAD \(target.path)"
    switch status {
    // A server that does not support HEAD has answered all the same.
    case 200..<300, 405, 501: return Verdict(level: .info, detail: told)
    case 300..<400:
      guard let host = redirectedHost(answer), !host[...].isEqual(to: target.host[...]) else {
        return Verdict(level: .info, detail: told)
      }
      return Verdict(
        level: .warning,
        detail: "\(told): redirected to \(escaped(host)), perhaps a login page; check the URL")
    case 401, 403:
      return Verdict(level: .error, detail: "\(told): the server requires a login or forbids access")
    case 404, 410:
      return Verdict(level: .error, detail: "\(told): no such path; check the URL of the channel")
    default: return Verdict(level: .error, detail: told)
    }
  }

  // MARK: TLS

  /// The image's own Python, which judges as the service does.
  private var python: Path? {
    let own = Path("/conda/bin/python")
    if exists(own) { return own }
    let path = context.environment.value(of: "PATH") ?? []
    return path[...].parts(between: ":").map { Path($0).appending("python3") }
      .first { $0.isAbsolute && exists($0) }
  }

  @inline(never)
  private func handshake(
    _ connection: Connection, _ route: ConnectRoute, _ target: ConnectTarget, _ steps: inout [Step]
  ) throws(Refusal) -> Verdict {
    // Python knows only the system's root.
    guard let python = python, let bundle, let file = context.root.systemPath(of: bundle) else {
      return Verdict(
        level: .warning, detail: "connected; TLS not verified, because the image has no Python or no bundle")
    }
    var request = TLSOutcome.Request(host: target.host, bundle: file)
    let tlsProxy = route.proxy.flatMap { $0.scheme == .https ? $0 : nil }
    if let tlsProxy { request.proxy = (tlsProxy.host, connectRequest(tlsProxy, target)) }
    if target.hasPath { request.head = target.headRequest(of: nil) }
    let outcome = TLSOutcome(of: connection, request, by: python, context.environment)
    steps += outcome.steps
    if let tlsProxy, let answer = outcome.proxyAnswer, let refusal = refusal(of: answer, tlsProxy, target) {
      throw refusal
    }
    if outcome.isOK {
      let issuer = Certificate(der: outcome.certificate)?.issuerText
      let verified: Text = "connected, TLS verified\(issuer.map { ", issued by \($0)" as Text } ?? "")"
      return request.head == nil
        ? Verdict(level: .info, detail: verified) : verdict(of: outcome.answer, target, after: verified)
    }
    let peer: Text = outcome.stage == .proxy ? "TLS to the proxy" : "TLS"
    if outcome.verdict == nil { throw Refusal("\(peer) failed: \(outcome.text)") }
    throw Refusal(try distrust(route, target, python, request, outcome, peer))
  }

  /// The issuer that is not trusted, and whether that CA is mounted. It needs a second connection, since the first one
  /// ended with the refusal.
  @inline(never)
  private func distrust(
    _ route: ConnectRoute, _ target: ConnectTarget, _ python: Path, _ request: TLSOutcome.Request,
    _ refused: TLSOutcome, _ peer: Text
  ) throws(Refusal) -> Text {
    let told: Text = "\(peer): certificate verify failed: \(refused.text)"
    if refused.isForOther {
      return
        "\(told); host name mismatch, check that \(refused.stage == .proxy ? escaped(request.proxy?.name ?? []) : target.authority) is right"
    }
    let remedy = remedy(refused.verdict ?? 0)
    // An expired certificate may come from the mounted CA, which has its own message.
    if let remedy, refused.verdict != TLSOutcome.hasExpired { return "\(told); \(remedy)" }
    var steps: [Step] = []
    let connection = try open(route, target, &steps)
    defer { connection.close() }
    var question = request
    question.unverified = refused.stage
    let shown = TLSOutcome(of: connection, question, by: python, context.environment)
    guard let last = Certificate(der: shown.certificate) else { return told }
    let issuer = last.issuerText
    let mounted = context.inputs.found.filter { $0.certificate.subjectDER == last.issuerDER }
    let now = Clock.secondsSinceEpoch
    if let found = mounted.first, mounted.allSatisfy({ $0.certificate.notAfter < now }) {
      return
        "\(told); issuer \(issuer) is mounted as \(found.source.shown) and has expired; mount its successor"
    }
    if let remedy { return "\(told); \(remedy)" }
    if !refused.isWithoutIssuer {
      let place: Text = mounted.first.map { "mounted as \($0.source.shown)" } ?? "not mounted"
      return "\(told); issuer \(issuer) is \(place)"
    }
    guard let found = mounted.first else {
      return "\(told); issuer \(issuer) is not mounted; mount it"
    }
    return
      "\(told); CA \(issuer) is mounted (\(found.source.shown)) but unused or outdated; restart the container, or mount the current CA of the proxy"
  }

  /// What to do if Python knows the issuer and refuses the certificate all the same.
  /// - Source: the numbers of OpenSSL's X509_STORE_CTX_get_error(3). Those from 80 on occur only with
  ///   VERIFY_X509_STRICT, which Python 3.13 and later set.
  func remedy(_ verdict: Int) -> Text? {
    switch verdict {
    case 9: "check the clock of this host and of the proxy"
    case TLSOutcome.hasExpired: "have the server's or the proxy's certificate renewed"
    case 24, 79:
      "a certificate in the chain is not a CA certificate; mount the CA that issued the server's certificate"
    case 66, 67: "have the certificate reissued with a key of 2048 bits or more"
    case 68: "have the certificate reissued with a SHA-256 signature"
    case 85:
      "have the proxy issue certificates with an authorityKeyIdentifier, which Python 3.13 and later require"
    case 80...94:
      "Python 3.13 and later reject this certificate; mount the issuing CA beside the root, or have it reissued"
    default: nil
    }
  }
}
