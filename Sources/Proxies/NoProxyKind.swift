import Text

/// The form of an entry in NO_PROXY. Clients agree only on some of them.
public enum NoProxyKind: CaseIterable, Equatable, Sendable {
  /// `repo.corp`
  case name
  /// `repo.corp.`
  case rootedName
  /// `.corp`
  case suffix
  /// `*` as the only entry
  case everything
  /// `*` among other entries
  case everythingAmongOthers
  /// `10.1.2.3`
  case ipv4
  /// `fd00::1`
  case ipv6
  /// `fd00:0::1`: the address fd00::1, but not in its canonical form
  case ipv6Longer
  /// `::1`
  case ipv6Loopback
  /// `10.0.0.0/8`
  case ipv4Network
  /// `fd00::/8`
  case ipv6Network
  /// `10.0.0.0/255.0.0.0`
  case ipv4Mask
  /// `10.0.0.1-10.0.0.9`
  case ipv4Range
  /// `repo.corp:8080`
  case nameWithPort
  /// `.corp:8080`
  case suffixWithPort
  /// `10.1.2.3:8080`
  case ipv4WithPort
  /// `[fd00::1]:8080`
  case ipv6WithPort
  /// `10.*`, `repo*.corp`
  case wildcard
  /// `http://repo.corp`
  case address
  /// Anything else, including `<local>` and letters that are not ASCII
  case unreadable

  init(of entry: ArraySlice<UInt8>) {
    self = Self.addressKind(of: entry) ?? Self.nameKind(of: entry) ?? .unreadable
  }

  /// The kinds that consist of numbers.
  private static func addressKind(of entry: ArraySlice<UInt8>) -> NoProxyKind? {
    if isIPv4Address(entry) { return .ipv4 }
    if isIPv6Address(entry) {
      if entry.isEqual(to: "::1") { return .ipv6Loopback }
      return isShortestIPv6Address(entry) ? .ipv6 : .ipv6Longer
    }
    if let (network, length) = entry.cut(at: ASCII.slash) {
      if isIPv4Address(network) {
        if length.decimal(upTo: 32) != nil { return .ipv4Network }
        if isIPv4Address(length) { return .ipv4Mask }
      }
      return isIPv6Address(network) && length.decimal(upTo: 128) != nil ? .ipv6Network : nil
    }
    if let (first, last) = entry.cut(at: ASCII.hyphen), isIPv4Address(first), isIPv4Address(last) {
      return .ipv4Range
    }
    return nil
  }

  private static func nameKind(of entry: ArraySlice<UInt8>) -> NoProxyKind? {
    if entry.isEqual(to: "*") { return .everything }
    if entry.firstIndex(of: StaticString("://").bytes) != nil || entry.has(ASCII.at) { return .address }
    if let (host, port) = entry.cut(atLast: ASCII.colon) {
      guard let number = port.decimal(upTo: 65535), number > 0 else { return nil }
      // Checked only once: an entry may consist of nothing but ports.
      if host.first == ASCII.openingBracket, host.last == ASCII.closingBracket {
        return isIPv6Address(host.dropFirst().dropLast()) ? .ipv6WithPort : nil
      }
      if isIPv4Address(host) { return .ipv4WithPort }
      if host.has(ASCII.colon) { return nil }
      switch nameKind(of: host) {
      case .name, .rootedName: return .nameWithPort
      case .suffix: return .suffixWithPort
      case .wildcard, .everything: return .wildcard
      default: return nil
      }
    }
    if entry.has(ASCII.asterisk) {
      return entry.allSatisfy { $0.isLetterOrDigit(or: "*.-_") } ? .wildcard : nil
    }
    let isSuffix = entry.first == ASCII.dot
    guard isHostName(isSuffix ? entry.dropFirst() : entry) else { return nil }
    if isSuffix { return .suffix }
    return entry.last == ASCII.dot ? .rootedName : .name
  }
}
