import Text

// The table of clients and the proxy that each uses for https. Each row says which of the client's own settings take
// precedence over the proxy variables, and whether it reads these at all.

extension Judgement {
  @inline(never)
  func proxy(of client: Client) -> ClientProxy {
    if let own = ownProxy(of: client) {
      if isNone(own.value) { return environmentProxy(client) == nil ? .unasked : .none(own.origin) }
      return isSameAddress(own.value, environmentProxy(client)) ? .environment : .own(own.value, own.origin)
    }
    if let off = proxyRefusal(of: client) { return hasProxy ? .none(off) : .unasked }
    if !hasProxy { return .unasked }
    return environmentProxy(client) == nil || !readsProxyVariables(client) ? .unused : .environment
  }

  /// The proxy in the client's own settings; nil if there is none.
  @inline(never)
  private func ownProxy(of client: Client) -> Setting? {
    switch client.kind {
    // curl(1), "--proxy": overrides the environment; empty means none.
    case .curl: return last(["proxy", "x"], of: entries(of: client))
    // wget's manual, "https_proxy": `retr.c` (`getproxy`) reads it first.
    case .wget: return last(["https-proxy"], of: entries(of: client))
    // git-config(1), "http.proxy": overrides the environment; empty means none.
    case .git: return gitSetting("proxy", client)
    // pip's `_build_session`: with it, requests reads no proxy variable.
    case .pip: return pipOption("proxy", client)
    // conda passes `proxy_servers` with each request for `repodata`, so they override the environment.
    case .conda:
      var own: Setting?
      // A proxy for all schemes has lower precedence than the environment's for https.
      let names: [StaticString] = variable("https_proxy") == nil ? ["https", "all"] : ["https"]
      for entry in entries(of: client) where entry.isIn("proxy-servers") && entry.has(names) {
        own = setting(entry)
      }
      return own
    // npm's config(7), "https-proxy", "proxy"; otherwise the environment.
    case .npm:
      guard let own = npmSetting("https-proxy", client) ?? npmSetting("proxy", client),
        !own.value[...].isEqual(to: "null")
      else { return nil }
      return own
    // uv's documentation, "UV_HTTPS_PROXY", and `https-proxy` in uv.toml.
    case .uv: return last(["https-proxy"], of: entries(of: client))
    // grpc's `environment_variables.md`: `grpc_proxy` before `https_proxy`.
    case .grpc: return variable("grpc_proxy")
    case .urllib, .requests, .aiohttp, .httpx, .botocore, .rattler, .node, .go, .ruby: return nil
    }
  }

  /// The setting that makes the client use no proxy at all.
  private func proxyRefusal(of client: Client) -> Origin? {
    switch client.kind {
    case .curl:
      guard let hosts = last(["noproxy"], of: entries(of: client)) else { return nil }
      return hosts.value[...].isEqual(to: "*") ? hosts.origin : nil
    case .wget:
      guard let use = last(["use-proxy", "useproxy", "proxy"], of: entries(of: client)) else { return nil }
      return meansNo(use.value) ? use.origin : nil
    default: return nil
    }
  }

  /// Whether the client reads the proxy variables by default: aiohttp does so only with `trust_env=True` in the
  /// program, Node only with `NODE_USE_ENV_PROXY=1` or `--use-env-proxy`.
  private func readsProxyVariables(_ client: Client) -> Bool {
    switch client.kind {
    case .aiohttp: return false
    case .node:
      let isAsked = variable("NODE_USE_ENV_PROXY").map { $0.value[...].isEqual(to: "1") } ?? false
      return isAsked || (facts.value(of: "NODE_OPTIONS") ?? [])[...].contains("--use-env-proxy")
    default: return true
    }
  }

  private var hasProxy: Bool {
    ["https_proxy", "http_proxy", "all_proxy"].contains { (name: StaticString) in variable(name) != nil }
  }

  /// The proxy for https in the environment of this client. After a start both cases have the same value.
  private func environmentProxy(_ client: Client) -> [UInt8]? {
    if let proxy = variable("https_proxy") { return proxy.value }
    switch client.kind {
    case .curl, .git, .requests, .pip, .conda, .httpx, .rattler, .uv:
      return variable("all_proxy")?.value
    case .ruby: return variable("http_proxy")?.value
    case .wget, .urllib, .aiohttp, .botocore, .grpc, .node, .npm, .go: return nil
    }
  }

  private func isNone(_ value: [UInt8]) -> Bool {
    value.isEmpty || value[...].isEqual(to: "false") || value[...].isEqual(to: "null")
      || value[...].isEqual(to: "~")
  }

  private func isSameAddress(_ one: [UInt8], _ other: [UInt8]?) -> Bool {
    guard let other else { return false }
    return bare(one).isEqual(to: bare(other))
  }

  /// Without `http://` and a final slash, which have no meaning.
  private func bare(_ value: [UInt8]) -> ArraySlice<UInt8> {
    var bare = trimmed(value[...])
    if bare.begins(with: "http://") { bare = bare.dropFirst(7) }
    return bare.last == UInt8(ascii: "/") ? bare.dropLast() : bare
  }
}
