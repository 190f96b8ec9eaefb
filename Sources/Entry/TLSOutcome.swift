import Linux
import Text

/// What a TLS handshake came to that the image's Python made: it judges as the service does.
struct TLSOutcome {
  private(set) var isOK = false
  /// OpenSSL's number for why the certificate is refused; nil where that is not what went wrong.
  private(set) var verdict: Int?
  private(set) var text: Text = ""
  /// The last certificate that the server sends, as DER.
  private(set) var certificate: [UInt8] = []

  /// Shakes hands, and reads the line that ``tlsScript`` prints.
  /// - Parameter bundle: what the server is verified against; nil to ask for its certificate.
  init(
    of connection: Connection, to host: [UInt8], by python: Path, _ bundle: Path?, _ environment: Environment
  ) {
    let arguments = [
      Array(Path("-Ic").bytes), Array(Path(tlsScript).bytes), host, bundle.map { Array($0.bytes) } ?? [],
    ]
    let run = ToolRun.run(
      python, arguments, environment: environment.entries, passing: connection.descriptor,
      until: Deadline(secondsFromNow: 2 * Connection.stepLimit))
    let line = run.output.split(separator: newline).last ?? []
    let word = line.prefix { $0 != UInt8(ascii: " ") }
    let rest = line.dropFirst(word.count + 1)
    text = escaped(rest)
    if word.isEqual(to: "ok") {
      isOK = true
    } else if word.isEqual(to: "untrusted") {
      let digits = rest.prefix { $0 != UInt8(ascii: " ") }
      verdict = digits.decimal(upTo: 1000) ?? 0
      text = escaped(rest.dropFirst(digits.count + 1))
    } else if word.isEqual(to: "certificate") {
      certificate = hexDecoded(rest) ?? []
    } else if !word.isEqual(to: "failed") {
      text = run.ending == .late ? "no answer in time" : "Python could not check it (\(escaped(line)))"
    }
  }

  /// Whether nobody who is trusted has issued it: no issuer is there, or one of that name with another key.
  /// - Source: OpenSSL's X509_STORE_CTX_get_error(3).
  var isWithoutIssuer: Bool { [2, 7, 18, 19, 20, 21].contains(verdict) }
  /// Whether it is for another host, or another address.
  var isForOther: Bool { [62, 63, 64].contains(verdict) }
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
