import Text

/// Judges clients by facts: whom each will trust, and which proxy it will use. A pure function, but that it notes which
/// stores it would have to know.
public struct Judgement {
  /// A value and who has given it.
  struct Setting {
    let value: [UInt8]
    let origin: Origin
  }

  /// A store that a client reads.
  struct Use {
    let path: Path
    var isDirectory = false
    let origin: Origin
    /// Whether the client gives up where it cannot read the store; else it goes on with less trust.
    var isVital = false
    /// Whether what is named as a file may be a directory.
    var takesDirectory = false
  }

  public let facts: ClientFacts
  /// Stores that are not in the facts and matter.
  public private(set) var questions: [(path: Path, isDirectory: Bool)] = []

  public init(_ facts: ClientFacts) { self.facts = facts }

  public mutating func verdict(on client: Client) -> ClientVerdict {
    ClientVerdict(client: client, trust: trust(of: client), proxy: proxy(of: client))
  }

  // MARK: Settings

  /// - Parameter countsEmpty: whether an empty value is one: `getenv` says so, most programs do not.
  @inline(never)
  func variable(_ name: StaticString, countsEmpty: Bool = false) -> Setting? {
    guard let value = facts.value(of: name), countsEmpty || !value.isEmpty else { return nil }
    return Setting(value: value, origin: .variable(name.bytes))
  }

  @inline(never)
  func first(_ names: [StaticString]) -> Setting? {
    for name in names { if let setting = variable(name) { return setting } }
    return nil
  }

  /// The entries of a client's configuration files that exist, those that count more last.
  func entries(
    of client: Client, onlyFirst: Bool = false, _ read: ([UInt8]) -> [ConfigurationEntry]
  ) -> [(entry: ConfigurationEntry, path: Path)] {
    var all: [(entry: ConfigurationEntry, path: Path)] = []
    for path in facts.configurationPaths(of: client) {
      for file in facts.files where file.path == path || isIn(file.path, directory: path) {
        all += read(file.text).map { ($0, file.path) }
        if onlyFirst { return all }
      }
    }
    return all
  }

  private func isIn(_ file: Path, directory: Path) -> Bool {
    directory.bytes.last == UInt8(ascii: "/") && file.split.directory == Path(directory.bytes.dropLast())
  }

  func setting(_ found: (entry: ConfigurationEntry, path: Path)) -> Setting {
    let section = found.entry.section
    let subsection = found.entry.subsection.map { [UInt8(ascii: ".")] + $0 } ?? []
    let prefix = section.isEmpty ? [] : section + subsection + [UInt8(ascii: ".")]
    return Setting(value: found.entry.value, origin: .file(found.path, key: prefix + found.entry.key))
  }

  /// The path that a setting names: a configuration file may write `~/`, and conda's and npm's variables.
  func path(_ setting: Setting, expandsVariables: Bool = false) -> Path {
    guard case .file = setting.origin else { return Path(setting.value) }
    let value = expandsVariables ? expanded(setting.value) : setting.value
    return value[...].begins(with: "~/") ? facts.home.appending(value.dropFirst(2)) : Path(value)
  }

  /// `$NAME` and `${NAME}` replaced by the variable's value; what is unset stays as it is written.
  private func expanded(_ value: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    var rest = value[...]
    while let dollar = rest.firstIndex(of: UInt8(ascii: "$")) {
      text += rest[..<dollar]
      let behind = rest[(dollar + 1)...]
      let isBraced = behind.first == UInt8(ascii: "{")
      let name = behind.dropFirst(isBraced ? 1 : 0).prefix { isPartOfName($0) }
      let end = isBraced ? name.endIndex + 1 : name.endIndex
      let isClosed = !isBraced || (name.endIndex < rest.endIndex && rest[name.endIndex] == UInt8(ascii: "}"))
      guard isClosed, !name.isEmpty, let found = facts.value(of: Array(name)) else {
        text.append(rest[dollar])
        rest = behind
        continue
      }
      text += found
      rest = rest[end...]
    }
    return text + rest
  }

  private func isPartOfName(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "_") || byte.isDigit || (0x41...0x5A).contains(byte & 0xDF)
  }

  // MARK: Stores

  /// What comes of a client that trusts all that these stores hold together.
  mutating func outcome(_ uses: [Use], of client: Client) -> ClientTrust {
    if facts.mountedCount == 0 { return .unasked }
    var trusted = [Bool](repeating: false, count: facts.mountedCount)
    var failed: (use: Use, contents: ClientFacts.Store)?
    var lacking: Use?
    var isSatisfied: Origin?
    for use in uses {
      // Directories cost a file each: one is looked at only where what came before does not suffice.
      if isSatisfied != nil && !use.isVital { continue }
      guard let contents = facts.store(use.path, isDirectory: use.isDirectory) else {
        if !questions.contains(where: { $0.path == use.path && $0.isDirectory == use.isDirectory }) {
          questions.append((use.path, use.isDirectory))
        }
        return .unasked
      }
      guard case .read(let areTrusted, let isDirectory) = contents,
        use.isDirectory || use.takesDirectory || !isDirectory
      else {
        let contents = contents.isDirectory ? ClientFacts.Store.unreadable(.notRegular) : contents
        if use.isVital { return .unusable(use.path, contents, use.origin) }
        if use.origin != .byDefault || contents == .malformed { failed = failed ?? (use, contents) }
        continue
      }
      for (number, isTrusted) in areTrusted.enumerated() where isTrusted && number < trusted.count {
        trusted[number] = true
      }
      if trusted.allSatisfy({ $0 }) { isSatisfied = isSatisfied ?? use.origin }
      if lacking == nil || (lacking?.origin == .byDefault && use.origin != .byDefault) { lacking = use }
    }
    if let isSatisfied { return client.isStrict && facts.hasStrictFault ? .refusing : .mounted(isSatisfied) }
    if let failed { return .unusable(failed.use.path, failed.contents, failed.use.origin) }
    if let lacking { return .lacking(lacking.path, lacking.origin) }
    guard let first = uses.first else { return .ownRoots }
    return .unusable(first.path, .missing, first.origin)
  }

  /// What OpenSSL trusts where a program asks for its default: a file and a directory, each replaced by its variable.
  /// What cannot be read is nothing, without an error. An empty value is a name as any other.
  ///
  /// - Source: SSL_CTX_set_default_verify_paths(3); OpenSSL's `by_file.c` and `by_dir.c`.
  func openSSLDefaults(of client: Client) -> [Use] {
    var uses: [Use] = []
    if let file = variable("SSL_CERT_FILE", countsEmpty: true) {
      uses.append(Use(path: Path(file.value), origin: file.origin))
    } else {
      uses.append(Use(path: client.openSSL.file, origin: .byDefault))
    }
    if let directories = variable("SSL_CERT_DIR", countsEmpty: true) {
      for part in directories.value[...].parts(between: ":") {
        uses.append(Use(path: Path(part), isDirectory: true, origin: directories.origin))
      }
    } else {
      uses.append(Use(path: client.openSSL.directory, isDirectory: true, origin: .byDefault))
    }
    return uses
  }
}
