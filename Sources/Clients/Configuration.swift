import Text

// Parses the configuration files of clients, as far as they concern trust and proxies. The bytes are untrusted: what a
// client would not understand is skipped.

/// A line of a configuration file.
final class ConfigurationEntry {
  /// The file.
  var path = Path("")
  /// The section and the quoted text after it, as in `[http "https://a/"]`; empty if there is none.
  let section: [UInt8]
  let subsection: [UInt8]?
  /// In lower case, with dashes instead of underscores.
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

/// Parses sections of keys, as in the files of git, pip and the AWS tools.
///
/// - Parameter isGit: whether quotes, escapes and comments after a value follow git's syntax; Python's configparser has
///   none of them, and also allows `:` between key and value.
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
    // Git reads a key without a value as true.
    let value = separator.map { bare[bare.index(after: $0)...] } ?? StaticString("true").bytes[...]
    if key.isEmpty || (separator == nil && !isGit) { continue }
    entries.append(
      ConfigurationEntry(
        section: section, subsection: subsection, key: keyName(key),
        value: isGit ? unquoted(trimmed(value), isGit: true) : Array(trimmed(value))))
  }
  return entries
}

/// Parses names and values, one on each line.
/// - Parameter separators: the characters that may separate the two. White space before the value is always skipped.
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

/// Parses the top level of a `.condarc`, and the entries under `proxy_servers`, as `proxy_servers.https`.
///
/// It supports the YAML that people write there: plain or quoted scalars, and a mapping that is indented or in braces.
/// - Source: conda's documentation, "Using the .condarc conda configuration file"; YAML 1.2 §7, §8.
@inline(never)
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

@inline(never)
private func yamlPair(_ text: ArraySlice<UInt8>) -> (key: [UInt8]?, value: [UInt8]) {
  // A colon ends a key only before white space or at the end: `https://host` contains one, too.
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

/// The position of a comment: a `#` at the start or after white space.
private func comment(in value: ArraySlice<UInt8>) -> Int? {
  var isAfterSpace = true
  for (position, byte) in zip(value.indices, value) {
    if byte == UInt8(ascii: "#") && isAfterSpace { return position }
    isAfterSpace = isSpace(byte)
  }
  return nil
}

/// A value without the quotes around it; anything after the closing quote is dropped.
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

/// Whether a value means no, in the words of git, conda, pip, wget, npm and uv.
func meansNo(_ value: [UInt8]) -> Bool { isWord(value, among: ["0", "off", "false", "no", "n"]) }

func meansYes(_ value: [UInt8]) -> Bool { isWord(value, among: ["1", "on", "true", "yes", "y"]) }

private func isWord(_ value: [UInt8], among words: [StaticString]) -> Bool {
  let value = lowerCased(trimmed(value[...]))
  return words.contains { value[...].isEqual(to: $0) }
}
