import CLinux
import Text

extension Credentials {
  /// What a process may do to files, by its user, groups and capabilities.
  ///
  /// - Source: capabilities(7), path_resolution(7).
  public struct Effective: Sendable {
    public enum Capability: UInt32, Sendable {
      case changeOwner = 0
      case overrideAccess = 1
      case fileOwner = 3
    }

    public let user: UInt32
    private let group: UInt32
    /// Whether this describes the current process. Its capabilities are queried only if they matter.
    public let isCurrent: Bool

    /// This process.
    public static var current: Effective {
      Effective(user: Credentials.effectiveUser, group: Credentials.effectiveGroup, isCurrent: true)
    }

    /// Another process of which only user and group are known: as root it may do everything, otherwise nothing that
    /// needs a capability.
    public static func other(user: UInt32, group: UInt32) -> Effective {
      Effective(user: user, group: group, isCurrent: false)
    }

    public func has(_ capability: Capability) -> Bool {
      isCurrent ? clinux_effective_capabilities() & 1 << capability.rawValue != 0 : user == 0
    }

    private func isMember(of group: UInt32) -> Bool {
      self.group == group || (isCurrent && Account.supplementary.contains(group))
    }

    /// Why a new file cannot be given this owner; nil if it can.
    public func refusalOfOwner(_ owner: UInt32, _ ownerGroup: UInt32) -> Errno? {
      if owner == user && isMember(of: ownerGroup) { return nil }
      if !has(.changeOwner) { return .notPermitted }
      return isMapped(owner, "/proc/self/uid_map") && isMapped(ownerGroup, "/proc/self/gid_map")
        ? nil : .invalidArgument
    }

    /// Whether a directory's mode allows changing the names in it.
    public func mayChange(_ directory: Metadata) -> Bool {
      if has(.overrideAccess) { return true }
      let shift: UInt32 = directory.user == user ? 6 : isMember(of: directory.group) ? 3 : 0
      return directory.mode >> shift & 0o3 == 0o3
    }
  }
}

/// Whether an id is mapped in this user namespace. Unmapped ids appear as 65534.
/// - Source: user_namespaces(7).
private func isMapped(_ id: UInt32, _ map: StaticString) -> Bool {
  if id != 65534 { return true }
  guard let text = try? Root.system.read(Path(map), limit: 65536) else { return true }
  for line in text[...].parts(between: "\n") {
    let fields = line.parts(between: " \t")
    guard fields.count == 3, let first = fields[0].decimal(upTo: Int(UInt32.max)),
      let count = fields[2].decimal(upTo: Int(UInt32.max))
    else { continue }
    if Int(id) >= first && Int(id) - first < count { return true }
  }
  return text.isEmpty
}
