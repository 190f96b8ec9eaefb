import Text

/// Judges clients by facts: what each will trust, and which proxy it will use. A pure function, except that it collects
/// the stores it needs to know.
public final class Judgement {
  /// A value and where it was set.
  final class Setting {
    let value: [UInt8]
    let origin: Origin

    init(value: [UInt8], origin: Origin) {
      self.value = value
      self.origin = origin
    }
  }

  /// A store that a client reads.
  final class Use {
    let path: Path
    let isDirectory: Bool
    let origin: Origin
    /// Whether the client fails if it cannot read the store; otherwise it continues with less trust.
    let isVital: Bool
    /// Whether a directory is accepted where a file is expected.
    let takesDirectory: Bool

    init(
      path: Path, isDirectory: Bool = false, origin: Origin, isVital: Bool = false,
      takesDirectory: Bool = false
    ) {
      self.path = path
      self.isDirectory = isDirectory
      self.origin = origin
      self.isVital = isVital
      self.takesDirectory = takesDirectory
    }
  }

  public let facts: ClientFacts
  /// Stores that matter and are missing in the facts.
  public private(set) var questions: [(path: Path, isDirectory: Bool)] = []

  public init(_ facts: ClientFacts) { self.facts = facts }

  public func verdict(on client: Client) -> ClientVerdict {
    ClientVerdict(client: client, trust: trust(of: client), proxy: proxy(of: client))
  }

  // MARK: Settings

  /// - Parameter countsEmpty: whether an empty value counts as set: it does for `getenv`, but not for most programs.
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

  /// The entries of a client's existing configuration files, in ascending precedence. Of curl's files only the first
  /// counts.
  func entries(of client: Client) -> [ConfigurationEntry] {
    var all: [ConfigurationEntry] = []
    for path in facts.configurationPaths(of: client) {
      for file in facts.files where file.path == path || isIn(file.path, directory: path) {
        for entry in read(file.text, as: client.kind) {
          entry.path = file.path
          all.append(entry)
        }
        if client.kind == .curl { return all }
      }
    }
    return all
  }

  private func read(_ text: [UInt8], as kind: ClientKind) -> [ConfigurationEntry] {
    switch kind {
    case .git: sectionedEntries(text, isGit: true)
    case .pip, .botocore: sectionedEntries(text, isGit: false)
    case .conda: condaEntries(text)
    case .curl: plainEntries(text, separators: "=: \t")
    default: plainEntries(text, separators: "=")
    }
  }

  /// The last entry with one of these spellings of a name, in any section.
  @inline(never)
  func last(_ names: [StaticString], of entries: [ConfigurationEntry]) -> Setting? {
    var found: ConfigurationEntry?
    for entry in entries where entry.has(names) { found = entry }
    return found.map { setting($0) }
  }

  private func isIn(_ file: Path, directory: Path) -> Bool {
    directory.bytes.last == UInt8(ascii: "/") && file.split.directory == Path(directory.bytes.dropLast())
  }

  @inline(never)
  func setting(_ entry: ConfigurationEntry) -> Setting {
    var key = entry.section
    if let subsection = entry.subsection { key += [UInt8(ascii: ".")] + subsection }
    if !key.isEmpty { key.append(UInt8(ascii: ".")) }
    return Setting(value: entry.value, origin: .file(entry.path, key: key + entry.key))
  }

  /// The path in a setting: a configuration file may contain `~/`; those of conda and npm may also contain variables.
  func path(_ setting: Setting, expandsVariables: Bool = false) -> Path {
    guard case .file = setting.origin else { return Path(setting.value) }
    let value = expandsVariables ? expanded(setting.value) : setting.value
    return value[...].begins(with: "~/") ? facts.home.appending(value.dropFirst(2)) : Path(value)
  }

  /// Replaces `$NAME` and `${NAME}` by the variable's value; a reference to an unset variable is kept.
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

  /// The contents of a store; nil if they are not known, and the question is noted.
  func contents(of path: Path, isDirectory: Bool) -> ClientFacts.Store? {
    if let contents = facts.store(path, isDirectory: isDirectory) { return contents }
    if !questions.contains(where: { $0.path == path && $0.isDirectory == isDirectory }) {
      questions.append((path, isDirectory))
    }
    return nil
  }

  /// The verdict on a client that trusts everything in these stores.
  func outcome(_ uses: [Use], of client: Client) -> ClientTrust {
    if facts.mountedCount == 0 { return .unasked }
    var trusted = [Bool](repeating: false, count: facts.mountedCount)
    var failed: (use: Use, contents: ClientFacts.Store)?
    var lacking: Use?
    var isSatisfied: Origin?
    for use in uses {
      // Each directory costs a file access, so it is read only if the earlier stores do not suffice.
      if isSatisfied != nil && !use.isVital { continue }
      guard let contents = contents(of: use.path, isDirectory: use.isDirectory) else { return .unasked }
      guard case .read(let areTrusted, let isDirectory) = contents,
        use.isDirectory || use.takesDirectory || !isDirectory
      else {
        let contents = contents.isDirectory ? ClientFacts.Store.unreadable(.notRegular) : contents
        if contents == .empty && client.passesOverEmpty { continue }
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

  /// What OpenSSL trusts if a program uses the defaults: a file and a directory, each replaced by its variable. A store
  /// that cannot be read counts as empty, without an error. An empty value is a name like any other.
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
        // OpenSSL 3 accepts a file, too: `by_store.c` uses this variable for its default.
        uses.append(Use(path: Path(part), origin: directories.origin, takesDirectory: true))
      }
    } else {
      uses.append(Use(path: client.openSSL.directory, isDirectory: true, origin: .byDefault))
    }
    return uses
  }
}
