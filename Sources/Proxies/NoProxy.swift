import Text

/// A host, suffix or network in NO_PROXY, normalized.
public struct NoProxyEntry: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The bytes for the environment.
  public let text: [UInt8]
  public private(set) var kind: NoProxyKind
  /// Whether the list contains an `@` anywhere, so that each of its entries may be part of a password.
  private let isConfidential: Bool

  init(_ text: [UInt8], isConfidential: Bool = false) {
    self.text = text
    self.kind = NoProxyKind(of: text[...])
    self.isConfidential = isConfidential
  }

  /// The same entry as an element of a longer list, where `*` has less effect.
  func amongOthers() -> NoProxyEntry {
    var entry = self
    if kind == .everything { entry.kind = .everythingAmongOthers }
    return entry
  }

  /// Whether it names the default port of a scheme.
  var hasUsualPort: Bool {
    switch kind {
    case .nameWithPort, .suffixWithPort, .ipv4WithPort, .ipv6WithPort:
      text[...].ends(with: StaticString(":80").bytes) || text[...].ends(with: StaticString(":443").bytes)
    default: false
    }
  }

  /// Whether httpx raises InvalidURL on every request, for any host, because of this entry: it turns each entry into
  /// part of a URL, and each name into one with an asterisk in front.
  /// - Source: httpx 0.28, `httpx/_utils.py` (get_environment_proxies) and `httpx/_urlparse.py`; measured.
  var failsHTTPX: Bool {
    if !text.allSatisfy({ $0.isPrintable || $0 >= 0x80 }) { return true }
    let scheme = text[...].firstIndex(of: StaticString("://").bytes)
    let afterScheme = scheme.map { text[($0 + 3)...] } ?? text[...]
    let authority = afterScheme.prefix { $0 != ASCII.slash && $0 != ASCII.question && $0 != ASCII.hash }
    if scheme == nil && isIPv6Address(authority.prefix { $0 != ASCII.percent }) {
      return authority.count < text.count
    }
    let location = authority.cut(atLast: ASCII.at)?.after ?? authority
    var host = location.prefix { $0 != ASCII.colon }
    if scheme != nil, location.first == ASCII.openingBracket,
      let end = location.lastIndex(of: ASCII.closingBracket)
    {
      host = location.prefix(through: end)
      if !isIPv6Address(host.dropFirst().dropLast().prefix { $0 != ASCII.percent }) { return true }
    }
    if scheme == nil && host.contains(where: { $0 >= 0x80 }) { return true }
    let port = location.dropFirst(host.count)
    return !(port.first == ASCII.colon ? port.dropFirst() : port).allSatisfy { $0.isDigit }
  }

  /// The entry for display; `***` if it is not clearly a host: someone may have pasted a URL with a password.
  public var shown: Text {
    let mayBeCredentials =
      isConfidential || kind == .address
      || (kind == .unreadable && (text.has(ASCII.colon) || text.has(ASCII.slash)))
    return !mayBeCredentials && text.allSatisfy({ $0.isPrintable }) ? Text(utf8: text) : "***"
  }

  public var description: String { shown.description }
  public var debugDescription: String { shown.description }
}

/// The repairs that a NO_PROXY needed before every client would split it in the same way.
struct NoProxyRepairs: OptionSet, Equatable, Sendable {
  let rawValue: UInt8
  static let separators = NoProxyRepairs(rawValue: 1)
  static let quotes = NoProxyRepairs(rawValue: 2)
  static let wildcards = NoProxyRepairs(rawValue: 4)
  static let brackets = NoProxyRepairs(rawValue: 8)
  static let duplicates = NoProxyRepairs(rawValue: 16)
}

/// The hosts that are reached without a proxy.
///
/// Accepted: any number of entries, quoted or not, separated by commas, semicolons or white space. Written: the same
/// entries without duplicates, separated by commas, with `.corp` for `*.corp` and `::1` for `[::1]`. This is the form
/// that most clients share.
/// - Source: curl's `--noproxy`; Python's `urllib.request.proxy_bypass_environment`; Go's
///   `golang.org/x/net/http/httpproxy`.
struct NoProxyList: Equatable, Sendable {
  private var separate: [NoProxyEntry] = []
  private(set) var repairs: NoProxyRepairs = []

  init(_ text: [UInt8]) {
    let isConfidential = text.has(ASCII.at)
    let tokens = text[...].split { isNoProxySeparator($0) }
    var found: [NoProxyEntry] = []
    for token in tokens {
      let bare = trimmingQuotesAndSpace(token)
      if bare.count != token.count { repairs.insert(.quotes) }
      if bare.isEmpty { continue }
      found.append(NoProxyEntry([UInt8](normalized(bare)), isConfidential: isConfidential))
    }
    separate = Self.firsts(of: found).map { found[$0] }
    if separate.count < found.count { repairs.insert(.duplicates) }
    if text != commaSeparated(tokens.map { [UInt8]($0) }) { repairs.insert(.separators) }
  }

  /// Entries that are already parsed.
  init(entries: [NoProxyEntry]) { separate = entries }

  var entries: [NoProxyEntry] { separate.count > 1 ? separate.map { $0.amongOthers() } : separate }

  /// The value for the environment.
  var value: [UInt8] { commaSeparated(entries.map { $0.text }) }

  /// The value for display.
  var shown: Text { entries.shown }

  /// Whether it exempts every host, in the only form that every client understands.
  var isEverything: Bool { entries.contains { $0.kind == .everything } }

  var hasWildcardAmongOthers: Bool { entries.contains { $0.kind == .everythingAmongOthers } }

  /// Adds the entries that are not in the list yet, and returns them.
  mutating func add(_ others: NoProxyList) -> [NoProxyEntry] {
    let all = separate + others.separate
    let added = Self.firsts(of: all).filter { $0 >= separate.count }.map { all[$0] }
    separate += added
    return added
  }

  /// The entries without later duplicates. Host names are equal in either case.
  private static func firsts(of entries: [NoProxyEntry]) -> [Int] {
    SortedBytes(entries.map { $0.text.map { $0.lowercased } }).firsts
  }

  /// The entry in the form that most clients understand.
  private mutating func normalized(_ entry: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    if entry.begins(with: [ASCII.asterisk, ASCII.dot]), entry.count > 2,
      !entry.dropFirst().has(ASCII.asterisk)
    {
      repairs.insert(.wildcards)
      return entry.dropFirst()
    }
    if entry.first == ASCII.openingBracket,
      let (inside, after) = entry.dropFirst().cut(at: ASCII.closingBracket),
      after.isEmpty || after.first == ASCII.slash
    {
      let bare = [UInt8](inside + after)[...]
      let kind = NoProxyKind(of: bare)
      if kind == .ipv6 || kind == .ipv6Longer || kind == .ipv6Loopback || kind == .ipv6Network {
        repairs.insert(.brackets)
        return bare
      }
    }
    return entry
  }
}

private func isNoProxySeparator(_ byte: UInt8) -> Bool {
  byte == ASCII.comma || byte == ASCII.semicolon || byte.isWhiteSpace
}

extension [NoProxyEntry] {
  /// The entries for display, separated by commas.
  var shown: Text { map { $0.shown }.joined(by: ",") }
}
