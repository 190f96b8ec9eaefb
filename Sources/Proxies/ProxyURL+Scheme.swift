import Text

/// The scheme of a proxy URL, and what follows it.
struct SchemeReading {
  let scheme: ProxyURL.Scheme
  /// User, host and port, without leading slashes.
  let rest: ArraySlice<UInt8>
  let repairs: ProxyURLRepairs
}

/// Reads the scheme that was intended.
///
/// Without `://` there is no scheme, which means `http`. Before a user, common slips are repaired: `//user:pw@h`,
/// `http:/user:pw@h`, `http:///user:pw@h`, `http:\\user:pw@h`, `http:user:pw@h` and `HTTP//user:pw@h`. Read literally,
/// they would name another user.
/// - Throws: ``ProxyURLFault/unknownScheme``, ``ProxyURLFault/twoSchemes``, or ``ProxyURLFault/ambiguousScheme`` if the
///   beginning may also be a user.
@inline(never)
func readScheme(_ text: ArraySlice<UInt8>) throws(ProxyURLFault) -> SchemeReading {
  var reading = SchemeReading(scheme: .http, rest: text, repairs: .scheme)
  if let (name, after) = writtenScheme(text) {
    guard let known = ProxyURL.Scheme(written: name) else { throw .unknownScheme }
    let hasUser = after.first == ASCII.slash && after.has(ASCII.at)
    // Node's http does not recognize HTTP:// in upper case.
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
      // If a second colon follows, the first one ends a scheme; otherwise it may end a user named http.
      guard let user = rest.prefix(upTo: end).cut(at: ASCII.colon)?.before, !user.isEmpty else {
        throw .ambiguousScheme
      }
    }
    // `DOMAIN\user` and `HTTP/server@REALM` are user names.
    if known != nil && !hasColon && slashes.count == 1 && slashes.first == ASCII.slash {
      throw .ambiguousScheme
    }
    if hasColon || slashes.count > 1 && (known == nil || slashes.first == ASCII.slash) {
      reading = SchemeReading(scheme: known ?? .http, rest: rest, repairs: .misspeltScheme)
    }
  }
  let hasScheme = reading.repairs != .scheme
  if beginsWithScheme(reading.rest, afterScheme: hasScheme) {
    throw hasScheme ? .twoSchemes : .ambiguousScheme
  }
  return reading
}

/// The text before and after `://`, if the former can be a scheme at all.
private func writtenScheme(_ text: ArraySlice<UInt8>) -> (ArraySlice<UInt8>, ArraySlice<UInt8>)? {
  guard let mark = text.firstIndex(of: StaticString("://").bytes) else { return nil }
  let name = text.prefix(upTo: mark)
  if name.has(ASCII.slash) || name.has(ASCII.at) || name.has(ASCII.colon) { return nil }
  return (name, text.suffix(from: mark).dropFirst(3))
}

/// Whether a scheme is where the user or the host should be: a known one, or any word before what looks like a URL with
/// a user. A password may begin with a slash, but rarely has a colon then; after a scheme, two slashes are needed.
private func beginsWithScheme(_ text: ArraySlice<UInt8>, afterScheme: Bool) -> Bool {
  let word = text.prefix { $0.isLetterOrDigit(or: "+-.") }
  let after = text.suffix(from: word.endIndex)
  guard !word.isEmpty, let first = after.first, first == ASCII.colon || first == ASCII.slash else {
    return false
  }
  let slashes = (first == ASCII.colon ? after.dropFirst() : after).prefix {
    $0 == ASCII.slash || $0 == ASCII.backslash
  }
  if ProxyURL.Scheme(written: word) != nil {
    // A host named http may be followed by a path, but not by two slashes.
    return first == ASCII.colon ? !slashes.isEmpty : slashes.count > 1
  }
  guard first == ASCII.colon, slashes.count > (afterScheme ? 1 : 0), let end = text.lastIndex(of: ASCII.at)
  else { return false }
  return text[slashes.endIndex..<max(slashes.endIndex, end)].has(ASCII.colon)
}
