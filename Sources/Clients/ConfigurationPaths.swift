import Text

extension ClientFacts {
  /// The configuration files that a client reads, in its order, whether or not they exist. A path that ends in a slash
  /// is a directory, where conda reads `*.yml` and `*.yaml`.
  ///
  /// - Source: curl(1), `--config` (the first that exists, `findfile.c`); wget(1) and its manual, "Wgetrc Location";
  ///   git-config(1), "FILES"; pip's documentation, "Configuration" (`configuration.py`); conda's `SEARCH_PATH`
  ///   (`base/constants.py`); npm's npmrc(5); the AWS CLI's "Configuration and credential file settings"; uv's
  ///   "Configuration files".
  public func configurationPaths(of client: Client) -> [Path] {
    switch client.kind {
    case .curl:
      return [
        directory("CURL_HOME")?.appending(".curlrc"), directory("XDG_CONFIG_HOME")?.appending("curlrc"),
        home.appending(".curlrc"), home.appending(".config/curlrc"),
      ].compactMap { $0 }
    case .wget:
      return [
        directory("SYSTEM_WGETRC") ?? Path("/etc/wgetrc"), directory("WGETRC") ?? home.appending(".wgetrc"),
      ]
    case .git:
      let system = value(of: "GIT_CONFIG_NOSYSTEM").map { meansYes($0) } ?? false
      let own = value(of: "GIT_CONFIG_GLOBAL").map { [Path($0)] }
      return (system ? [] : [directory("GIT_CONFIG_SYSTEM") ?? Path("/etc/gitconfig")])
        + (own ?? [configurationHome.appending("git/config"), home.appending(".gitconfig")])
    case .pip: return pipPaths(client)
    case .conda: return condaPaths(client)
    case .npm:
      let prefix = client.place.split.directory.split.directory
      return [
        directory("npm_config_globalconfig") ?? prefix.appending("etc/npmrc"),
        directory("npm_config_userconfig") ?? home.appending(".npmrc"),
      ]
    case .botocore: return [directory("AWS_CONFIG_FILE") ?? home.appending(".aws/config")]
    case .uv:
      if let named = directory("UV_CONFIG_FILE") { return [named] }
      return [Path("/etc/uv/uv.toml"), configurationHome.appending("uv/uv.toml")]
    case .urllib, .requests, .aiohttp, .httpx, .grpc, .rattler, .node, .go, .ruby: return []
    }
  }

  private func pipPaths(_ client: Client) -> [Path] {
    let named = value(of: "PIP_CONFIG_FILE") ?? []
    if named[...].isEqual(to: "/dev/null") { return [] }
    let global =
      value(of: "XDG_CONFIG_DIRS").flatMap { $0.isEmpty ? nil : $0 } ?? StaticString("/etc/xdg").bytes
    var paths = global[...].parts(between: ":").map { Path($0).appending("pip/pip.conf") }
    paths += [
      Path("/etc/pip.conf"), home.appending(".pip/pip.conf"), configurationHome.appending("pip/pip.conf"),
    ]
    if let prefix = client.prefix { paths.append(prefix.appending("pip.conf")) }
    if !named.isEmpty { paths.append(Path(named)) }
    return paths
  }

  private func condaPaths(_ client: Client) -> [Path] {
    let root = client.place.split.directory.split.directory
    var places = [Path("/etc/conda"), Path("/var/lib/conda"), root]
    if let own = directory("XDG_CONFIG_HOME") { places.append(own.appending("conda")) }
    places += [home.appending(".config/conda"), home.appending(".conda")]
    var paths = places.flatMap {
      [$0.appending(".condarc"), $0.appending("condarc"), $0.appending("condarc.d/")]
    }
    paths.append(home.appending(".condarc"))
    if let prefix = directory("CONDA_PREFIX") {
      paths += [prefix.appending(".condarc"), prefix.appending("condarc"), prefix.appending("condarc.d/")]
    }
    for name in ["CONDARC", "MAMBARC"] as [StaticString] {
      if let named = directory(name) { paths.append(named) }
    }
    return paths
  }

  private var configurationHome: Path { directory("XDG_CONFIG_HOME") ?? home.appending(".config") }

  /// The directory that a variable names; nil if it is unset or empty.
  private func directory(_ name: StaticString) -> Path? {
    value(of: name).flatMap { $0.isEmpty ? nil : Path($0) }
  }

}
