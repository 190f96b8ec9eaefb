import Clients
import Linux
import Text

// Finds the clients of the image.

extension ClientReading {
  private var path: [Path] {
    (environment.value(of: "PATH") ?? [])[...].parts(between: ":").map { Path($0) }.filter { $0.isAbsolute }
  }

  @inline(never)
  func findPrograms() {
    let programs: [(StaticString, ClientKind)] = [
      ("curl", .curl), ("wget", .wget), ("git", .git), ("conda", .conda), ("uv", .uv), ("node", .node),
      ("npm", .npm), ("go", .go), ("ruby", .ruby),
    ]
    let directories = path + condaPrefixes.map { $0.appending("bin") }
    for (name, kind) in programs {
      guard let directory = directories.first(where: { root.exists($0.appending(name)) }) else { continue }
      let place = directory.appending(name)
      let prefix = directory.split.directory
      let client = Client(kind, at: place, openSSL: openSSL(of: prefix), prefix: prefix)
      switch kind {
      case .conda: client.bundle = firstCertifi(in: sites(of: prefix, minor(of: prefix)))
      case .curl, .wget, .git:
        let own = prefix.appending("ssl/cacert.pem")
        if isConda(prefix) { client.bundle = own }
        // Debian's git uses libcurl with GnuTLS.
        let library: Text = "/usr/lib/\(Build.architecture)-linux-gnu/libcurl-gnutls.so.4"
        client.passesOverEmpty = kind == .git && root.exists(Path(library.utf8))
        if kind == .curl { client.readsDirectoryAlone = readsDirectoryAlone(place) }
      default: break
      }
      clients.append(client)
    }
  }

  /// Queried only if it matters, because the answer has to be searched for in the program file.
  private func readsDirectoryAlone(_ curl: Path) -> Bool {
    for name in ["SSL_CERT_DIR", "SSL_CERT_FILE"] as [StaticString] {
      if environment.value(of: name)?.isEmpty ?? true { return false }
    }
    guard let program = try? root.read(curl, limit: 1 << 24) else { return false }
    var rest = program[...]
    while let position = rest.firstOccurrence(of: "curl/") {
      rest = program[(position + 5)...]
      let version = version(at: rest)
      if let major = version.major, let minor = version.minor { return (major, minor) < (8, 2) }
    }
    return false
  }

  func isConda(_ prefix: Path) -> Bool { root.exists(prefix.appending("conda-meta")) }

  /// The default locations of OpenSSL for programs under a prefix: those of conda's own OpenSSL, otherwise those of the
  /// distribution, recognized by the directory that it is built with.
  /// - Source: OPENSSLDIR of conda-forge, Debian, RHEL, and of Alpine, Arch and SUSE.
  private func openSSL(of prefix: Path) -> (file: Path, directory: Path) {
    let directory =
      if isConda(prefix) {
        prefix.appending("ssl")
      } else if root.exists(Path("/usr/lib/ssl")) {
        Path("/usr/lib/ssl")
      } else {
        Path(root.exists(Path("/etc/pki/tls")) ? "/etc/pki/tls" : "/etc/ssl")
      }
    return (directory.appending("cert.pem"), directory.appending("certs"))
  }

  @inline(never)
  func findPythons() {
    var prefixes: [Path] = []
    var seen: [FileIdentity] = []
    // Different names lead to the same directory: /bin to /usr/bin, python in PATH to /conda.
    @inline(never)
    func add(_ prefix: Path) {
      guard let identity = root.metadata(of: prefix.appending("bin"))?.identity, !seen.contains(identity)
      else { return }
      seen.append(identity)
      prefixes.append(prefix)
    }
    for prefix in condaPrefixes {
      add(prefix)
      for name in names(in: prefix.appending("envs")) {
        add(prefix.appending("envs").appending(name))
      }
    }
    for name in ["VIRTUAL_ENV", "CONDA_PREFIX"] as [StaticString] {
      if let value = environment.value(of: name), !value.isEmpty { add(Path(value)) }
    }
    add(Path("/usr/local"))
    add(Path("/usr"))
    for directory in path where directory.split.name == Path("bin") { add(directory.split.directory) }
    for prefix in prefixes.prefix(Self.pythonLimit) where prefix.isAbsolute { findPython(prefix) }
  }

  /// The number of Pythons that are examined.
  private static let pythonLimit = 64

  @inline(never)
  private func findPython(_ prefix: Path) {
    let program = prefix.appending("bin/python3")
    guard root.exists(program) || root.exists(prefix.appending("bin/python")) else { return }
    let minor = minor(of: prefix)
    let sites = sites(of: prefix, minor)
    let openSSL = openSSL(of: basePrefix(of: prefix))
    let isStrict = minor.map { $0 >= 13 } ?? false
    if isStrict && strictPython == nil { strictPython = program }
    let certifi = firstCertifi(in: sites)
    @inline(never)
    func add(_ kind: ClientKind, _ place: Path, _ bundle: Path? = nil, isStrict: Bool) {
      let client = Client(kind, at: place, openSSL: openSSL, bundle: bundle, prefix: prefix)
      client.isStrict = isStrict
      if kind == .httpx, let text = try? root.read(place.appending("__version__.py"), limit: Self.fileLimit) {
        client.passesOverMissing = version(in: text) < (0, 28)
      }
      clients.append(client)
    }
    add(.urllib, program, isStrict: isStrict)
    for site in sites {
      // The flag: whether the library verifies as Python does by default. botocore creates its own context, and the
      // last two do not use Python's.
      let libraries: [(StaticString, ClientKind, Bool)] = [
        ("requests", .requests, true), ("aiohttp", .aiohttp, true), ("httpx", .httpx, true),
        ("botocore", .botocore, false), ("grpc", .grpc, false), ("rattler", .rattler, false),
      ]
      for (name, kind, verifiesAsPython) in libraries where root.exists(site.appending(name)) {
        let place = site.appending(name)
        let bundle: Path? =
          switch kind {
          case .requests, .httpx: certifi
          case .botocore: certifi ?? place.appending("cacert.pem")
          case .grpc: place.appending("_cython/_credentials/roots.pem")
          default: nil
          }
        add(kind, place, bundle, isStrict: isStrict && verifiesAsPython)
      }
      findPip(in: site, of: prefix, minor ?? 0, openSSL)
      for path in packagedBundles.map({ site.appending($0) }) where root.exists(path) { bundles.append(path) }
    }
  }

  private func findPip(
    in site: Path, of prefix: Path, _ minor: Int, _ openSSL: (file: Path, directory: Path)
  ) {
    let place = site.appending("pip")
    guard let text = try? root.read(place.appending("__init__.py"), limit: Self.fileLimit) else { return }
    let client = Client(.pip, at: place, openSSL: openSSL, prefix: prefix)
    client.bundle = certifi(in: place.appending("_vendor"))
    client.usesTruststore =
      version(in: text) >= (24, 2) && root.exists(place.appending("_vendor/truststore")) && minor >= 10
    clients.append(client)
  }

  private func firstCertifi(in sites: [Path]) -> Path? {
    for site in sites { if let bundle = certifi(in: site) { return bundle } }
    return nil
  }

  /// certifi's file; Debian's certifi uses the system's bundle instead.
  private func certifi(in site: Path) -> Path? {
    let place = site.appending("certifi")
    guard let code = try? root.read(place.appending("core.py"), limit: Self.fileLimit) else { return nil }
    let system: StaticString = "/etc/ssl/certs/ca-certificates.crt"
    return code[...].contains(system) ? Path(system) : place.appending("cacert.pem")
  }

  /// The package directories of a prefix's Python, in the order of `sys.path`.
  /// - Parameter minor: the minor version of its Python 3.
  private func sites(of prefix: Path, _ minor: Int?) -> [Path] {
    var sites: [Path] = []
    guard let minor else { return [] }
    let version = StaticString("lib/python3.").bytes + decimal(Int64(minor))
    let library = prefix.appending(version[...])
    if prefix == Path("/usr") {
      sites.append(Path("/usr/local").appending(version[...]).appending("dist-packages"))
      sites.append(Path("/usr/lib/python3/dist-packages"))
    }
    return (sites + [library.appending("site-packages")]).filter { root.exists($0) }
  }

  /// The minor version of a prefix's Python 3: from the link bin/python3, otherwise the newest lib/python3.N.
  private func minor(of prefix: Path) -> Int? {
    if let directory = try? Directory(prefix.appending("bin"), in: root) {
      defer { directory.close() }
      if let target = try? directory.target(ofLink: Path("python3")),
        let minor = minorVersion(target.split.name)
      {
        return minor
      }
    }
    let found = names(in: prefix.appending("lib")).compactMap { minorVersion($0) }
    return found.max()
  }

  private func minorVersion(_ name: Path) -> Int? {
    name.bytes.begins(with: "python3.") ? name.bytes.dropFirst(8).decimal(upTo: 999) : nil
  }

  /// The prefix whose libraries the Python of a virtual environment uses.
  /// - Source: Python's `venv`, "pyvenv.cfg".
  private func basePrefix(of prefix: Path) -> Path {
    guard let text = try? root.read(prefix.appending("pyvenv.cfg"), limit: Self.fileLimit) else {
      return prefix
    }
    for line in text[...].parts(between: "\r\n") where line.begins(with: "home") {
      guard let slash = line.firstIndex(of: UInt8(ascii: "/")) else { continue }
      return Path(line[slash...]).split.directory
    }
    return prefix
  }

  /// - Source: the documentation of OpenJDK's `cacerts`, of Debian's ca-certificates-java and of RHEL's update-ca-trust;
  ///   NSS' "Shared DB".
  func findForeignStores() {
    var java = [
      "/etc/ssl/certs/java/cacerts", "/etc/pki/java/cacerts", "/opt/java/openjdk/lib/security/cacerts",
    ].map {
      (path: StaticString) in Path(path)
    }
    if let home = environment.value(of: "JAVA_HOME"), !home.isEmpty {
      java.append(Path(home).appending("lib/security/cacerts"))
    }
    if let path = java.first(where: { root.exists($0) }) { foreign.append(("Java", path)) }
    let databases = [Path("/etc/pki/nssdb/cert9.db"), facts.home.appending(".pki/nssdb/cert9.db")]
    if let path = databases.first(where: { root.exists($0) }) { foreign.append(("NSS", path)) }
  }

  /// The names in a directory; empty if it cannot be listed.
  func names(in path: Path) -> [Path] {
    guard let directory = try? Directory(path, in: root) else { return [] }
    defer { directory.close() }
    return (try? directory.names()) ?? []
  }
}

/// The number after `__version__`; 0 for each missing part.
private func version(in text: [UInt8]) -> (major: Int, minor: Int) {
  guard let start = text[...].firstOccurrence(of: "__version__") else { return (0, 0) }
  let version = version(at: text[start...].drop { !$0.isDigit })
  return (version.major ?? 0, version.minor ?? 0)
}

/// The version at the beginning of a text, such as `8.14.1`.
private func version(at text: ArraySlice<UInt8>) -> (major: Int?, minor: Int?) {
  let major = text.prefix { $0.isDigit }
  let minor = text.dropFirst(major.count + 1).prefix { $0.isDigit }
  return (major.decimal(upTo: 9999), minor.decimal(upTo: 9999))
}
