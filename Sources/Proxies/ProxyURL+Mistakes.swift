import Text

/// Recognizes a text that was put where a URL is expected.
///
/// - Parameter text: without white space and quotes around it.
/// - Returns: the mistake; nil if the text may be a URL.
@inline(never)
func mistakenProxyURL(_ text: ArraySlice<UInt8>) -> ProxyURLFault? {
  if holdsPlaceholder(text) { return .placeholder }
  if isWordForNoProxy(text) { return .word }
  return isPACFile(text) ? .pacFile : nil
}

/// Whether it contains a name that a tool should have replaced: `$(NAME)` (Kubernetes, make), `${NAME}` (shell,
/// Compose) or `{{ NAME }}` (Helm, Ansible) anywhere; `%NAME%` (Windows) or `<NAME>` (documentation) as a complete part
/// of the URL.
/// - Source: Kubernetes, "Define Dependent Environment Variables": unresolved references are left unchanged.
private func holdsPlaceholder(_ text: ArraySlice<UInt8>) -> Bool {
  var rest = text
  var isAtStart = true
  var mayHaveTemplate = true
  while let byte = rest.popFirst() {
    switch byte {
    case ASCII.dollar:
      if rest.first == ASCII.openingParenthesis
        && isName(rest.dropFirst(), endedBy: [ASCII.closingParenthesis])
        || rest.first == ASCII.openingBrace
          && isName(rest.dropFirst(), endedBy: [ASCII.closingBrace, ASCII.colon])
      {
        return true
      }
    case ASCII.openingBrace:
      // Searched once: if it does not follow the first `{{`, it follows no other.
      if mayHaveTemplate && rest.first == ASCII.openingBrace {
        if rest.contains("}}") { return true }
        mayHaveTemplate = false
      }
    case ASCII.percent where isAtStart:
      // `%41` at the start of a password is an encoded byte.
      let name = rest.prefix { $0.isLetterOrDigit(or: "_") }
      let isEncoded = name.count == 2 && name.allSatisfy { $0.hexValue != nil }
      if let first = name.first, !first.isDigit, !isEncoded, isPart(rest.dropFirst(name.count), endedBy: byte)
      {
        return true
      }
    case ASCII.less where isAtStart:
      let name = rest.prefix { $0.isLetterOrDigit(or: "_-. ") }
      if !name.isEmpty && isPart(rest.dropFirst(name.count), endedBy: ASCII.greater) { return true }
    default: break
    }
    isAtStart = isDelimiter(byte)
  }
  return false
}

/// Whether it begins with a variable's name followed by one of these bytes.
private func isName(_ text: ArraySlice<UInt8>, endedBy ends: [UInt8]) -> Bool {
  let name = text.prefix { $0.isLetterOrDigit(or: "_-.") }
  guard let first = name.first, !first.isDigit, let end = text.dropFirst(name.count).first else {
    return false
  }
  return ends.contains(end)
}

/// Whether the byte ends a part of the URL.
private func isPart(_ text: ArraySlice<UInt8>, endedBy end: UInt8) -> Bool {
  guard text.first == end else { return false }
  guard let next = text.dropFirst().first else { return true }
  return isDelimiter(next)
}

private func isDelimiter(_ byte: UInt8) -> Bool {
  byte == ASCII.colon || byte == ASCII.slash || byte == ASCII.at || byte == ASCII.backslash
}

/// Whether it is a word that people, or libraries of other languages, use for "no proxy".
private func isWordForNoProxy(_ text: ArraySlice<UInt8>) -> Bool {
  let scheme: StaticString = "http://"
  let word = text.begins(with: scheme) ? text.dropFirst(scheme.utf8CodeUnitCount) : text
  let words: [StaticString] = [
    "none", "direct", "false", "null", "nil", "no", "off", "disabled", "undefined",
  ]
  return words.contains { word.equalsIgnoringCase($0.bytes[...]) }
}

/// Whether it is the URL of a proxy auto-configuration file.
private func isPACFile(_ text: ArraySlice<UInt8>) -> Bool {
  if text.begins(with: "pac+") { return true }
  let location = text.cut(atLast: ASCII.at)?.after ?? text
  let path = location.prefix { $0 != ASCII.question && $0 != ASCII.hash }
  guard let slash = path.lastIndex(of: ASCII.slash) else { return false }
  let name = path.suffix(from: slash).dropFirst()
  return name.suffix(4).equalsIgnoringCase(StaticString(".pac").bytes[...])
    || name.equalsIgnoringCase(StaticString("wpad.dat").bytes[...])
}
