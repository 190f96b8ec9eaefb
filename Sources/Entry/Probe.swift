import Certificates
import Linux
import Proxies
import Text

/// One way to one target.
struct Probe {
  let context: StartContext
  let bundle: Path?

  typealias Verdict = (level: Level, detail: Text)

  private struct Refusal: Error {
    let detail: Text
    init(_ detail: Text) { self.detail = detail }
  }

  func run(_ route: ConnectRoute, _ target: ConnectTarget) -> Verdict {
    if let proxy = route.proxy, proxy.scheme != .http {
      return (.warning, "only http:// proxies are tried here; this one was not")
    }
    do throws(Refusal) {
      let connection = try open(route, target)
      defer { connection.close() }
      // Python knows no root but the system's.
      guard let python = python, let bundle, let file = context.root.systemPath(of: bundle) else {
        return (.warning, "connected; TLS was not checked, because there is no Python or no bundle here")
      }
      let outcome = verify(connection, target, python, file)
      if outcome.isOK { return (.info, "connected, and TLS verified") }
      if outcome.verdict == nil { return (.error, "TLS failed: \(outcome.text)") }
      return (.error, try distrust(route, target, python, outcome))
    } catch {
      return (.error, error.detail)
    }
  }

  // MARK: The way to the target

  private func open(_ route: ConnectRoute, _ target: ConnectTarget) throws(Refusal) -> Connection {
    let host = route.proxy?.host ?? target.host
    let port = route.proxy.map { $0.port ?? $0.scheme.defaultPort } ?? target.port
    let connection: Connection
    do throws(Connection.Failure) { connection = try Connection(to: host, port: port) } catch {
      throw Refusal(explanation(error, "\(escaped(host))", port))
    }
    guard let proxy = route.proxy else { return connection }
    do throws(Refusal) {
      try askForTunnel(connection, proxy, target)
      return connection
    } catch {
      connection.close()
      throw error
    }
  }

  func explanation(_ failure: Connection.Failure, _ host: Text, _ port: UInt16) -> Text {
    switch failure {
    case .notResolved: "the name \(host) is not found: check its spelling and the container's DNS"
    case .system(.connectionRefused):
      "\(host) refuses connections to port \(port): is the port right, is it running?"
    case .late: "\(host) does not answer on port \(port): is a firewall between?"
    case .system(let error): "\(host) cannot be reached on port \(port) (\(error.text))"
    case .closed: "\(host) closed the connection"
    }
  }

  /// - Source: RFC 9110 §9.3.6 (CONNECT), §15; RFC 7617 (Basic).
  private func askForTunnel(_ connection: Connection, _ proxy: ProxyURL, _ target: ConnectTarget)
    throws(Refusal)
  {
    let authority = target.shown
    var request: Text = "CONNECT \(authority) HTTP/1.1\r\nHost: \(authority)\r\n"
    if let userinfo = proxy.userinfo {
      request += "Proxy-Authorization: Basic \(base64(userinfo.basicCredentials.bytes))\r\n"
    }
    request += "\r\n"
    let answer: [UInt8]
    do throws(Connection.Failure) {
      try connection.send(request.utf8)
      answer = try connection.receive(limit: 16384) {
        // Whoever speaks another protocol, such as SSH, may wait for us to speak.
        $0[...].firstOccurrence(of: "\r\n\r\n") != nil || ($0.count >= 7 && !isHTTP($0))
      }
    } catch {
      throw Refusal(
        error == .late
          ? "the proxy does not answer to CONNECT: is it an HTTP proxy?"
          : "the proxy broke off when asked for CONNECT: is it an HTTP proxy?")
    }
    guard isHTTP(answer), answer.count >= 12, let status = answer[9..<12].decimal(upTo: 999)
    else {
      throw Refusal("what answers there is no HTTP proxy: check host and port")
    }
    if (200..<300).contains(status) {
      if answer[...].firstOccurrence(of: "\r\n\r\n") != nil { return }
      throw Refusal("the proxy does not answer to CONNECT to the end")
    }
    throw Refusal(explanation(status, proxy, authority))
  }

  private func isHTTP(_ answer: [UInt8]) -> Bool { answer[...].begins(with: "HTTP/1.") }

  func explanation(_ status: Int, _ proxy: ProxyURL, _ authority: Text) -> Text {
    switch status {
    case 407:
      if let userinfo = proxy.userinfo {
        return
          "the proxy does not accept user \(userinfo.displayedUser) with this password (407): ask for the right ones"
      }
      return "the proxy wants a user and a password (407): write http://user:password@host:port"
    case 403: return "the proxy does not allow \(authority) (403): ask its administrator to allow it"
    case 502, 503, 504:
      return "the proxy itself cannot reach \(authority) (\(status)): is the name known there?"
    case 400, 404, 405, 501:
      return
        "what answers there is no HTTP proxy but perhaps a web server (\(status) to CONNECT \(authority)): check host and port"
    default: return "the proxy answers \(status) to CONNECT \(authority)"
    }
  }

  // MARK: TLS

  /// The image's own Python: it judges as the service does.
  private var python: Path? {
    let own = Path("/conda/bin/python")
    if exists(own) { return own }
    let path = context.environment.value(of: "PATH") ?? []
    return path.split(separator: UInt8(ascii: ":")).map { Path($0).appending("python3") }
      .first { $0.isAbsolute && exists($0) }
  }

  private func verify(
    _ connection: Connection, _ target: ConnectTarget, _ python: Path, _ bundle: Path?
  ) -> TLSOutcome {
    TLSOutcome(of: connection, to: target.host, by: python, bundle, context.environment)
  }

  /// Who issued what is not trusted, and whether that CA is mounted. Asked on a second connection,
  /// since the first one ended with the refusal.
  private func distrust(
    _ route: ConnectRoute, _ target: ConnectTarget, _ python: Path, _ refused: TLSOutcome
  ) throws(Refusal) -> Text {
    let reason = refused.text
    if refused.isForOther { return "TLS is not trusted: \(reason); is \(target.shown) what was meant?" }
    let connection = try open(route, target)
    defer { connection.close() }
    guard let last = Certificate(der: verify(connection, target, python, nil).certificate) else {
      return "TLS is not trusted: \(reason)"
    }
    let issuer = last.issuerText
    let mounted = context.inputs.found.filter { $0.certificate.subjectDER == last.issuerDER }
    let now = Clock.secondsSinceEpoch
    if let found = mounted.first, mounted.allSatisfy({ $0.certificate.notAfter < now }) {
      return
        "TLS is not trusted (\(reason)): the issuer \(issuer) is mounted as \(found.source.shown) and has expired"
    }
    if !refused.isWithoutIssuer {
      let place: Text = mounted.first.map { "mounted as \($0.source.shown)" } ?? "not mounted"
      return "TLS is not trusted (\(reason)): the issuer \(issuer) is \(place)"
    }
    guard let found = mounted.first else {
      return
        "TLS is not trusted (\(reason)): the issuer is \(issuer), and no CA of that name is mounted; mount it"
    }
    return
      "TLS is not trusted (\(reason)): a CA named \(issuer) is mounted as \(found.source.shown); if it was mounted after the start, restart the container, else it is another CA of that name"
  }
}
