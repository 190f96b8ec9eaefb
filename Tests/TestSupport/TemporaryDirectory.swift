import CLinux
import Linux
import Text

/// A directory for one test, removed with the value.
final class TemporaryDirectory {
  let path: Path

  init() throws(Errno) {
    var template = Array("/tmp/psm-entry-unit.XXXXXX".utf8CString)
    let isMade = template.withUnsafeMutableBufferPointer {
      $0.baseAddress.map { mkdtemp($0) != nil } ?? false
    }
    if !isMade { throw Errno(rawValue: clinux_errno()) }
    path = Path(template.map { UInt8(bitPattern: $0) })
  }

  deinit { Self.remove(path) }

  private static func remove(_ path: Path) {
    if let directory = try? Directory(path, in: .system) {
      // A descriptor that a test has closed.
      _ = chmod(path.terminated.map { CChar(bitPattern: $0) }, 0o700)
      for name in (try? directory.names()) ?? [] where (try? directory.remove(name)) == nil {
        remove(path.appending(name))
      }
      directory.close()
    }
    _ = rmdir(path.terminated.map { CChar(bitPattern: $0) })
  }

  var root: Root { get throws(Errno) { try Root(at: path) } }

  /// The path in the system's root of a path in this root.
  func at(_ path: String) -> Path { self.path.appending(Array(path.utf8)[...]) }

  /// Creates a directory and its parents.
  func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws(Errno) {
    let directory = try Directory.making(at(path), in: .system)
    defer { directory.close() }
    try directory.descriptor.setMode(mode)
  }

  /// Writes a file, and creates its parent directories.
  func write(_ path: String, _ contents: [UInt8], mode: UInt32 = 0o644) throws(Errno) {
    let (parent, name) = at(path).split
    let directory = try Directory.making(parent, in: .system)
    defer { directory.close() }
    try? directory.remove(name)
    let file = try directory.descriptor.open(name, [.writeOnly, .createNew], mode: 0o600)
    defer { file.close() }
    try file.write(contents)
    try file.setMode(mode)
  }

  func read(_ path: String) throws(ReadError) -> [UInt8] {
    try Root.system.read(at(path), limit: 1 << 26)
  }

  func link(_ path: String, to target: String) throws(Errno) {
    let (parent, name) = at(path).split
    let directory = try Directory.making(parent, in: .system)
    defer { directory.close() }
    try directory.makeLink(name, to: Path(Array(target.utf8)))
  }

  func makeFIFO(_ path: String) throws(Errno) {
    if mkfifo(at(path).terminated.map { CChar(bitPattern: $0) }, 0o644) != 0 {
      throw Errno(rawValue: clinux_errno())
    }
  }
}
