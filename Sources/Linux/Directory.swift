import CLinux
import Text

/// An open directory, and operations on the names in it.
///
/// They apply to names in this very directory, even if its path now leads elsewhere.
public struct Directory: Sendable {
  public let descriptor: FileDescriptor
  /// The path that it was opened with, for messages.
  public let path: Path

  /// Opens the directory at `path`. A directory that this user may not list is opened, too, but cannot be listed,
  /// locked or synced.
  @inline(never)
  public init(_ path: Path, in root: Root) throws(Errno) {
    self.path = path
    do throws(Errno) {
      descriptor = try root.open(path, [.directory])
    } catch {
      if error != .accessDenied { throw error }
      descriptor = try root.open(path, [.directory, .pathOnly])
    }
  }

  /// Opens the directory at `path`. If it is missing, it is created with its parents, with mode 0755 whatever the
  /// umask.
  public static func making(_ path: Path, in root: Root) throws(Errno) -> Directory {
    do throws(Errno) { return try Directory(path, in: root) } catch {
      if error != .noSuchFile { throw error }
    }
    var made = Path("/")
    for component in path.components {
      let name = Path(component)
      let parent = try Directory(made, in: root)
      defer { parent.close() }
      made = made.appending(name)
      if parent.resolves(name) { continue }
      do throws(Errno) { try parent.makeDirectory(name, mode: 0o755) } catch {
        if error != .exists { throw error }
      }
    }
    return try Directory(path, in: root)
  }

  /// Wraps a directory that is already open.
  public init(descriptor: FileDescriptor, path: Path) {
    self.descriptor = descriptor
    self.path = path
  }

  public func close() { descriptor.close() }

  /// The names in it without `.` and `..`, in byte order.
  /// The corresponding system call is `getdents64`.
  public func names() throws(Errno) -> [Path] {
    let names = try descriptor.unsortedNames()
    return SortedBytes(names.map { $0.terminated }).numbers.map { names[$0] }
  }

  /// The metadata of `name` itself; nil if it does not exist or is not accessible.
  /// The corresponding C function is `fstatat` with `AT_SYMLINK_NOFOLLOW`.
  public func metadata(of name: Path) -> Metadata? {
    descriptor.metadata(of: name, flags: AT_SYMLINK_NOFOLLOW)
  }

  /// Whether `name` resolves to an existing file.
  public func resolves(_ name: Path) -> Bool { descriptor.metadata(of: name, flags: 0) != nil }

  /// Whether something is mounted on `name`, such as a single file of the host: then no other file can be renamed over
  /// it. The corresponding system call is `statx`, which reports this since Linux 5.8. On older kernels, and if a
  /// seccomp filter refuses the call, the answer comes from /proc/self/mountinfo; without /proc it is false.
  public func isMountPoint(_ name: Path) -> Bool {
    let isMountPoint = clinux_is_mount_point(descriptor.rawValue, name.terminated)
    return isMountPoint < 0 ? isMentionedAsMount(name) : isMountPoint != 0
  }

  /// - Source: proc(5), "mountinfo": the fifth field is the mount point, with `\040` for a space.
  private func isMentionedAsMount(_ name: Path) -> Bool {
    guard let own = try? Directory(Path("/proc/self/fd"), in: .system) else { return false }
    defer { own.close() }
    guard let directory = try? own.target(ofLink: Path(decimal(Int64(descriptor.rawValue)))),
      let mounts = try? FileDescriptor.currentDirectory.open(Path("/proc/self/mountinfo"))
    else { return false }
    defer { mounts.close() }
    let path = escapedAsInMountinfo(directory.appending(name))
    var text: [UInt8] = []
    while let part = try? mounts.readSome(), !part.isEmpty { text.append(contentsOf: part) }
    return text[...].parts(between: "\n").contains { line in
      let fields = line.parts(between: " ")
      return fields.count > 4 && fields[4].isEqual(to: path[...])
    }
  }

  /// The target of the link `name`. The corresponding C function is `readlinkat`.
  @inline(never)
  public func target(ofLink name: Path) throws(Errno) -> Path {
    var failure: Errno?
    let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
      do throws(Errno) {
        count = try retrying {
          buffer.withMemoryRebound(to: CChar.self) { target in
            guard let start = target.baseAddress else { return 0 }
            return readlinkat(descriptor.rawValue, name.terminated, start, target.count)
          }
        }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return Path(bytes)
  }

  /// The corresponding C function is `renameat`, within this directory.
  public func rename(_ name: Path, to newName: Path) throws(Errno) {
    _ = try retrying {
      Int(renameat(descriptor.rawValue, name.terminated, descriptor.rawValue, newName.terminated))
    }
  }

  /// Creates another name for the file in this directory. The corresponding C function is `linkat`.
  public func link(_ name: Path, to newName: Path) throws(Errno) { try link(name, to: newName, in: self) }

  /// Creates another name for the file in another directory. The corresponding C function is `linkat`.
  public func link(_ name: Path, to newName: Path, in other: Directory) throws(Errno) {
    _ = try retrying {
      Int(linkat(descriptor.rawValue, name.terminated, other.descriptor.rawValue, newName.terminated, 0))
    }
  }

  /// Creates a symbolic link. The corresponding C function is `symlinkat`.
  public func makeLink(_ name: Path, to target: Path) throws(Errno) {
    _ = try retrying { Int(symlinkat(target.terminated, descriptor.rawValue, name.terminated)) }
  }

  /// The corresponding C function is `unlinkat`; it does not remove directories.
  public func remove(_ name: Path) throws(Errno) {
    _ = try retrying { Int(unlinkat(descriptor.rawValue, name.terminated, 0)) }
  }

  /// Creates a directory with exactly this mode. The corresponding C function is `mkdirat`, called with umask 0: a
  /// umask that denies the owner everything would make a directory that cannot even be opened to repair it.
  public func makeDirectory(_ name: Path, mode: UInt32) throws(Errno) {
    let mask = umask(0)
    defer { _ = umask(mask) }
    _ = try retrying { Int(mkdirat(descriptor.rawValue, name.terminated, mode)) }
  }

  /// Whether this process, as its effective user, may create, rename and remove names here.
  /// The corresponding C function is `faccessat` with `W_OK | X_OK`.
  public func allowsChanges() throws(Errno) {
    do throws(Errno) {
      _ = try retrying { Int(faccessat(descriptor.rawValue, ".", W_OK | X_OK, AT_EACCESS)) }
    } catch {
      // `faccessat2` exists since Linux 5.8, and an older seccomp filter answers EPERM. The older call checks the real
      // user, which equals the effective one: the program does not run otherwise.
      if error != .notImplemented && error != .notPermitted { throw error }
      _ = try retrying { Int(faccessat(descriptor.rawValue, ".", W_OK | X_OK, 0)) }
    }
  }
}

/// - Source: proc(5), and the kernel's mangle_path: space, tab, newline and backslash become three octal digits.
private func escapedAsInMountinfo(_ path: Path) -> [UInt8] {
  let escaped: StaticString = " \t\n\\"
  var shown: [UInt8] = []
  for byte in path.bytes {
    if escaped.has(byte) {
      shown += [UInt8(ascii: "\\"), 48 + byte / 64, 48 + byte / 8 % 8, 48 + byte % 8]
    } else {
      shown.append(byte)
    }
  }
  return shown
}

extension Directory {
  /// Locks this directory, so that only one start at a time changes files in it. Everyone who may read the directory
  /// can hold the lock for any time; where that includes other users, it is waited for at most two seconds.
  /// - Returns: whether it was locked before `deadline`. ``close()`` unlocks it.
  public func lock(until deadline: Deadline) -> Bool {
    var end: Deadline?
    while true {
      do throws(Errno) {
        try descriptor.tryLock()
        return true
      } catch {
        let limit = end ?? (othersMayRead ? min(deadline, Deadline(secondsFromNow: 2)) : deadline)
        end = limit
        // A lock has no descriptor to wait for, and a timer would need a signal.
        if error != .wouldBlock || limit.hasPassed { return false }
        _ = waitToRead([], until: min(limit, Deadline(nanosecondsFromNow: SignalSet.pollInterval)))
      }
    }
  }

  private var othersMayRead: Bool { ((try? descriptor.metadata())?.mode ?? 0) & 0o044 != 0 }
}

extension FileDescriptor {
  /// The names in this directory without `.` and `..`, in no particular order.
  public func unsortedNames() throws(Errno) -> [Path] {
    var names: [Path] = []
    // On the stack: a buffer on the heap would be mapped and unmapped for each directory.
    var buffer = InlineArray<4096, UInt8>(repeating: 0)
    while true {
      let count = try retrying {
        var span = buffer.mutableSpan
        return span.withUnsafeMutableBytes { clinux_getdents64(rawValue, $0.baseAddress, $0.count) }
      }
      if count <= 0 { return names }
      appendNames(in: buffer.span.extracting(first: count), to: &names)
    }
  }
}

/// - Parameter records: a sequence of `struct linux_dirent64`: inode and offset (8 bytes each), length (2), type (1),
///   name; padded to a multiple of 8.
private func appendNames(in records: Span<UInt8>, to names: inout [Path]) {
  var start = 0
  while records.count - start >= 24 {
    let length = Int(records[start + 16]) | Int(records[start + 17]) << 8
    guard length >= 24, length <= records.count - start else { return }
    let record = records.extracting((start + 19)..<(start + length))
    let dot = UInt8(ascii: ".")
    if record[0] != dot || (record[1] != 0 && (record[1] != dot || record[2] != 0)) {
      names.append(Path(record.withUnsafeBufferPointer { Array($0) }[...]))
    }
    start += length
  }
}
