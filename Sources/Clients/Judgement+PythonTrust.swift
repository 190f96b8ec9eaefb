import Text

// What the clients in Python trust.

extension Judgement {
  /// `REQUESTS_CA_BUNDLE`, else `CURL_CA_BUNDLE`, else certifi's file; it may be a directory, and must exist.
  /// - Source: requests' `sessions.py` (`merge_environment_settings`), `adapters.py` (`cert_verify`).
  func requestsStores(_ bundle: Path?, instead: Setting? = nil, readsVariables: Bool = true) -> [Use] {
    let variable = readsVariables ? first(["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]) : nil
    if let named = variable ?? instead {
      return [
        Use(
          path: path(named, expandsVariables: true), origin: named.origin, isVital: true, takesDirectory: true
        )
      ]
    }
    return bundle.map { [Use(path: $0, origin: .byDefault, isVital: true)] } ?? []
  }

  /// `SSL_CERT_FILE`, else `SSL_CERT_DIR`, else certifi's file. A missing file is an error; before 0.28, a variable
  /// that names a missing file counts as unset.
  /// - Source: httpx' `_config.py` (`create_ssl_context`), `_utils.py` (`get_ca_bundle_from_env`).
  @inline(never)
  func httpxTrust(_ client: Client) -> ClientTrust {
    for (name, isDirectory) in [("SSL_CERT_FILE", false), ("SSL_CERT_DIR", true)] as [(StaticString, Bool)] {
      guard let named = variable(name) else { continue }
      let path = Path(named.value)
      if client.passesOverMissing {
        guard let contents = contents(of: path, isDirectory: isDirectory) else { return .unasked }
        if contents == .missing { continue }
      }
      return outcome(
        [Use(path: path, isDirectory: isDirectory, origin: named.origin, isVital: !isDirectory)], of: client)
    }
    return outcome(client.bundle.map { [Use(path: $0, origin: .byDefault, isVital: true)] } ?? [], of: client)
  }

  /// `REQUESTS_CA_BUNDLE` and `CURL_CA_BUNDLE` come before the option `cert`, because of requests; then the option;
  /// then the vendored certifi. With truststore, OpenSSL's default store is trusted as well.
  /// - Source: pip's `cli/index_command.py` (`_build_session`), `_vendor/truststore/_openssl.py`.
  @inline(never)
  func pipTrust(_ client: Client) -> ClientTrust {
    if let hosts = pipOption("trusted-host", client) { return .off(hosts.origin) }
    // With its own proxy setting, pip's session reads no variable (`trust_env`).
    let cert = pipOption("cert", client)
    let readsVariables = pipOption("proxy", client) == nil
    let own = requestsStores(client.bundle, instead: cert, readsVariables: readsVariables)
    let isLegacy = pipOption("use-deprecated", client).map { $0.value[...].contains("legacy-certs") } ?? false
    if client.usesTruststore && !isLegacy {
      guard let system = truststoreStores(client) else { return .unasked }
      return outcome(own + system, of: client)
    }
    return outcome(own, of: client)
  }

  /// OpenSSL's defaults if the file, or a directory with certificates, exists; otherwise the first of the usual files.
  /// - Returns: nil while that is not known.
  /// - Source: truststore's `_openssl.py` (`_configure_context`); Python's `ssl.get_default_verify_paths`.
  private func truststoreStores(_ client: Client) -> [Use]? {
    let defaults = openSSLDefaults(of: client)
    for use in defaults where !use.takesDirectory {
      guard let contents = contents(of: use.path, isDirectory: use.isDirectory) else { return nil }
      // A directory does not count as the file.
      let isThere = use.isDirectory ? contents != .empty : !contents.isDirectory
      if contents != .missing && isThere { return defaults }
    }
    let usual: [StaticString] = [
      "/etc/ssl/cert.pem", "/etc/pki/tls/cert.pem", "/etc/ssl/certs/ca-certificates.crt",
      "/etc/ssl/ca-bundle.pem",
    ]
    for path in usual {
      guard let contents = contents(of: Path(path), isDirectory: false) else { return nil }
      if contents != .missing { return [Use(path: Path(path), origin: .byDefault)] }
    }
    return []
  }

  /// An option of pip: its variable, otherwise the last file that has it; a command's section takes precedence over
  /// `global`.
  func pipOption(_ name: StaticString, _ client: Client) -> Setting? {
    let upper = name.bytes.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 & 0xDF }
    let variableName = StaticString("PIP_").bytes + upper
    if let value = facts.value(of: variableName), !value.isEmpty {
      return Setting(value: value, origin: .variable(variableName))
    }
    var (own, general): (Setting?, Setting?)
    for entry in entries(of: client) where entry.has([name]) && !entry.value.isEmpty {
      if entry.isIn("global") { general = setting(entry) }
      if entry.isIn("install") || entry.isIn("download") { own = setting(entry) }
    }
    return own ?? general
  }

  /// `CONDA_SSL_VERIFY`, else the last `ssl_verify` in its files: true, false, a path or `truststore`.
  /// `REQUESTS_CA_BUNDLE` and `CURL_CA_BUNDLE` override both, because of requests.
  /// - Source: conda's `gateways/connection/session.py`, `base/context.py`; requests' `merge_environment_settings`.
  @inline(never)
  func condaTrust(_ client: Client) -> ClientTrust {
    var verify: Setting?
    for entry in entries(of: client) where entry.section.isEmpty && entry.has(["ssl-verify", "verify-ssl"]) {
      verify = setting(entry)
    }
    verify = first(["CONDA_SSL_VERIFY", "CONDA_VERIFY_SSL"]) ?? verify
    guard let verify, first(["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]) == nil else {
      return outcome(requestsStores(client.bundle), of: client)
    }
    if meansNo(verify.value) { return .off(verify.origin) }
    if meansYes(verify.value) { return outcome(requestsStores(client.bundle), of: client) }
    if lowerCased(verify.value[...])[...].isEqual(to: "truststore") {
      guard let system = truststoreStores(client) else { return .unasked }
      return outcome(requestsStores(client.bundle) + system, of: client)
    }
    return outcome(requestsStores(client.bundle, instead: verify), of: client)
  }

  /// `AWS_CA_BUNDLE`, else `ca_bundle` in its configuration, else `REQUESTS_CA_BUNDLE`, else certifi's file if it is
  /// installed, else its own.
  /// - Source: botocore's `configprovider.py`, `endpoint.py` (`_get_verify_value`), `httpsession.py`.
  func botocoreTrust(_ client: Client) -> ClientTrust {
    let named =
      variable("AWS_CA_BUNDLE") ?? last(["ca-bundle"], of: entries(of: client))
      ?? variable("REQUESTS_CA_BUNDLE")
    if let named {
      return outcome([Use(path: path(named), origin: named.origin, isVital: true)], of: client)
    }
    return outcome(client.bundle.map { [Use(path: $0, origin: .byDefault, isVital: true)] } ?? [], of: client)
  }

  /// `GRPC_DEFAULT_SSL_ROOTS_FILE_PATH`; if it is unset or cannot be read, the roots in the package.
  /// - Source: grpc's `ssl_utils.cc` (`ComputePemRootCerts`); its `environment_variables.md`.
  func grpcTrust(_ client: Client) -> ClientTrust {
    let own = client.bundle.map { [Use(path: $0, origin: .byDefault)] } ?? []
    guard let named = variable("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH") else { return outcome(own, of: client) }
    guard let contents = contents(of: Path(named.value), isDirectory: false) else { return .unasked }
    if contents == .missing || contents == .empty { return outcome(own, of: client) }
    return outcome([Use(path: Path(named.value), origin: named.origin)], of: client)
  }
}
