import Certificates
import Clients
import Linux
import Stores
import Text
import Trust

/// Finds the clients of an image in their well-known places, and reads the facts for judging them. It runs nothing and
/// walks no directory tree: it looks up names and lists a few directories.
final class ClientReading {
  private let root: Root
  private let environment: Environment
  private let snapshot: Snapshot
  private let wanted: [Certificate]
  private(set) var clients: [Client] = []
  private(set) var facts: ClientFacts
  /// The bundles in Python packages, in the order in which they were found.
  private(set) var bundles: [Path] = []
  /// Stores that no start changes, with the name of their reader.
  private(set) var foreign: [(name: StaticString, path: Path)] = []
  /// Configuration files that were not read, with the reason.
  private(set) var unread: [(path: Path, reason: ReadError)] = []
  /// A Python in PATH or under /conda that sets VERIFY_X509_STRICT.
  private(set) var strictPython: Path?

  /// - Parameter hasStrictFault: whether VERIFY_X509_STRICT refuses a mounted CA.
  init(_ planned: PlannedStart, hasStrictFault: Bool) {
    root = planned.context.root
    environment = planned.environment
    snapshot = planned.decision.snapshot
    wanted = planned.context.mounted.certificates.filter { $0.isAuthority && $0.allowsServerAuthentication }
    let home = environment.value(of: "HOME").flatMap { $0.isEmpty ? nil : Path($0) } ?? Path("/")
    facts = ClientFacts(
      environment: environment.entries, home: home, mountedCount: wanted.count, hasStrictFault: hasStrictFault
    )
    facts.systemBundle = snapshot.system?.family.clientPaths.first
    findPrograms()
    findPythons()
    findForeignStores()
    for client in clients { readConfiguration(of: client) }
  }

  /// What each client will do. Stores are read as the judgement asks for them.
  func verdicts() -> [ClientVerdict] {
    // A question leads to at most one more for each usual bundle, and each store is read once.
    for _ in 0..<Self.roundLimit {
      let judgement = Judgement(facts)
      let verdicts = clients.map { judgement.verdict(on: $0) }
      if judgement.questions.isEmpty { return verdicts }
      for question in judgement.questions {
        facts.stores.append(
          (
            question.path, question.isDirectory,
            question.isDirectory ? readDirectory(question.path) : readFile(question.path)
          ))
      }
    }
    return []
  }

  private static let roundLimit = 64

  // MARK: Finding

  private var path: [Path] {
    (environment.value(of: "PATH") ?? [])[...].parts(between: ":").map { Path($0) }.filter { $0.isAbsolute }
  }

  @inline(never)
  private func findPrograms() {
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

  private func isConda(_ prefix: Path) -> Bool { root.exists(prefix.appending("conda-meta")) }

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
  private func findPythons() {
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
  private func findForeignStores() {
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
  private func names(in path: Path) -> [Path] {
    guard let directory = try? Directory(path, in: root) else { return [] }
    defer { directory.close() }
    return (try? directory.names()) ?? []
  }

  // MARK: Reading

  /// The size limit in bytes for configuration files and parts of Python's own code, which are never larger.
  private static let fileLimit = 1 << 18

  private func readConfiguration(of client: Client) {
    for path in facts.configurationPaths(of: client) {
      if path.bytes.last != UInt8(ascii: "/") {
        readConfiguration(path)
        continue
      }
      let directory = Path(path.bytes.dropLast())
      for name in names(in: directory).prefix(messageLimit * 8) {
        let ending = name.bytes.suffix(5)
        if ending.suffix(4).isEqual(to: ".yml") || ending.isEqual(to: ".yaml") {
          readConfiguration(directory.appending(name))
        }
      }
    }
  }

  private func readConfiguration(_ path: Path) {
    if facts.files.contains(where: { $0.path == path }) || unread.contains(where: { $0.path == path }) {
      return
    }
    do throws(ReadError) { facts.files.append((path, try root.read(path, limit: Self.fileLimit))) } catch {
      switch error {
      // A client that does not find the file, or may not read it, has no such configuration.
      case .system, .notRegular: break
      case .tooLarge: unread.append((path, error))
      }
    }
  }

  /// Reads a file of CAs. A directory is read as such: requests accepts both.
  private func readFile(_ path: Path) -> ClientFacts.Store {
    guard let metadata = root.metadata(of: path) else {
      do throws(Errno) { _ = try root.status(of: path) } catch {
        return error == .noSuchFile || error == .notDirectory ? .missing : .unreadable(.system(error))
      }
      return .missing
    }
    if metadata.kind == .directory { return readDirectory(path) }
    if let store = snapshot.system, store.identity == metadata.identity,
      store.trusted.count == snapshot.mounted.certificates.count, store.failure == nil
    {
      let known = zip(snapshot.mounted.certificates, store.trusted)
      return .read(known.filter { isWanted($0.0) }.map { $0.1 }, isDirectory: false)
    }
    for bundle in snapshot.bundles {
      if case .read(let file) = bundle.state, file.identity == metadata.identity {
        switch file.contents {
        case .text(let text): return contents(of: text)
        case .standing: return .read(wanted.map { _ in true }, isDirectory: false)
        }
      }
    }
    do throws(ReadError) { return contents(of: try root.read(path, limit: bundleSizeLimit)) } catch {
      return .unreadable(error)
    }
  }

  private func isWanted(_ certificate: Certificate) -> Bool { wanted.contains { $0 === certificate } }

  private func contents(of text: [UInt8]) -> ClientFacts.Store {
    let bundle = BundleContents(reading: text)
    if bundle.damage != nil { return .malformed }
    if bundle.certificates.isEmpty { return .empty }
    return .read(trusted(SortedBytes(trustedDERs(in: text))), isDirectory: false)
  }

  private func readDirectory(_ path: Path) -> ClientFacts.Store {
    do throws(Errno) {
      let directory = try Directory(path, in: root)
      defer { directory.close() }
      let certificates = hashedCertificates(in: directory, root)
      return certificates.isEmpty ? .empty : .read(trusted(SortedBytes(certificates)), isDirectory: true)
    } catch {
      return error == .noSuchFile || error == .notDirectory ? .missing : .unreadable(.system(error))
    }
  }

  private func trusted(_ ders: SortedBytes) -> [Bool] { wanted.map { ders.contains($0.der) } }
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
