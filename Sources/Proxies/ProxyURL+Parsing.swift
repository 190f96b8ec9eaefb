import Text

/// Why a text is not a proxy URL. None of these contains any of the text, which may be a password as a whole.
public enum ProxyURLFault: Error, Equatable, Sendable {
  case empty
  case unknownScheme
  /// `http://http://h`
  case twoSchemes
  /// `http:x@h`, `http/x@h`, `http:/h`: the beginning may be a scheme or part of something else.
  case ambiguousScheme
  /// The user begins with a slash, or contains two of them.
  case unreadableUser
  case missingHost
  case nonASCIIHost
  case unreadableHost
  case unreadablePort
  case unreadableRest
  /// A name that was not replaced by its value.
  case placeholder
  /// The URL of a proxy auto-configuration file.
  case pacFile
  /// `none`, `DIRECT` or a similar word.
  case word
  /// A NUL, which no variable can contain: the text is usually UTF-16 then.
  case nul
}

/// The repairs that a text needed before every client would read it in the same way.
struct ProxyURLRepairs: OptionSet, Equatable, Sendable {
  let rawValue: UInt8
  static let surroundings = ProxyURLRepairs(rawValue: 1)
  static let scheme = ProxyURLRepairs(rawValue: 2)
  static let user = ProxyURLRepairs(rawValue: 4)
  static let password = ProxyURLRepairs(rawValue: 8)
  static let schemeCase = ProxyURLRepairs(rawValue: 16)
  static let misspeltScheme = ProxyURLRepairs(rawValue: 32)
}

/// Parses a proxy URL as people write it: white space and quotes around it are removed; a missing scheme is added; a
/// user or password is percent-encoded where necessary.
///
/// - Parameter text: for example `http://dom\user:p@ss/w#rd@proxy:8899`.
/// - Throws: ``ProxyURLFault`` for an unknown scheme, an invalid host or port, and text that was never meant as a URL.
/// - Source: RFC 3986 §3, except that the last `@` ends the password, and the first colon ends the user.
public func parseProxyURL(_ text: [UInt8]) throws(ProxyURLFault) -> ProxyURL {
  try readProxyURL(text).url
}

func readProxyURL(_ text: [UInt8]) throws(ProxyURLFault) -> (url: ProxyURL, repairs: ProxyURLRepairs) {
  let bare = trimmingQuotesAndSpace(text[...])
  guard !bare.isEmpty else { throw .empty }
  guard !bare.has(0) else { throw .nul }
  var repairs: ProxyURLRepairs = bare.count == text.count ? [] : .surroundings

  if let mistake = mistakenProxyURL(bare) { throw mistake }

  let reading = try readScheme(bare)
  let (scheme, afterScheme) = (reading.scheme, reading.rest)
  var written = scheme.name.bytes + StaticString("://").bytes
  repairs.formUnion(reading.repairs)

  let userinfo: Userinfo?
  let location: ArraySlice<UInt8>
  if let (before, after) = afterScheme.cut(atLast: ASCII.at) {
    let read = readUserinfo(before)
    let user = before.cut(at: ASCII.colon)?.before ?? before
    if user.first == ASCII.slash || user.contains("//") { throw .unreadableUser }
    (userinfo, location) = (read.userinfo, after)
    repairs.formUnion(read.repairs)
    written += read.userinfo.user
    if let password = read.userinfo.password { written += [ASCII.colon] + password.bytes }
    written.append(ASCII.at)
  } else {
    (userinfo, location) = (nil, afterScheme)
  }

  let place = try readLocation(location)
  let url = ProxyURL(
    scheme: scheme, userinfo: userinfo, host: place.host, isIPv6: place.isIPv6, port: place.port,
    rest: place.rest, written: written + location)
  return (url, repairs)
}

private func readUserinfo(_ text: ArraySlice<UInt8>) -> (userinfo: Userinfo, repairs: ProxyURLRepairs) {
  let (user, password) = text.cut(at: ASCII.colon).map { ($0.before, Optional($0.after)) } ?? (text, nil)
  let encodedUser = percentEncodedWhereNeeded(user, colonIsAllowed: false)
  let encodedPassword = password.map { percentEncodedWhereNeeded($0, colonIsAllowed: true) }
  var repairs: ProxyURLRepairs = []
  if encodedUser[...] != user { repairs.insert(.user) }
  if let encodedPassword, let password, encodedPassword[...] != password { repairs.insert(.password) }
  return (Userinfo(user: encodedUser, password: encodedPassword), repairs)
}

private struct Location {
  var host: ArraySlice<UInt8>
  var isIPv6: Bool
  var port: UInt16?
  var rest: ArraySlice<UInt8>
}

/// Parses `host`, `host:port` or `[IPv6]:port`, and an optional path after it.
@inline(never)
private func readLocation(_ text: ArraySlice<UInt8>) throws(ProxyURLFault) -> Location {
  let end = text.firstIndex { $0 == ASCII.slash || $0 == ASCII.question || $0 == ASCII.hash } ?? text.endIndex
  let (authority, rest) = (text.prefix(upTo: end), text.suffix(from: end))
  guard rest.allSatisfy({ $0.isPrintable }) else { throw .unreadableRest }
  var place = Location(host: authority, isIPv6: false, port: nil, rest: rest)
  var afterHost = authority.suffix(0)
  if authority.first == ASCII.openingBracket {
    guard let (host, after) = authority.dropFirst().cut(at: ASCII.closingBracket) else {
      throw .unreadableHost
    }
    (place.host, place.isIPv6, afterHost) = (host, true, after)
    guard isZonedIPv6Address(host) else { throw .unreadableHost }
  } else {
    if let colon = authority.firstIndex(of: ASCII.colon) {
      (place.host, afterHost) = (authority.prefix(upTo: colon), authority.suffix(from: colon))
    }
    guard !place.host.isEmpty else { throw .missingHost }
    guard !place.host.contains(where: { $0 >= 0x80 }) else { throw .nonASCIIHost }
    guard isHostName(place.host) || isIPv4Address(place.host) else { throw .unreadableHost }
  }
  guard let mark = afterHost.first else { return place }
  guard mark == ASCII.colon, let number = afterHost.dropFirst().decimal(upTo: 65535),
    let port = UInt16(exactly: number), port > 0
  else { throw .unreadablePort }
  place.port = port
  return place
}

/// An IPv6 address, optionally with a zone after `%25`.
/// - Source: RFC 6874 §2.
private func isZonedIPv6Address(_ text: ArraySlice<UInt8>) -> Bool {
  guard let mark = text.firstIndex(of: StaticString("%25").bytes) else { return isIPv6Address(text) }
  let zone = text.suffix(from: mark).dropFirst(3)
  return isIPv6Address(text.prefix(upTo: mark)) && !zone.isEmpty
    && zone.allSatisfy { $0.isLetterOrDigit(or: "-._~") }
}
