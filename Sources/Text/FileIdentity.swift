/// The device and inode number of a file: two names with the same identity are one file.
///
/// - Source: POSIX `<sys/stat.h>`.
public struct FileIdentity: Equatable, Sendable {
  public let device: UInt64
  public let inode: UInt64

  public init(device: UInt64, inode: UInt64) {
    self.device = device
    self.inode = inode
  }
}
