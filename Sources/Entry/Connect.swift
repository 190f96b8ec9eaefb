import Certificates
import Linux
import Proxies
import Text
import Trust

// `check --connect`: does a client of this container get through its proxies, and does it trust what answers?

/// A host that is asked for, from an `https://` URL.
struct ConnectTarget {
  let host: [UInt8]
  let port: UInt16

  /// - Returns: nil where it is no `https://` URL.
  init?(_ url: [UInt8]) {
    let scheme = Path("https://").bytes
    // A scheme is the same in either case; neither the colon nor the slash has this bit unset.
    guard url.prefix(scheme.count).map({ $0 | 0x20 })[...].isEqual(to: scheme) else { return nil }
    // The rest is read like a proxy's address: host and port are written the same way.
    let authority = url.dropFirst(scheme.count).prefix { $0 != UInt8(ascii: "/") }
    guard !authority.contains(UInt8(ascii: "@")),
      let address = try? parseProxyURL(Array(Path("http://").bytes) + authority)
    else { return nil }
    host = address.host
    port = address.port ?? 443
  }

  /// Host and port as a URL writes them.
  var shown: Text {
    let isIPv6 = host.contains(UInt8(ascii: ":"))
    return isIPv6 ? "[\(escaped(host))]:\(port)" : "\(escaped(host)):\(port)"
  }
}

/// A proxy to go through, and what it is called in the result; no address where it cannot be read.
struct ConnectRoute {
  let name: Text
  let proxy: ProxyURL?
  let problem: Text?
}

/// Goes every route to every target.
/// - Parameter bundle: what the connection is verified against; nil where there is none.
func connectChecks(
  _ routes: [ConnectRoute], _ targets: [ConnectTarget], _ context: StartContext, bundle: Path?
) -> [Check] {
  var checks: [Check] = []
  let probe = Probe(context: context, bundle: bundle)
  for route in routes {
    for target in targets {
      showProgress("\(route.name) → \(target.shown)")
      let name: Text = "\(route.name) → \(target.shown)"
      if let problem = route.problem {
        checks.append(Check(name: .connect, target: name, level: .error, detail: problem))
        continue
      }
      let verdict = probe.run(route, target)
      checks.append(Check(name: .connect, target: name, level: verdict.level, detail: verdict.detail))
    }
  }
  showProgress("")
  return checks
}

/// One line that is written over and over, on a terminal only.
private func showProgress(_ text: Text) {
  let output = FileDescriptor.standardError
  if !output.isTerminal { return }
  // A line that wraps could not be written over.
  let shown = cut(text, output.terminalColumns.map { $0 - 3 })
  let line: Text = text.isEmpty ? "\r\u{1B}[K" : "\r\u{1B}[K\(shown) …"
  try? output.write(line.utf8)
}

/// The routes that `--connect` goes: the environment's proxies as a start would leave them, and those of the
/// command line; the direct one where there is none.
func connectRoutes(_ context: StartContext, _ commandLine: CommandLine) -> [ConnectRoute] {
  var routes: [ConnectRoute] = []
  for proxy in context.proxies.proxies {
    guard let url = proxy.url else {
      routes.append(
        ConnectRoute(name: proxy.source, proxy: nil, problem: "its value cannot be read: see proxy"))
      continue
    }
    if routes.contains(where: { $0.proxy == url }) { continue }
    routes.append(ConnectRoute(name: url.redacted, proxy: url, problem: nil))
  }
  for (index, value) in commandLine.proxies.enumerated() {
    routes.append(route(value, named: "--proxy number \(index + 1)"))
  }
  for file in commandLine.proxyFiles {
    let path = Path(file)
    do throws(ReadError) {
      var value = try context.root.read(path, limit: 65536)
      while value.last == UInt8(ascii: "\n") || value.last == UInt8(ascii: "\r") { value.removeLast() }
      routes.append(route(value, named: path.shown))
    } catch {
      routes.append(ConnectRoute(name: path.shown, proxy: nil, problem: error.text))
    }
  }
  return routes.isEmpty ? [ConnectRoute(name: "direct", proxy: nil, problem: nil)] : routes
}

private func route(_ value: [UInt8], named name: Text) -> ConnectRoute {
  do throws(ProxyURLFault) {
    let url = try parseProxyURL(value)
    return ConnectRoute(name: url.redacted, proxy: url, problem: nil)
  } catch {
    return ConnectRoute(name: name, proxy: nil, problem: "cannot be read: \(error.reason)")
  }
}

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
    guard isHTTP(answer), answer.count >= 12, let status = number(answer[9..<12])
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

  private func number(_ digits: ArraySlice<UInt8>) -> Int? {
    digits.reduce(0) { number, digit -> Int? in
      guard let number, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      return number * 10 + Int(digit - UInt8(ascii: "0"))
    }
  }

  // MARK: TLS

  /// The image's own Python: it judges as the service does.
  private var python: Path? {
    let own = Path("/conda/bin/python")
    if isThere(own) { return own }
    let path = context.environment.value(of: "PATH") ?? []
    return path.split(separator: UInt8(ascii: ":")).map { Path($0).appending("python3") }
      .first { $0.isAbsolute && isThere($0) }
  }

  private struct TLSOutcome {
    var isOK = false
    /// OpenSSL's number for why the certificate is refused; nil where that is not what went wrong.
    var verdict: Int?
    var text: Text = ""
    var certificate: [UInt8] = []

    /// Whether nobody who is trusted has issued it: no issuer is there, or one of that name with another key.
    /// - Source: OpenSSL's X509_STORE_CTX_get_error(3).
    var isWithoutIssuer: Bool { [2, 7, 18, 19, 20, 21].contains(verdict) }
    /// Whether it is for another host, or another address.
    var isForOther: Bool { [62, 63, 64].contains(verdict) }
  }

  private func verify(
    _ connection: Connection, _ target: ConnectTarget, _ python: Path, _ bundle: Path?
  ) -> TLSOutcome {
    let arguments = [
      Array(Path("-Ic").bytes), Array(Path(tlsScript).bytes), target.host,
      bundle.map { Array($0.bytes) } ?? [],
    ]
    let run = ToolRun.run(
      python, arguments, environment: context.environment.entries, passing: connection.descriptor,
      until: Deadline(secondsFromNow: 2 * Connection.stepLimit))
    var outcome = TLSOutcome()
    let line = run.output.split(separator: UInt8(ascii: "\n")).last ?? []
    let word = line.prefix { $0 != UInt8(ascii: " ") }
    let rest = line.dropFirst(word.count + 1)
    outcome.text = escaped(rest)
    if word.isEqual(to: "ok") {
      outcome.isOK = true
    } else if word.isEqual(to: "untrusted") {
      let digits = rest.prefix { $0 != UInt8(ascii: " ") }
      outcome.verdict = digits.decimal(upTo: 1000) ?? 0
      outcome.text = escaped(rest.dropFirst(digits.count + 1))
    } else if word.isEqual(to: "certificate") {
      outcome.certificate = bytes(ofHex: rest)
    } else if !word.isEqual(to: "failed") {
      outcome.text =
        run.ending == .late ? "no answer in time" : "Python could not check it (\(escaped(line)))"
    }
    return outcome
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

  private func bytes(ofHex digits: ArraySlice<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in digits {
      guard let value = hexValue(digit) else { return [] }
      if let first = high {
        bytes.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    return bytes
  }

  private func hexValue(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}

/// Shakes hands on descriptor 3, and says on one line how that went. With a bundle it verifies; without, it
/// prints the last certificate that the server sends, whose issuer is what is to be trusted: the whole chain is had
/// from Python 3.10 on, else the server's own.
private let tlsScript: StaticString = """
  import socket, ssl, sys
  host, bundle = sys.argv[1:3]
  try:
      if bundle:
          context = ssl.create_default_context(cafile=bundle)
      else:
          context = ssl._create_unverified_context()
      connection = socket.socket(fileno=3)
      connection.settimeout(10)
      tls = context.wrap_socket(connection, server_hostname=host)
      if bundle:
          print("ok")
      else:
          try:
              last = tls._sslobj.get_unverified_chain()[-1].public_bytes(ssl._ssl.ENCODING_DER)
          except Exception:
              last = tls.getpeercert(True)
          print("certificate", last.hex())
  except ssl.SSLCertVerificationError as error:
      print("untrusted", error.verify_code, error.verify_message)
  except Exception as error:
      print("failed", str(error).replace(chr(10), " ") or type(error).__name__)
  """
