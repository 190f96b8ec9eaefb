import Text

/// A program or library that makes TLS connections: a row of the tables in `Judgement+Trust.swift` and
/// `Judgement+Proxy.swift`.
public enum ClientKind: Equatable, Sendable {
  case curl, wget, git, urllib, requests, pip, aiohttp, httpx, botocore, grpc, conda, rattler, uv, node, npm,
    go, ruby

  /// Its common name.
  public var name: StaticString {
    switch self {
    case .curl: "curl"
    case .wget: "wget"
    case .git: "git"
    case .urllib: "urllib"
    case .requests: "requests"
    case .pip: "pip"
    case .aiohttp: "aiohttp"
    case .httpx: "httpx"
    case .botocore: "botocore"
    case .grpc: "grpc"
    case .conda: "conda"
    case .rattler: "py-rattler"
    case .uv: "uv"
    case .node: "Node"
    case .npm: "npm"
    case .go: "Go"
    case .ruby: "Ruby"
    }
  }
}

/// A client found in the image. It does not change once it is in the list of clients.
public final class Client: @unchecked Sendable {
  public let kind: ClientKind
  /// Its location: a program, or the directory of a Python package.
  public let place: Path
  /// What its OpenSSL reads by default: a file, and a directory of hashed names.
  public var openSSL: (file: Path, directory: Path)
  /// The bundle that it contains: that of certifi, pip, botocore or grpc.
  public var bundle: Path?
  /// The `sys.prefix` of its Python.
  public var prefix: Path?
  /// Whether its Python sets VERIFY_X509_STRICT by default, as 3.13 and later do.
  public var isStrict = false
  /// Whether httpx ignores a variable that names no file, as versions before 0.28 do.
  public var passesOverMissing = false
  /// Whether curl ignores `SSL_CERT_FILE` if `SSL_CERT_DIR` is set, as versions before 8.2 do.
  public var readsDirectoryAlone = false
  /// Whether git accepts an empty file, as it does with GnuTLS; OpenSSL refuses it.
  public var passesOverEmpty = false
  /// Whether pip contains truststore and uses it by default, as 24.2 and later do.
  public var usesTruststore = false

  public init(
    _ kind: ClientKind, at place: Path, openSSL: (file: Path, directory: Path), bundle: Path? = nil,
    prefix: Path? = nil
  ) {
    self.kind = kind
    self.place = place
    self.openSSL = openSSL
    self.bundle = bundle
    self.prefix = prefix
  }
}
