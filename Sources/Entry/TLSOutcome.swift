import Linux
import Text

/// The result of the TLS handshakes that the image's Python made on a connection. Python judges as the service does.
struct TLSOutcome {
  enum Stage: Equatable { case proxy, target }

  /// The request to Python.
  struct Request {
    /// The server's name or address.
    let host: [UInt8]
    /// The bundle that servers are verified against.
    let bundle: Path
    /// The name of a proxy that speaks TLS, and the request for a tunnel; nil if there is a tunnel already or none is
    /// needed.
    var proxy: (name: [UInt8], connect: [UInt8])?
    /// The request that is sent to the server once it is verified; nil for none.
    var head: [UInt8]?
    /// The peer whose certificate is returned without verification; nothing is sent to it then.
    var unverified: Stage?
  }

  private(set) var isOK = false
  /// The last peer.
  private(set) var stage = Stage.target
  /// OpenSSL's reason for refusing the certificate; nil if the failure had another cause.
  private(set) var verdict: Int?
  private(set) var text: Text = ""
  /// The last certificate of the chain, as DER: of the verified chain, or of what the server sends.
  private(set) var certificate: [UInt8] = []
  /// The answer of a proxy that speaks TLS to the request for a tunnel; nil if there was no request.
  private(set) var proxyAnswer: [UInt8]?
  /// The server's answer.
  private(set) var answer: [UInt8] = []
  private(set) var steps: [Step] = []

  /// Runs Python on the connection, and reads the lines that ``tlsScript`` prints.
  init(of connection: Connection, _ request: Request, by python: Path, _ environment: Environment) {
    var entries = environment.entries
    // Every user can see arguments, and these may contain a password.
    entries.append(("PSM_ENTRY_PROBE_CONNECT=" as StaticString).bytes + (request.proxy?.connect ?? []))
    entries.append(("PSM_ENTRY_PROBE_HEAD=" as StaticString).bytes + (request.head ?? []))
    let unverified: StaticString =
      switch request.unverified {
      case nil: ""
      case .proxy?: "proxy"
      case .target?: "target"
      }
    let arguments = [
      ("-Ic" as StaticString).bytes, tlsScript.bytes, request.host, Array(request.bundle.bytes),
      request.proxy?.name ?? [], unverified.bytes,
    ]
    let run = ToolRun.run(
      python, arguments, environment: entries, passing: connection.descriptor,
      until: Deadline(secondsFromNow: 3 * Connection.stepLimit))
    let lines = run.output[...].parts(between: "\n")
    var isTold = false
    for line in lines where read(line) { isTold = true }
    if !isTold {
      let last = lines.last ?? []
      text = run.ending == .late ? "timed out" : "Python could not verify it (\(escaped(last)))"
    }
  }

  /// - Returns: whether the line is the last one.
  private mutating func read(_ line: ArraySlice<UInt8>) -> Bool {
    let word = line.prefix { $0 != UInt8(ascii: " ") }
    let rest = line.dropFirst(word.count + 1)
    if word.isEqual(to: "ok") {
      isOK = true
      certificate = hexDecoded(rest) ?? []
      return true
    } else if word.isEqual(to: "certificate") {
      certificate = hexDecoded(rest) ?? []
      return true
    } else if word.isEqual(to: "untrusted") {
      let digits = rest.prefix { $0 != UInt8(ascii: " ") }
      verdict = digits.decimal(upTo: 1000) ?? 0
      text = escaped(rest.dropFirst(digits.count + 1))
      return true
    } else if word.isEqual(to: "failed") {
      text = escaped(rest)
      return true
    } else if word.isEqual(to: "stage") {
      stage = rest.isEqual(to: "proxy") ? .proxy : .target
    } else if word.isEqual(to: "answered") {
      proxyAnswer = hexDecoded(rest) ?? []
    } else if word.isEqual(to: "head") {
      answer = hexDecoded(rest) ?? []
    } else if let name = Step.named(word) {
      steps.append(Step(name: name, milliseconds: rest.decimal(upTo: 1_000_000) ?? 0))
    }
    return false
  }

  /// Whether no trusted CA has issued it: the issuer is missing, or one with the same name has another key.
  /// - Source: OpenSSL's X509_STORE_CTX_get_error(3).
  var isWithoutIssuer: Bool { [2, 7, 18, 19, 20, 21].contains(verdict) }
  /// The verdict on a chain with an expired certificate.
  static let hasExpired = 10
  /// Whether it is for another host or another address.
  var isForOther: Bool { [62, 63, 64].contains(verdict) }
}

/// The duration of one part of a connection.
struct Step: Equatable {
  let name: StaticString
  let milliseconds: Int

  static func named(_ word: ArraySlice<UInt8>) -> StaticString? {
    (["proxy", "tls", "request"] as [StaticString]).first { word.isEqual(to: $0) }
  }

  static func == (one: Step, other: Step) -> Bool {
    one.name.bytes == other.name.bytes && one.milliseconds == other.milliseconds
  }
}

/// The addresses of a name according to Python, in its order; empty if it knows none.
///
/// With several name servers, musl accepts the first answer, even one that says that the name does not exist. The
/// image's C library, which its clients use, waits for the next answer.
func addresses(of host: [UInt8], by python: Path, _ environment: Environment) -> [[UInt8]] {
  let script: StaticString = """
    import socket, sys
    for found in socket.getaddrinfo(sys.argv[1], 443, type=socket.SOCK_STREAM): print(found[4][0])
    """
  let run = ToolRun.run(
    python, [("-Ic" as StaticString).bytes, script.bytes, host], environment: environment.entries,
    until: Deadline(secondsFromNow: 2 * Connection.stepLimit))
  guard run.ending == .ended(.exited(0)) else { return [] }
  return run.output[...].parts(between: "\n").map { [UInt8]($0) }
}

/// Performs TLS handshakes on descriptor 3, first with a proxy that speaks TLS, and prints the outcome in lines: `stage
/// NAME` before each handshake; `proxy`, `tls` and `request` with milliseconds; `answered` and `head` with the answers
/// in hex; and at the end `ok` or `certificate` with the last certificate of the chain, `untrusted` or `failed`. The
/// whole chain is available since Python 3.10; before that, only the server's own certificate.
private let tlsScript: StaticString = """
  import os, socket, ssl, sys, time
  host, bundle, proxy, unverified = sys.argv[1:5]
  start = time.monotonic()

  def took(step):
      global start
      now = time.monotonic()
      print(step, round((now - start) * 1000))
      start = now

  def context(stage):
      print("stage", stage)
      if stage == unverified:
          return ssl._create_unverified_context()
      return ssl.create_default_context(cafile=bundle)

  def last(tls, verified):
      try:
          name = "get_verified_chain" if verified else "get_unverified_chain"
          der = getattr(tls._sslobj, name)()[-1].public_bytes(ssl._ssl.ENCODING_DER)
      except Exception:
          der = tls.getpeercert(True)
      return der.hex()

  def answer(read):
      text = b""
      while b"\\r\\n\\r\\n" not in text and len(text) < 16384:
          part = read(4096)
          if not part:
              break
          text += part
      return text

  def main():
      transport = socket.socket(fileno=3)
      transport.settimeout(10)
      if proxy:
          transport = context("proxy").wrap_socket(transport, server_hostname=proxy)
          if unverified == "proxy":
              return print("certificate", last(transport, False))
          transport.sendall(os.environb[b"PSM_ENTRY_PROBE_CONNECT"])
          text = answer(transport.recv)
          print("answered", text[:4096].hex())
          took("proxy")
          if text[9:10] != b"2":
              return print("failed")
      incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
      tls = context("target").wrap_bio(incoming, outgoing, server_hostname=host)

      def run(step, *arguments):
          while True:
              try:
                  done, waits = step(*arguments), False
              except ssl.SSLWantReadError:
                  waits = True
              finally:
                  # Also the alert that says why it ends.
                  if outgoing.pending:
                      transport.sendall(outgoing.read())
              if not waits:
                  return done
              part = transport.recv(16384)
              incoming.write(part) if part else incoming.write_eof()

      run(tls.do_handshake)
      took("tls")
      if unverified:
          return print("certificate", last(tls, False))
      if os.environb[b"PSM_ENTRY_PROBE_HEAD"]:
          run(tls.write, os.environb[b"PSM_ENTRY_PROBE_HEAD"])
          print("head", answer(lambda size: run(tls.read, size))[:1024].hex())
          took("request")
      print("ok", last(tls, True))

  try:
      main()
  except ssl.SSLCertVerificationError as error:
      print("untrusted", error.verify_code, error.verify_message)
  except Exception as error:
      print("failed", str(error).replace(chr(10), " ") or type(error).__name__)
  """
