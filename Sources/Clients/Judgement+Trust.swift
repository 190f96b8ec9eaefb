import Text

// The table of clients and what each trusts. Each row says which store the client reads by default, what replaces or
// extends it and in which order, and what turns verification off.

/// Where Go and others look for the distribution's bundle, in order.
/// - Source: Go's `crypto/x509` (`root_linux.go`).
private let systemBundles: [StaticString] = [
  "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
  "/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
]

extension Judgement {
  @inline(never)
  func trust(of client: Client) -> ClientTrust {
    if facts.mountedCount == 0 { return .unasked }
    switch client.kind {
    case .urllib: return outcome(openSSLDefaults(of: client), of: client)
    case .aiohttp: return outcome(openSSLDefaults(of: client), of: client)
    case .ruby: return outcome(openSSLDefaults(of: client), of: client)
    case .requests: return outcome(requestsStores(client.bundle), of: client)
    case .httpx: return httpxTrust(client)
    case .pip: return pipTrust(client)
    case .conda: return condaTrust(client)
    case .botocore: return botocoreTrust(client)
    case .grpc: return grpcTrust(client)
    case .curl: return curlTrust(client)
    case .wget: return wgetTrust(client)
    case .git: return gitTrust(client)
    case .node: return nodeTrust(client)
    case .npm: return npmTrust(client)
    case .uv: return uvTrust(client)
    case .rattler: return rattlerTrust(client)
    case .go: return goTrust(client)
    }
  }

  /// `insecure`, `cacert` and `capath` in `.curlrc`; else `CURL_CA_BUNDLE`, else `SSL_CERT_DIR` and `SSL_CERT_FILE`. A
  /// named file must be readable. A directory is trusted as well: the named one, or the distribution's.
  /// - Source: curl(1), "--cacert", "ENVIRONMENT"; `tool_operate.c`.
  private func curlTrust(_ client: Client) -> ClientTrust {
    let options = entries(of: client)
    if let off = last(["insecure", "k"], of: options) { return .off(off.origin) }
    var file = last(["cacert"], of: options)
    var directory = last(["capath"], of: options)
    if file == nil && directory == nil {
      file = variable("CURL_CA_BUNDLE")
      if file == nil {
        directory = variable("SSL_CERT_DIR")
        if directory == nil || !client.readsDirectoryAlone { file = variable("SSL_CERT_FILE") }
      }
    }
    return outcome(systemStores(client, file, directory), of: client)
  }

  /// What Debian's curl and git read by default: a bundle and a directory of hashed names, each replaced by a setting.
  /// Those of conda have only a bundle.
  private func systemStores(_ client: Client, _ file: Setting?, _ directory: Setting?) -> [Use] {
    var uses: [Use] = []
    if let file {
      uses.append(
        Use(path: client.kind == .curl ? Path(file.value) : path(file), origin: file.origin, isVital: true))
    } else {
      uses.append(Use(path: client.bundle ?? systemBundle, origin: .byDefault))
    }
    if let directory {
      uses += hashedDirectories(in: directory)
    } else if client.bundle == nil {
      uses.append(Use(path: Path("/etc/ssl/certs"), isDirectory: true, origin: .byDefault))
    }
    return uses
  }

  /// The bundle of the distribution's own programs, such as Debian's curl, git and wget: the first of the usual bundles that
  /// exists, as far as is known, or else the one that the family of the system store has.
  private var systemBundle: Path {
    for path in systemBundles {
      switch facts.store(Path(path), isDirectory: false) {
      case .missing?: continue
      default: return Path(path)
      }
    }
    return facts.systemBundle ?? Path(systemBundles[0])
  }

  /// `check_certificate=off` turns verification off; `ca_certificate` adds a file. The system store is always read.
  /// - Source: wget's manual, "Wgetrc Commands"; `gnutls.c`, `openssl.c` (`ssl_init`).
  private func wgetTrust(_ client: Client) -> ClientTrust {
    let options = entries(of: client)
    if let off = last(["check-certificate", "checkcertificate"], of: options), !meansYes(off.value) {
      return .off(off.origin)
    }
    var uses = [Use(path: client.bundle ?? systemBundle, origin: .byDefault)]
    if let added = last(["ca-certificate", "cacertificate"], of: options) {
      uses.append(Use(path: path(added), origin: added.origin))
    }
    return outcome(uses, of: client)
  }

  /// `GIT_SSL_NO_VERIFY`, else `http.sslVerify`; `GIT_SSL_CAINFO`, else `http.sslCAInfo`. A setting for a URL takes
  /// precedence over one for all.
  /// - Source: git-config(1), "http.sslVerify", "http.<url>.*"; git's `http.c` (`http_init`).
  private func gitTrust(_ client: Client) -> ClientTrust {
    if let off = variable("GIT_SSL_NO_VERIFY", countsEmpty: true) { return .off(off.origin) }
    if let verify = gitSetting("sslverify", client), !meansYes(verify.value), !verify.value.isEmpty {
      return .off(verify.origin)
    }
    let file = variable("GIT_SSL_CAINFO", countsEmpty: true) ?? gitSetting("sslcainfo", client)
    let directory = variable("GIT_SSL_CAPATH", countsEmpty: true) ?? gitSetting("sslcapath", client)
    return outcome(systemStores(client, file, directory), of: client)
  }

  /// A setting in git's section `http`: from the files, then from `GIT_CONFIG_KEY_0` and so on. The last one counts;
  /// one for a URL takes precedence.
  func gitSetting(_ name: StaticString, _ client: Client) -> Setting? {
    var general: Setting?
    var special: Setting?
    for entry in entries(of: client) where entry.isIn("http") && entry.has([name]) {
      if entry.subsection == nil { general = setting(entry) } else { special = setting(entry) }
    }
    let count = facts.value(of: "GIT_CONFIG_COUNT").flatMap { $0[...].decimal(upTo: 1000) } ?? 0
    for number in 0..<count {
      let digits = decimal(Int64(number))
      let keyVariable = StaticString("GIT_CONFIG_KEY_").bytes + digits
      guard let key = facts.value(of: keyVariable),
        let value = facts.value(of: StaticString("GIT_CONFIG_VALUE_").bytes + digits),
        let dot = key.lastIndex(of: UInt8(ascii: ".")), let firstDot = key.firstIndex(of: UInt8(ascii: ".")),
        lowerCased(key[..<firstDot])[...].isEqual(to: "http"),
        lowerCased(key[(dot + 1)...])[...].isEqual(to: name)
      else { continue }
      let found = Setting(value: value, origin: .variable(keyVariable))
      if dot == firstDot { general = found } else { special = found }
    }
    return special ?? general
  }

  /// Its built-in roots plus the file in `NODE_EXTRA_CA_CERTS`; if that cannot be read, Node warns and continues.
  /// `--use-openssl-ca` selects OpenSSL's store, `--use-system-ca` the system's. `NODE_TLS_REJECT_UNAUTHORIZED=0` turns
  /// verification off.
  /// - Source: node(1), "ENVIRONMENT"; Node's `tls.rootCertificates`.
  private func nodeTrust(_ client: Client) -> ClientTrust {
    if let off = variable("NODE_TLS_REJECT_UNAUTHORIZED"), off.value[...].isEqual(to: "0") {
      return .off(off.origin)
    }
    return outcome(nodeStores(client), of: client)
  }

  private func nodeStores(_ client: Client) -> [Use] {
    var uses: [Use] = []
    if let extra = variable("NODE_EXTRA_CA_CERTS") {
      uses.append(Use(path: Path(extra.value), origin: extra.origin))
    }
    let options = facts.value(of: "NODE_OPTIONS") ?? []
    if options[...].contains("--use-openssl-ca") { uses += openSSLDefaults(of: client) }
    let isSystem = variable("NODE_USE_SYSTEM_CA").map { $0.value[...].isEqual(to: "1") } ?? false
    if isSystem || options[...].contains("--use-system-ca") { uses += openSSLDefaults(of: client) }
    return uses
  }

  /// Like Node, except that `cafile` and `ca` replace everything, and that `strict-ssl=false` alone turns verification
  /// off.
  /// - Source: npm's config(7), "cafile", "strict-ssl"; `@npmcli/agent` sets `rejectUnauthorized` by it.
  private func npmTrust(_ client: Client) -> ClientTrust {
    if let strict = npmSetting("strict-ssl", client), meansNo(strict.value) { return .off(strict.origin) }
    if let file = npmSetting("cafile", client), !file.value.isEmpty, !file.value[...].isEqual(to: "null") {
      return outcome([Use(path: path(file, expandsVariables: true), origin: file.origin)], of: client)
    }
    return outcome(nodeStores(client), of: client)
  }

  func npmSetting(_ name: StaticString, _ client: Client) -> Setting? {
    let dashes = StaticString("npm_config_").bytes + name.bytes
    let underscores = dashes.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }
    for entry in facts.environment {
      guard let equals = entry.firstIndex(of: UInt8(ascii: "=")) else { continue }
      let written = lowerCased(entry[..<equals])
      if written == dashes || written == underscores {
        return Setting(value: Array(entry[(equals + 1)...]), origin: .variable(Array(entry[..<equals])))
      }
    }
    return last([name], of: entries(of: client))
  }

  /// Its built-in roots. `SSL_CERT_FILE` and `SSL_CERT_DIR` replace them if they exist; `UV_SYSTEM_CERTS`,
  /// `UV_NATIVE_TLS` and the equivalent settings select the system store. `UV_INSECURE_HOST` turns verification off for
  /// hosts.
  /// - Source: uv's documentation, "TLS certificates", "Environment variables".
  private func uvTrust(_ client: Client) -> ClientTrust {
    let options = entries(of: client)
    if let hosts = variable("UV_INSECURE_HOST") ?? last(["allow-insecure-host"], of: options),
      !hosts.value[...].isEqual(to: "[]")
    {
      return .off(hosts.origin)
    }
    if let uses = certificatesInVariables() { return outcome(uses, of: client) }
    let isSystem =
      first(["UV_SYSTEM_CERTS", "UV_NATIVE_TLS"]) ?? last(["system-certs", "native-tls"], of: options)
    if let isSystem, meansYes(isSystem.value) {
      return outcome([Use(path: systemBundle, origin: .byDefault)], of: client)
    }
    return .ownRoots
  }

  /// The directories of hashed names in a setting, separated by `:`.
  private func hashedDirectories(in setting: Setting) -> [Use] {
    setting.value[...].parts(between: ":").map {
      Use(path: Path($0), isDirectory: true, origin: setting.origin)
    }
  }

  /// The stores that `SSL_CERT_FILE` and `SSL_CERT_DIR` name together; nil if neither is set.
  private func certificatesInVariables() -> [Use]? {
    var uses: [Use] = []
    if let file = variable("SSL_CERT_FILE") { uses.append(Use(path: Path(file.value), origin: file.origin)) }
    if let directories = variable("SSL_CERT_DIR") { uses += hashedDirectories(in: directories) }
    return uses.isEmpty ? nil : uses
  }

  /// The system store, or the stores that `SSL_CERT_FILE` and `SSL_CERT_DIR` name instead.
  /// - Source: the crates rustls-native-certs and openssl-probe.
  private func rattlerTrust(_ client: Client) -> ClientTrust {
    outcome(certificatesInVariables() ?? [Use(path: systemBundle, origin: .byDefault)], of: client)
  }

  /// The first of the usual bundles, or `SSL_CERT_FILE`; plus every file in the usual directory, or in `SSL_CERT_DIR`.
  /// - Source: Go's `crypto/x509` (`root_unix.go`, `root_linux.go`).
  private func goTrust(_ client: Client) -> ClientTrust {
    let file = variable("SSL_CERT_FILE")
    var uses = [Use(path: file.map { Path($0.value) } ?? systemBundle, origin: file?.origin ?? .byDefault)]
    if let directories = variable("SSL_CERT_DIR") {
      uses += hashedDirectories(in: directories)
    } else {
      uses += ["/etc/ssl/certs", "/etc/pki/tls/certs"].map { (path: StaticString) in
        Use(path: Path(path), isDirectory: true, origin: .byDefault)
      }
    }
    return outcome(uses, of: client)
  }
}
