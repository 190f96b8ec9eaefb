import CLinux
import Text

/// The metadata of a file, as returned by `stat`.
///
/// - Source: POSIX `<sys/stat.h>`, Linux stat(2).
public struct Metadata: Equatable, Sendable {
  public enum Kind: Sendable { case regular, directory, link, other }

  /// A point in time in nanoseconds since the epoch, within the range of an Int64.
  public typealias Nanoseconds = Int64

  public let identity: FileIdentity
  public let kind: Kind
  /// The permission bits with set-user-ID, set-group-ID and sticky bit: 12 bits.
  public let mode: UInt32
  public let user: UInt32
  public let group: UInt32
  /// In bytes.
  public let size: Int
  public let modified: Nanoseconds

  init(_ status: stat) {
    identity = FileIdentity(
      device: UInt64(truncatingIfNeeded: status.st_dev), inode: UInt64(truncatingIfNeeded: status.st_ino))
    kind =
      switch clinux_mode_type(status.st_mode) {
      case UInt32(S_IFREG): .regular
      case UInt32(S_IFDIR): .directory
      case UInt32(S_IFLNK): .link
      default: .other
      }
    mode = UInt32(status.st_mode) & 0o7777
    user = status.st_uid
    group = status.st_gid
    size = Int(status.st_size)
    modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
  }
}

/// Whether `path` exists. The corresponding C function is `access` with `F_OK`.
public func exists(_ path: Path) -> Bool { access(path.terminated, F_OK) == 0 }
