import Text

// The configuration files of clients, as far as they say whom to trust and which proxy to use. The bytes are anybody's:
// what a client would not understand is passed over.

/// A line of a file of settings.
final class ConfigurationEntry {
  /// The file.
  var path = Path("")
  /// The section and what follows it in quotes, as in `[http "https://a/"]`; empty where there is none.
  let section: [UInt8]
  let subsection: [UInt8]?
  /// In lower case, with dashes for underscores.
  let key: [UInt8]
  let value: [UInt8]

  init(section: [UInt8] = [], subsection: [UInt8]? = nil, key: [UInt8], value: [UInt8]) {
    self.section = section
    self.subsection = subsection
    self.key = key
    self.value = value
  }

  /// - Parameter names: spellings of one setting.
  @inline(never)
  func has(_ names: [StaticString]) -> Bool {
    for name in names where key[...].isEqual(to: name) { return true }
    return false
  }

  @inline(never)
  func isIn(_ name: StaticString) -> Bool { section[...].isEqual(to: name) }
}

/// Sections of keys, as git, pip and the AWS tools write them.
///
/// - Parameter isGit: whether quotes, escapes and comments behind a value are git's; Python's configparser knows none,
///   and has `:` between key and value as well.
/// - Source: git-config(1), "Syntax"; Python's `configparser`.
func sectionedEntries(_ text: [UInt8], isGit: Bool) -> [ConfigurationEntry] {
  var entries: [ConfigurationEntry] = []
  var section: [UInt8] = []
  var subsection: [UInt8]?
  for line in lines(text) {
    let bare = trimmed(line)
    guard let first = bare.first, first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else { continue }
    if first == UInt8(ascii: "["), let end = bare.lastIndex(of: UInt8(ascii: "]")) {
      let name = bare[bare.index(after: bare.startIndex)..<end]
      let quote = isGit ? name.firstIndex(of: UInt8(ascii: "\"")) : nil
      section = lowerCased(trimmed(name[..<(quote ?? name.endIndex)]))
      subsection = quote.map { unquoted(name[$0...], isGit: true) }
      continue
    }
    let separator = bare.firstIndex { $0 == UInt8(ascii: "=") || (!isGit && $0 == UInt8(ascii: ":")) }
    let key = trimmed(bare[..<(separator ?? bare.endIndex)])
    // Git takes a key alone for true.
    let value = separator.map { bare[bare.index(after: $0)...] } ?? StaticString("true").bytes[...]
    if key.isEmpty || (separator == nil && !isGit) { continue }
    entries.append(
      ConfigurationEntry(
        section: section, subsection: subsection, key: keyName(key),
        value: isGit ? unquoted(trimmed(value), isGit: true) : Array(trimmed(value))))
  }
  return entries
}

/// Names and values, one a line.
/// - Parameter separators: what may be between the two, beside white space where that is among them.
/// - Source: wget's manual, "Wgetrc Syntax"; npmrc(5); curl(1), `--config`.
func plainEntries(_ text: [UInt8], separators: StaticString) -> [ConfigurationEntry] {
  var entries: [ConfigurationEntry] = []
  for line in lines(text) {
    var bare = trimmed(line)
    guard let first = bare.first, first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else { continue }
    while bare.first == UInt8(ascii: "-") { bare = bare.dropFirst() }
    let end = bare.firstIndex { separators.has($0) } ?? bare.endIndex
    let key = trimmed(bare[..<end])
    var value = bare[end...]
    while let byte = value.first, separators.has(byte) || isSpace(byte) { value = value.dropFirst() }
    if key.isEmpty { continue }
    entries.append(ConfigurationEntry(key: keyName(key), value: unquoted(value, isGit: false)))
  }
  return entries
}

/// The top level of a `.condarc`, and what is below `proxy_servers` as `proxy_servers.https`.
///
/// Of YAML it knows what people write there: scalars, plain or in quotes, a mapping indented or in braces.
/// - Source: conda's documentation, "Using the .condarc conda configuration file"; YAML 1.2 §7, §8.
func condaEntries(_ text: [UInt8]) -> [ConfigurationEntry] {
  var entries: [ConfigurationEntry] = []
  var parent: [UInt8] = []
  for line in lines(text) {
    let bare = trimmed(line)
    guard let first = bare.first, first != UInt8(ascii: "#") else { continue }
    let isIndented = line.first.map { isSpace($0) } ?? false
    let (key, value) = yamlPair(bare)
    guard let key else { continue }
    if isIndented {
      if !parent.isEmpty {
        entries.append(ConfigurationEntry(section: parent, key: keyName(key[...]), value: value))
      }
      continue
    }
    parent = value.isEmpty ? keyName(key[...]) : []
    if value.first == UInt8(ascii: "{") {
      for pair in value.dropFirst().prefix(while: { $0 != UInt8(ascii: "}") }).parts(between: ",") {
        let (inner, innerValue) = yamlPair(trimmed(pair))
        if let inner {
          entries.append(
            ConfigurationEntry(section: keyName(key[...]), key: keyName(inner[...]), value: innerValue))
        }
      }
    } else if !value.isEmpty {
      entries.append(ConfigurationEntry(key: keyName(key[...]), value: value))
    }
  }
  return entries
}

private func yamlPair(_ text: ArraySlice<UInt8>) -> (key: [UInt8]?, value: [UInt8]) {
  // A colon ends a key where white space or nothing follows it: `https://host` has another one.
  var position = text.startIndex
  while position < text.endIndex {
    let next = text.index(after: position)
    if text[position] == UInt8(ascii: ":") && (next == text.endIndex || isSpace(text[next])) {
      var value = trimmed(text[next...])
      if value.first != UInt8(ascii: "\""), value.first != UInt8(ascii: "'"),
        let comment = comment(in: value)
      {
        value = trimmed(value[..<comment])
      }
      return (unquoted(text[..<position], isGit: false), unquoted(value, isGit: false))
    }
    position = next
  }
  return (nil, [])
}

/// Where a comment begins: a `#` at the start or behind white space.
private func comment(in value: ArraySlice<UInt8>) -> Int? {
  var isAfterSpace = true
  for (position, byte) in zip(value.indices, value) {
    if byte == UInt8(ascii: "#") && isAfterSpace { return position }
    isAfterSpace = isSpace(byte)
  }
  return nil
}

/// A value without the quotes around it; what follows the closing one is dropped.
@inline(never)
private func unquoted(_ value: ArraySlice<UInt8>, isGit: Bool) -> [UInt8] {
  let value = trimmed(value)
  guard isGit else {
    guard let quote = value.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
      return Array(value)
    }
    var plain: [UInt8] = []
    var isEscaped = false
    for byte in value.dropFirst() {
      if isEscaped {
        plain.append(byte)
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") && quote == UInt8(ascii: "\"") {
        isEscaped = true
      } else if byte == quote {
        break
      } else {
        plain.append(byte)
      }
    }
    return plain
  }
  var plain: [UInt8] = []
  var (isQuoted, isEscaped) = (false, false)
  for byte in value {
    if isEscaped {
      plain.append(byte)
      isEscaped = false
    } else if byte == UInt8(ascii: "\\") {
      isEscaped = true
    } else if byte == UInt8(ascii: "\"") {
      isQuoted = !isQuoted
    } else if !isQuoted && (byte == UInt8(ascii: "#") || byte == UInt8(ascii: ";")) {
      break
    } else {
      plain.append(byte)
    }
  }
  return isQuoted || plain.isEmpty ? plain : Array(trimmed(plain[...]))
}

private func lines(_ text: [UInt8]) -> [ArraySlice<UInt8>] {
  let isMarked = text[...].begins(with: "\u{FEFF}")
  return text[(isMarked ? 3 : 0)...].parts(between: "\r\n")
}

func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

@inline(never)
func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
  var bytes = bytes
  while let byte = bytes.first, isSpace(byte) { bytes = bytes.dropFirst() }
  while let byte = bytes.last, isSpace(byte) { bytes = bytes.dropLast() }
  return bytes
}

@inline(never)
func lowerCased(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
  bytes.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
}

private func keyName(_ key: ArraySlice<UInt8>) -> [UInt8] {
  lowerCased(key).map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }
}

/// Whether a value says no, in the words of git, conda, pip, wget, npm and uv.
func meansNo(_ value: [UInt8]) -> Bool { isWord(value, among: ["0", "off", "false", "no", "n"]) }

func meansYes(_ value: [UInt8]) -> Bool { isWord(value, among: ["1", "on", "true", "yes", "y"]) }

private func isWord(_ value: [UInt8], among words: [StaticString]) -> Bool {
  let value = lowerCased(trimmed(value[...]))
  return words.contains { value[...].isEqual(to: $0) }
}
