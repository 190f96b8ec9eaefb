import Text

/// The user that a service runs as.
///
/// psm-entry parses passwd and group itself: musl's `getpwnam` talks to a socket, and its `initgroups` fails for more
/// than 32 groups.
/// - Source: passwd(5), group(5).
public struct Account: Equatable, Sendable {
  public let user: UInt32
  public let group: UInt32
  public let supplementaryGroups: [UInt32]
  public let home: [UInt8]

  public enum Failure: Error, Equatable, Sendable {
    case unknownUser, unknownGroup, malformed
  }

  /// Finds the account for `specification`: `NAME`, `UID`, `NAME:GROUP` or `UID:GID`.
  ///
  /// A UID that is not in passwd has group 0, as in OpenShift, and the home directory `/`. If a group is given, there
  /// are no supplementary groups, as with a container engine's own `--user`.
  /// - Parameters:
  ///   - passwd: the text of `/etc/passwd`; empty if the file does not exist.
  ///   - groups: the text of `/etc/group`; empty if the file does not exist.
  @inline(never)
  public init(_ specification: [UInt8], passwd: [UInt8], groups: [UInt8]) throws(Failure) {
    guard let (wanted, givenGroup) = Self.parts(of: specification) else { throw .malformed }

    let entry = Self.passwdEntry(wanted, in: passwd)
    if let entry {
      user = entry.user
      home = entry.home
    } else {
      guard let number = accountNumber(wanted) else { throw .unknownUser }
      user = number
      home = [UInt8(ascii: "/")]
    }
    if let givenGroup {
      guard let given = Self.groupNumber(givenGroup, in: groups) else { throw .unknownGroup }
      group = given
      supplementaryGroups = []
    } else {
      group = entry?.group ?? 0
      supplementaryGroups = entry.map { Self.memberships(of: $0.name, in: groups) } ?? []
    }
  }

  /// Whether the bytes have the form of a specification.
  public static func isSpecification(_ bytes: [UInt8]) -> Bool { parts(of: bytes) != nil }

  private static func parts(of specification: [UInt8]) -> (
    user: ArraySlice<UInt8>, group: ArraySlice<UInt8>?
  )? {
    let parts = specification[...].parts(between: ":", keepsEmpty: true)
    guard let user = parts.first, parts.count <= 2, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
    return (user, parts.count == 2 ? parts[1] : nil)
  }

  private struct PasswdEntry {
    let name: ArraySlice<UInt8>
    let user: UInt32
    let group: UInt32
    let home: [UInt8]
  }

  /// The first well-formed line with the name `wanted`; otherwise the first with that UID.
  @inline(never)
  private static func passwdEntry(_ wanted: ArraySlice<UInt8>, in passwd: [UInt8]) -> PasswdEntry? {
    let number = accountNumber(wanted)
    var byNumber: PasswdEntry?
    for line in lines(of: passwd) {
      let fields = line.parts(between: ":", keepsEmpty: true)
      guard fields.count >= 6, !fields[0].isEmpty, let user = accountNumber(fields[2]),
        let group = accountNumber(fields[3])
      else { continue }
      let home = fields[5].isEmpty ? [UInt8(ascii: "/")] : Array(fields[5])
      let entry = PasswdEntry(name: fields[0], user: user, group: group, home: home)
      if fields[0] == wanted { return entry }
      if byNumber == nil, user == number { byNumber = entry }
    }
    return byNumber
  }

  private static func groupNumber(_ wanted: ArraySlice<UInt8>, in groups: [UInt8]) -> UInt32? {
    for line in lines(of: groups) {
      let fields = line.parts(between: ":", keepsEmpty: true)
      if fields.count >= 3, fields[0] == wanted, let group = accountNumber(fields[2]) { return group }
    }
    return accountNumber(wanted)
  }

  /// The groups that list `name` as a member, without duplicates.
  @inline(never)
  private static func memberships(of name: ArraySlice<UInt8>, in groups: [UInt8]) -> [UInt32] {
    var memberships: [UInt32] = []
    for line in lines(of: groups) {
      let fields = line.parts(between: ":", keepsEmpty: true)
      guard fields.count >= 4, let group = accountNumber(fields[2]) else { continue }
      let isMember = fields[3].parts(between: ",").contains { $0 == name }
      if isMember { memberships.append(group) }
    }
    return order(of: memberships).firsts.map { memberships[$0] }
  }

  /// The groups prepared for lookup: a user may be in 65,536 of them.
  static func order(of groups: [UInt32]) -> SortedBytes { SortedBytes(groups.map { key(of: $0) }) }

  static func key(of group: UInt32) -> [UInt8] { decimal(Int64(group)) }
}

private func lines(of text: [UInt8]) -> [ArraySlice<UInt8>] { text[...].parts(between: "\n") }

/// A user or group number in decimal. 2^32-1 is refused: it means "do not change" to the kernel.
private func accountNumber(_ digits: ArraySlice<UInt8>) -> UInt32? {
  if digits.count > 10 { return nil }
  return digits.decimal(upTo: Int(UInt32.max) - 1).map { UInt32($0) }
}
