import Text

/// The scheme of a proxy's address, and what follows it.
struct SchemeReading {
  let scheme: ProxyURL.Scheme
  /// User, host and port, without the slashes in front.
  let rest: ArraySlice<UInt8>
  let repairs: ProxyURLRepairs
}

/// Reads the scheme as it was meant.
///
/// Without `://` there is none, and `http` is meant. In front of a user, what a slip of the keyboard makes of the mark is
/// repaired: `//user:pw@h`, `http:/user:pw@h`, `http:///user:pw@h`, `http:\\user:pw@h`, `http:user:pw@h` and
/// `HTTP//user:pw@h`. Read literally, they would name another user.
/// - Throws: ``ProxyURLFault/unknownScheme``, ``ProxyURLFault/twoSchemes``, and ``ProxyURLFault/ambiguousScheme`` where
///   what is there may be a user as well.
func readScheme(_ text: ArraySlice<UInt8>) throws(ProxyURLFault) -> SchemeReading {
  var reading = SchemeReading(scheme: .http, rest: text, repairs: .scheme)
  if let (name, after) = writtenScheme(text) {
    guard let known = ProxyURL.Scheme(written: name) else { throw .unknownScheme }
    let hasUser = after.first == ASCII.slash && after.has(ASCII.at)
    // Node's http takes HTTP:// for an unknown scheme.
    let isLowerCase = name.isEqual(to: known.name)
    reading = SchemeReading(
      scheme: known, rest: hasUser ? after.drop { $0 == ASCII.slash } : after,
      repairs: hasUser ? .misspeltScheme : isLowerCase ? [] : .schemeCase)
  } else if let end = text.lastIndex(of: ASCII.at) {
    let word = text.prefix { $0.isLetterOrDigit(or: "") }
    let known = ProxyURL.Scheme(written: word)
    let afterWord = known == nil ? text : text.suffix(from: word.endIndex)
    let hasColon = known != nil && afterWord.first == ASCII.colon
    let afterColon = hasColon ? afterWord.dropFirst() : afterWord
    let rest = afterColon.drop { $0 == ASCII.slash || $0 == ASCII.backslash }
    let slashes = text[afterColon.startIndex..<rest.startIndex]
    if hasColon && slashes.isEmpty {
      // With one colon more, the first one ends a scheme; without, it may end the user http.
      guard let user = rest.prefix(upTo: end).cut(at: ASCII.colon)?.before, !user.isEmpty else {
        throw .ambiguousScheme
      }
    }
    // `DOMAIN\user` and `HTTP/server@REALM` are users.
    if known != nil && !hasColon && slashes.count == 1 && slashes.first == ASCII.slash {
      throw .ambiguousScheme
    }
    if hasColon || slashes.count > 1 && (known == nil || slashes.first == ASCII.slash) {
      reading = SchemeReading(scheme: known ?? .http, rest: rest, repairs: .misspeltScheme)
    }
  }
  if beginsWithScheme(reading.rest) { throw reading.repairs == .scheme ? .ambiguousScheme : .twoSchemes }
  return reading
}

/// What is before `://`, and what follows it, if the former can be a scheme at all.
private func writtenScheme(_ text: ArraySlice<UInt8>) -> (ArraySlice<UInt8>, ArraySlice<UInt8>)? {
  guard let mark = text.firstIndex(of: StaticString("://").bytes) else { return nil }
  let name = text.prefix(upTo: mark)
  if name.has(ASCII.slash) || name.has(ASCII.at) || name.has(ASCII.colon) { return nil }
  return (name, text.suffix(from: mark).dropFirst(3))
}

/// Whether a scheme is where the user or the host should be: a known one, or any word in front of what looks like an
/// address with a user. A password may begin with `//`, but hardly has a colon then.
private func beginsWithScheme(_ text: ArraySlice<UInt8>) -> Bool {
  let word = text.prefix { $0.isLetterOrDigit(or: "+-.") }
  let after = text.suffix(from: word.endIndex)
  guard !word.isEmpty, let first = after.first, first == ASCII.colon || first == ASCII.slash else {
    return false
  }
  let slashes = (first == ASCII.colon ? after.dropFirst() : after).prefix {
    $0 == ASCII.slash || $0 == ASCII.backslash
  }
  if ProxyURL.Scheme(written: word) != nil {
    // A host named http may have a path.
    return first == ASCII.colon ? !slashes.isEmpty : slashes.count > 1 && text.has(ASCII.at)
  }
  guard first == ASCII.colon, slashes.count > 1, let end = text.lastIndex(of: ASCII.at) else { return false }
  return text[slashes.endIndex..<max(slashes.endIndex, end)].has(ASCII.colon)
}
