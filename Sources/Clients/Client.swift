import Text

/// A program or library that makes TLS connections: a row of the table in `Judgement+Trust.swift` and
/// `Judgement+Proxy.swift`.
public enum ClientKind: Equatable, Sendable {
  case curl, wget, git, urllib, requests, pip, aiohttp, httpx, botocore, grpc, conda, rattler, uv, node, npm,
    go, ruby

  /// The name by which people know it.
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

/// A client that was found in the image. It does not change once it is among the others.
public final class Client: @unchecked Sendable {
  public let kind: ClientKind
  /// Where: a program, or the directory that holds a Python package.
  public let place: Path
  /// What its OpenSSL reads where no variable says otherwise: a file, and a directory of hashed names.
  public var openSSL: (file: Path, directory: Path)
  /// The bundle that it brings: certifi's, pip's, botocore's or grpc's own.
  public var bundle: Path?
  /// The `sys.prefix` of its Python.
  public var prefix: Path?
  /// Whether its Python sets VERIFY_X509_STRICT by default: 3.13 and later do.
  public var isStrict = false
  /// Whether httpx passes over a variable that names nothing: before 0.28 it does.
  public var passesOverMissing = false
  /// Whether curl passes over `SSL_CERT_FILE` where `SSL_CERT_DIR` is set: before 8.2 it does.
  public var readsDirectoryAlone = false
  /// Whether git takes an empty file for one that adds nothing: GnuTLS does, OpenSSL refuses it.
  public var passesOverEmpty = false
  /// Whether pip brings truststore and uses it unasked: 24.2 and later do.
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
