import CLinux
import Text

extension Account {
  /// Whether this process already has this user and group as its real, effective and saved ids.
  public var isCurrent: Bool { Self.users == [user, user, user] && Self.groups == [group, group, group] }

  /// Makes this process that user permanently. It sets supplementary groups, group and user in this order, because each
  /// step removes the right to do the preceding ones.
  /// The corresponding C functions are `setgroups`, `setresgid` and `setresuid`.
  /// - Throws: the system's error; ``Errno/notPermitted`` also if the calls succeeded without effect.
  public func become() throws(Errno) {
    _ = try retrying { Int(setgroups(supplementaryGroups.count, supplementaryGroups)) }
    _ = try retrying { Int(setresgid(group, group, group)) }
    _ = try retrying { Int(setresuid(user, user, user)) }
    let groups = Self.supplementary
    let wanted = Self.order(of: supplementaryGroups)
    let isBecome =
      isCurrent && groups.count == supplementaryGroups.count
      && groups.allSatisfy { wanted.contains(Self.key(of: $0)) }
    // A process that gave up root must not be able to return to it.
    let hasWayBack = user != 0 && setresuid(0, 0, 0) == 0
    if !isBecome || hasWayBack { throw .notPermitted }
  }

  private static var users: [UInt32] {
    var (real, effective, saved) = (UInt32.max, UInt32.max, UInt32.max)
    getresuid(&real, &effective, &saved)
    return [real, effective, saved]
  }

  private static var groups: [UInt32] {
    var (real, effective, saved) = (UInt32.max, UInt32.max, UInt32.max)
    getresgid(&real, &effective, &saved)
    return [real, effective, saved]
  }

  static var supplementary: [UInt32] {
    let count = max(0, Int(getgroups(0, nil)))
    var groups = [UInt32](repeating: 0, count: count)
    let filled = max(0, Int(getgroups(Int32(count), &groups)))
    return Array(groups.prefix(filled))
  }
}
