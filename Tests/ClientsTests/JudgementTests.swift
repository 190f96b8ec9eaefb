import Testing
import Text

@testable import Clients

/// Facts in the notation of the tests: variables, files, and stores by their contents.
struct World {
  var variables: [String] = []
  var files: [String: String] = [:]
  var stores: [String: ClientFacts.Store] = [:]
  var systemBundle: String?

  static let trusting = ClientFacts.Store.read([true], isDirectory: false)
  static let lacking = ClientFacts.Store.read([false], isDirectory: false)

  /// The usual stores: all of them trust the mounted certificates.
  static let merged: [String: ClientFacts.Store] = [
    "/conda/ssl/cert.pem": trusting, "/certifi": trusting, "/etc/ssl/certs/ca-certificates.crt": trusting,
    "/own": trusting, "/other": lacking, "/broken": .malformed, "/empty": .empty,
    "/hashed": .read([true], isDirectory: true), "/unhashed": .read([false], isDirectory: true),
  ]

  func verdict(_ kind: ClientKind, mounted: Int = 1, strict: Bool = false) -> ClientVerdict {
    var facts = ClientFacts(
      environment: variables.map { Array($0.utf8) }, home: Path("/root"), mountedCount: mounted,
      hasStrictFault: strict)
    facts.systemBundle = systemBundle.map { Path(Array($0.utf8)) }
    facts.files = files.map { (Path(Array($0.utf8)), Array($1.utf8)) }
    let known = Self.merged.merging(stores) { $1 }
    let client = Client(
      kind, at: Path("/conda/bin/x"), openSSL: (Path("/conda/ssl/cert.pem"), Path("/conda/ssl/certs")),
      bundle: [.requests, .pip, .httpx, .conda, .botocore, .grpc].contains(kind) ? Path("/certifi") : nil,
      prefix: Path("/conda"))
    client.isStrict = strict
    while true {
      let judgement = Judgement(facts)
      let verdict = judgement.verdict(on: client)
      if judgement.questions.isEmpty { return verdict }
      for question in judgement.questions {
        let name = String(decoding: question.path.bytes, as: UTF8.self)
        facts.stores.append((question.path, question.isDirectory, known[name] ?? .missing))
      }
    }
  }
}

struct TrustTests {
  /// A client, its environment, its configuration, and the verdict: `+` trusts, `off`, `lacks`, `bad`, `own`.
  static let rows: [(ClientKind, [String], [String: String], String)] = [
    (.urllib, [], [:], "+"),
    (.urllib, ["SSL_CERT_FILE=/other"], [:], "lacks"),
    (.urllib, ["SSL_CERT_FILE=/nowhere"], [:], "bad"),
    (.urllib, ["SSL_CERT_FILE="], [:], "bad"),
    (.urllib, ["SSL_CERT_FILE=/hashed"], [:], "bad"),
    (.urllib, ["SSL_CERT_DIR=/nowhere"], [:], "+"),
    (.urllib, ["SSL_CERT_FILE=/other", "SSL_CERT_DIR=/unhashed:/hashed"], [:], "+"),
    (.urllib, ["SSL_CERT_FILE=/broken"], [:], "bad"),
    (.urllib, ["REQUESTS_CA_BUNDLE=/other"], [:], "+"),
    (.aiohttp, ["SSL_CERT_FILE=/empty"], [:], "bad"),
    (.ruby, ["SSL_CERT_FILE=/other"], [:], "lacks"),
    (.requests, [], [:], "+"),
    (.requests, ["REQUESTS_CA_BUNDLE=/other"], [:], "lacks"),
    (.requests, ["REQUESTS_CA_BUNDLE=/nowhere"], [:], "bad"),
    (.requests, ["REQUESTS_CA_BUNDLE=/hashed"], [:], "+"),
    (.requests, ["REQUESTS_CA_BUNDLE=", "CURL_CA_BUNDLE=/other"], [:], "lacks"),
    (.requests, ["REQUESTS_CA_BUNDLE=/own", "CURL_CA_BUNDLE=/nowhere"], [:], "+"),
    (.requests, ["SSL_CERT_FILE=/nowhere"], [:], "+"),
    (.httpx, ["SSL_CERT_FILE=/nowhere"], [:], "bad"),
    (.httpx, ["SSL_CERT_FILE=", "SSL_CERT_DIR=/hashed"], [:], "+"),
    (.httpx, ["SSL_CERT_DIR=/unhashed"], [:], "lacks"),
    (.httpx, ["REQUESTS_CA_BUNDLE=/nowhere"], [:], "+"),
    (.pip, ["PIP_CERT=/other"], [:], "lacks"),
    (.pip, ["PIP_CERT=/other", "REQUESTS_CA_BUNDLE=/own"], [:], "+"),
    (.pip, [], ["/etc/pip.conf": "[global]\ncert = /nowhere\n"], "bad"),
    (.pip, ["PIP_PROXY=http://q:2", "CURL_CA_BUNDLE=/broken"], [:], "+"),
    (.pip, ["PIP_PROXY=http://q:2", "CURL_CA_BUNDLE=/own", "PIP_CERT=/nowhere"], [:], "bad"),
    (.urllib, ["SSL_CERT_FILE=/empty", "SSL_CERT_DIR=/own"], [:], "+"),
    (.urllib, ["SSL_CERT_FILE=/other", "SSL_CERT_DIR=/unhashed"], [:], "lacks"),
    (.pip, ["PIP_CONFIG_FILE=/dev/null"], ["/etc/pip.conf": "[global]\ncert = /nowhere\n"], "+"),
    (
      .pip, [],
      ["/etc/pip.conf": "[global]\ncert=/other\n", "/root/.config/pip/pip.conf": "[global]\ncert: /own\n"],
      "+"
    ),
    (.pip, [], ["/conda/pip.conf": "[install]\ntrusted-host = a\n"], "off"),
    (.pip, ["PIP_TRUSTED_HOST=a b"], [:], "off"),
    (.pip, [], ["/etc/pip.conf": "# cert = /nowhere\n[list]\ncert = /nowhere\n"], "+"),
    (.conda, [], ["/root/.condarc": "ssl_verify: false\n"], "off"),
    (.conda, [], ["/root/.condarc": "ssl_verify: False  # for now\n"], "off"),
    (.conda, [], ["/root/.condarc": "channels:\n  - defaults\nssl_verify: /other\n"], "lacks"),
    (.conda, [], ["/root/.condarc": "ssl_verify: '/nowhere'\n"], "bad"),
    (.conda, [], ["/root/.condarc": "ssl_verify: truststore\n"], "+"),
    (.conda, ["CONDA_SSL_VERIFY=true"], ["/root/.condarc": "ssl_verify: false\n"], "+"),
    (.conda, ["REQUESTS_CA_BUNDLE=/own"], ["/root/.condarc": "ssl_verify: false\n"], "+"),
    (.conda, [], ["/etc/conda/condarc.d/a.yml": "ssl_verify: no", "/root/.condarc": "ssl_verify: yes"], "+"),
    (.conda, ["CONDARC=/rc"], ["/rc": "ssl_verify: off", "/root/.condarc": "ssl_verify: yes"], "off"),
    (.conda, ["A=/own"], ["/root/.condarc": "ssl_verify: ${A}"], "+"),
    (.botocore, ["AWS_CA_BUNDLE=/other"], [:], "lacks"),
    (.botocore, [], ["/root/.aws/config": "[default]\nca_bundle = /nowhere\n"], "bad"),
    (.grpc, ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=/other"], [:], "lacks"),
    (.grpc, ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=/nowhere"], [:], "+"),
    (.curl, [], [:], "+"),
    (.curl, ["SSL_CERT_FILE=/nowhere", "SSL_CERT_DIR=/nowhere"], [:], "bad"),
    (.curl, [], ["/root/.curlrc": "insecure\n"], "off"),
    (.curl, [], ["/root/.curlrc": "# insecure\n--cacert = \"/nowhere\"\n"], "bad"),
    (.curl, ["CURL_CA_BUNDLE=/other"], [:], "lacks"),
    (.curl, ["SSL_CERT_FILE=/nowhere"], [:], "bad"),
    (.curl, ["CURL_HOME=/c"], ["/c/.curlrc": "silent\n", "/root/.curlrc": "insecure\n"], "+"),
    (.wget, [], ["/root/.wgetrc": "check_certificate = off\n"], "off"),
    (.wget, [], ["/etc/wgetrc": "ca_certificate = /nowhere\n"], "+"),
    (.wget, ["SSL_CERT_FILE=/nowhere"], [:], "+"),
    (.git, ["GIT_SSL_NO_VERIFY="], [:], "off"),
    (.git, [], ["/etc/gitconfig": "[http]\n\tsslVerify = false\n"], "off"),
    (
      .git, [], ["/etc/gitconfig": "[http]\nsslVerify = false\n", "/root/.gitconfig": "[http]\nsslverify\n"],
      "+"
    ),
    (.git, [], ["/root/.gitconfig": "[http \"https://a/\"]\nsslCAInfo = \"/nowhere\" # gone\n"], "bad"),
    (.git, ["GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.sslVerify", "GIT_CONFIG_VALUE_0=0"], [:], "off"),
    (.git, ["GIT_SSL_CAINFO=/own"], ["/root/.gitconfig": "[http]\nsslCAInfo = /nowhere\n"], "+"),
    (.git, [], ["/root/.gitconfig": "[user]\nsslVerify = false\n"], "+"),
    (.node, [], [:], "own"),
    (.node, ["NODE_EXTRA_CA_CERTS=/own"], [:], "+"),
    (.node, ["NODE_EXTRA_CA_CERTS=/nowhere"], [:], "bad"),
    (.node, ["NODE_EXTRA_CA_CERTS=/own", "NODE_TLS_REJECT_UNAUTHORIZED=0"], [:], "off"),
    (.npm, ["NODE_EXTRA_CA_CERTS=/own"], ["/root/.npmrc": "strict-ssl=false\n"], "off"),
    (.npm, ["NODE_TLS_REJECT_UNAUTHORIZED=0"], [:], "own"),
    (.npm, ["NODE_EXTRA_CA_CERTS=/own"], ["/root/.npmrc": "cafile=/other\n"], "lacks"),
    (.npm, ["NODE_EXTRA_CA_CERTS=/own", "NPM_CONFIG_STRICT_SSL=false"], [:], "off"),
    (.uv, [], [:], "own"),
    (.uv, ["SSL_CERT_FILE=/own"], [:], "+"),
    (.uv, ["UV_SYSTEM_CERTS=1"], [:], "+"),
    (.uv, ["UV_INSECURE_HOST=a"], [:], "off"),
    (.go, ["SSL_CERT_FILE=/other"], [:], "lacks"),
  ]

  @Test(arguments: rows)
  func aClientTrustsWhatItsOwnRulesSay(
    kind: ClientKind, variables: [String], files: [String: String], wanted: String
  ) {
    let trust = World(variables: variables, files: files).verdict(kind).trust
    let word =
      switch trust {
      case .unasked: "unasked"
      case .mounted: "+"
      case .off: "off"
      case .lacking: "lacks"
      case .unusable: "bad"
      case .ownRoots: "own"
      case .refusing: "refuses"
      }
    #expect(word == wanted, "\(kind.name) \(variables) \(files): \(trust)")
  }

  @Test(arguments: rows)
  func whereNothingIsMountedThereIsNothingToMiss(
    kind: ClientKind, variables: [String], files: [String: String], wanted: String
  ) {
    #expect(World(variables: variables, files: files).verdict(kind, mounted: 0).trust == .unasked)
  }

  @Test func whatReplacesAClientsTrustIsNamed() {
    let named = World(files: ["/etc/gitconfig": "[http]\nsslVerify = false\n"]).verdict(.git).trust
    #expect(named == .off(.file(Path("/etc/gitconfig"), key: Array("http.sslverify".utf8))))
  }

  @Test(arguments: [ClientKind.go, .wget, .git])
  func whereNoUsualBundleIsThereTheFamilysIsRead(kind: ClientKind) {
    let none: [String: ClientFacts.Store] = ["/etc/ssl/certs/ca-certificates.crt": .missing]
    #expect(World(stores: none, systemBundle: "/own").verdict(kind).trust == .mounted(.byDefault))
    #expect(
      World(stores: none, systemBundle: "/other").verdict(kind).trust == .lacking(Path("/other"), .byDefault))
  }

  @Test func aStrictPythonRefusesWhatIsTrusted() {
    #expect(World().verdict(.urllib, strict: true).trust == .refusing)
  }
}

struct ProxyTests {
  static let rows: [(ClientKind, [String], [String: String], String)] = [
    (.curl, [], [:], "unasked"),
    (.curl, ["https_proxy=http://p:1"], [:], "environment"),
    (.curl, ["https_proxy=http://p:1"], ["/root/.curlrc": "proxy = \"http://q:2\"\n"], "own"),
    (.curl, ["https_proxy=http://p:1"], ["/root/.curlrc": "-x p:1\n"], "environment"),
    (.curl, ["https_proxy=http://p:1"], ["/root/.curlrc": "noproxy = *\n"], "none"),
    (.curl, ["all_proxy=http://p:1"], [:], "environment"),
    (.wget, ["all_proxy=http://p:1"], [:], "unused"),
    (.wget, ["https_proxy=http://p:1"], ["/etc/wgetrc": "use_proxy = off\n"], "none"),
    (.wget, ["https_proxy=http://p:1"], ["/etc/wgetrc": "https_proxy = http://q:2\n"], "own"),
    (.git, ["https_proxy=http://p:1"], ["/etc/gitconfig": "[http]\nproxy = http://q:2\n"], "own"),
    (.git, ["https_proxy=http://p:1"], ["/etc/gitconfig": "[http]\nproxy =\n"], "none"),
    (.pip, ["https_proxy=http://p:1", "PIP_PROXY=http://q:2"], [:], "own"),
    (.conda, ["https_proxy=http://p:1"], ["/root/.condarc": "proxy_servers:\n  https: http://q:2\n"], "own"),
    (
      .conda, ["https_proxy=http://p:1"], ["/root/.condarc": "proxy_servers: {http: http://q:2}\n"],
      "environment"
    ),
    (.conda, ["https_proxy=http://p:1"], ["/root/.condarc": "proxy_servers: {https: 'http://q:2'}\n"], "own"),
    (
      .conda, ["https_proxy=http://p:1/"], ["/root/.condarc": "proxy_servers:\n  https: http://p:1\n"],
      "environment"
    ),
    (.aiohttp, ["https_proxy=http://p:1"], [:], "unused"),
    (.node, ["https_proxy=http://p:1"], [:], "unused"),
    (.node, ["https_proxy=http://p:1", "NODE_USE_ENV_PROXY=1"], [:], "environment"),
    (.npm, ["https_proxy=http://p:1"], ["/root/.npmrc": "https-proxy=http://q:2\n"], "own"),
    (.requests, ["https_proxy=http://p:1"], [:], "environment"),
    (.curl, [], ["/root/.curlrc": "proxy = q:2\n"], "own"),
  ]

  @Test(arguments: rows)
  func aClientUsesTheProxyThatItsOwnRulesSay(
    kind: ClientKind, variables: [String], files: [String: String], wanted: String
  ) {
    let proxy = World(variables: variables, files: files).verdict(kind).proxy
    let word =
      switch proxy {
      case .unasked: "unasked"
      case .environment: "environment"
      case .unused: "unused"
      case .own: "own"
      case .none: "none"
      }
    #expect(word == wanted, "\(kind.name) \(variables) \(files)")
  }
}

struct ConfigurationTests {
  /// No reader traps, whatever the bytes.
  @Test func anyBytesAreRead() {
    let texts = [
      "[", "]", "[]", "[\"", "=", ":", "\"", "'", "a='", "{", "a: {", "a: {b", "\\", "a=\\", "\u{FEFF}", "--",
      "[x \"\\",
    ]
    for one in texts {
      for other in texts {
        for bytes in [
          Array((one + other).utf8), Array((one + "\n" + other).utf8), Array(one.utf8) + [0, 0xFF],
        ] {
          _ = sectionedEntries(bytes, isGit: true)
          _ = sectionedEntries(bytes, isGit: false)
          _ = plainEntries(bytes, separators: "=: \t")
          _ = condaEntries(bytes)
        }
      }
    }
  }
}
