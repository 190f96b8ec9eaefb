import CLinux
import Text

/// A process of this container, as seen in /proc.
///
/// - Source: proc(5), `/proc/PID/stat` and `/proc/PID/maps`.
public struct RunningProcess: Equatable, Sendable {
  public let id: ProcessID
  /// The kernel's name for it, at most 15 bytes.
  public let name: [UInt8]
  public let parent: ProcessID
  /// In ``Clock/ticksSinceBoot``; nil if it is unknown.
  let started: Int64?
  /// Whether it has memory of its own: zombies and kernel threads have none.
  let hasMemory: Bool

  static var place: Path { Path("/proc") }

  /// The processes that started, or may have started, before a moment, in numerical order, without this process and its
  /// ancestors. Those of other users may be hidden (proc(5), `hidepid`).
  /// - Parameter moment: in ``Clock/ticksSinceBoot``.
  public static func all(startedBefore moment: Int64) throws(Errno) -> [RunningProcess] {
    try allButOwn().filter { ($0.started ?? 0) <= moment }
  }

  /// The other processes that run this program: from the same file, or from one with the same name. They must be in the
  /// same mount namespace and under the same root, as far as that is visible, because containers may share their
  /// processes.
  @inline(never)
  public static func ofThisProgram() throws(Errno) -> [RunningProcess] {
    let processes = try allButOwn()
    let own = place.appending("self")
    let file = Root.system.metadata(of: own.appending("exe"))?.identity
    let space = Root.system.metadata(of: own.appending("ns/mnt"))?.identity
    let root = Root.system.metadata(of: own.appending("root"))?.identity
    let name = try Root.system.readUnsized(own.appending("comm"))
    return processes.filter { process in
      let hasName = name[...].isEqual(to: (process.name + [newline])[...])
      let isFile = file != nil && process.metadata(of: "exe")?.identity == file
      if !hasName && !isFile { return false }
      return !process.isElsewhere(space, "ns/mnt") && !process.isElsewhere(root, "root")
    }
  }

  private func isElsewhere(_ own: FileIdentity?, _ name: StaticString) -> Bool {
    guard let own, let other = metadata(of: name)?.identity else { return false }
    return other != own
  }

  private func metadata(of name: StaticString) -> Metadata? {
    Root.system.metadata(of: directory.appending(name))
  }

  private var directory: Path { Self.place.appending(decimal(Int64(id.rawValue))[...]) }

  /// Its command line, beginning with the program's name.
  public func arguments() throws(Errno) -> [[UInt8]] {
    let line = try Root.system.readUnsized(directory.appending("cmdline"))
    return line.dropLast().parts(between: "\0", keepsEmpty: true).map { Array($0) }
  }

  private static func allButOwn() throws(Errno) -> [RunningProcess] {
    let directory = try Directory(place, in: .system)
    defer { directory.close() }
    var processes: [RunningProcess] = []
    for name in try directory.descriptor.unsortedNames() {
      guard let number = name.bytes.decimal(upTo: Int(Int32.max)),
        let text = try? Root.system.readUnsized(place.appending(name).appending("stat")),
        let process = RunningProcess(ProcessID(rawValue: Int32(number)), stat: text)
      else { continue }
      // In numerical order, in which the kernel usually lists them anyway.
      let previous = processes.lastIndex { $0.id.rawValue < process.id.rawValue }
      processes.insert(process, at: previous.map { $0 + 1 } ?? 0)
    }
    if !processes.contains(where: { $0.id == .current }) { throw .noSuchFile }
    var own = ProcessID.current
    while let index = processes.firstIndex(where: { $0.id == own }) {
      own = processes.remove(at: index).parent
    }
    return processes
  }

  /// - Parameter stat: the text of its `stat`; the name in it may contain any byte.
  init?(_ id: ProcessID, stat: [UInt8]) {
    guard let open = stat.firstIndex(of: UInt8(ascii: "(")),
      let close = stat.lastIndex(of: UInt8(ascii: ")")),
      open < close
    else { return nil }
    // The state is the third field, the parent the fourth, the start time the twenty-second.
    let fields = stat[(close + 1)...].parts(between: " \n")
    guard fields.count > 1, let parent = fields[1].decimal(upTo: Int(Int32.max)) else { return nil }
    self.id = id
    self.parent = ProcessID(rawValue: Int32(parent))
    name = Array(stat[(open + 1)..<close])
    // The size of its memory is the twenty-third field.
    hasMemory = fields.count <= 20 || !fields[20].isEqual(to: "0")
    started = fields.count > 19 ? fields[19].decimal(upTo: Int.max / 16).map { Int64($0) } : nil
  }
}

/// Searches processes for TLS code, reading each file once.
public struct TLSSearch {
  private var files: [(identity: FileIdentity, mayHaveTLS: Bool)] = []

  public init() {}

  /// Whether a process may use TLS. It does not if its maps are readable and none of its code is a TLS library or
  /// contains the word that every PEM parser contains. A program that links TLS statically (Go, Node, rustls) contains
  /// that word, too; Java has it in classes, which may be compressed.
  @inline(never)
  public mutating func mayFindTLS(in process: RunningProcess) -> Bool {
    let place = RunningProcess.place.appending(decimal(Int64(process.id.rawValue))[...])
    guard let maps = try? Root.system.readUnsized(place.appending("maps")) else { return true }
    if maps.isEmpty { return process.hasMemory }
    let root = place.appending("root")
    var last: ArraySlice<UInt8> = []
    for line in maps[...].parts(between: "\n") {
      guard let file = mappedCode(in: line), !file.isEqual(to: last) else { continue }
      last = file
      if mayFindTLS(inCode: file, below: root) { return true }
    }
    return false
  }

  @inline(never)
  private mutating func mayFindTLS(inCode file: ArraySlice<UInt8>, below root: Path) -> Bool {
    let name = Path(file).split.name.bytes
    let known: [StaticString] = ["ssl", "tls", "crypto", "nss3", "jvm"]
    // A file that was replaced cannot be read any more.
    if file.contains(" (deleted)") || known.contains(where: { name.contains($0) }) { return true }
    guard let code = try? Root.system.openFile(root.appending(file)), let metadata = try? code.metadata()
    else {
      return true
    }
    defer { code.close() }
    if let known = files.first(where: { $0.identity == metadata.identity }) { return known.mayHaveTLS }
    let mayHaveTLS = (try? code.contains("CERTIFICATE")) ?? true
    files.append((metadata.identity, mayHaveTLS))
    return mayHaveTLS
  }
}

/// The file of an executable mapping in a line of `maps`; nil for other memory.
func mappedCode(in line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
  let fields = line.parts(between: " ")
  guard fields.count >= 6, fields[1].dropFirst(2).first == UInt8(ascii: "x"),
    fields[5].first == UInt8(ascii: "/")
  else { return nil }
  return line[fields[5].startIndex...]
}

extension FileDescriptor {
  /// Whether the text occurs in the rest of the file.
  func contains(_ text: StaticString) throws(Errno) -> Bool {
    var buffer: [UInt8] = []
    while true {
      let part = try readSome()
      if part.isEmpty { return false }
      // The end of one part may be the beginning of the text.
      buffer = Array(buffer.suffix(text.utf8CodeUnitCount - 1)) + part
      if buffer[...].contains(text) { return true }
    }
  }
}

extension Root {
  /// Reads a file of /proc, whose size is not known in advance.
  fileprivate func readUnsized(_ path: Path) throws(Errno) -> [UInt8] {
    let file = try open(path)
    defer { file.close() }
    var contents: [UInt8] = []
    while contents.count < 16 << 20 {
      let part = try file.readSome()
      if part.isEmpty { return contents }
      contents += part
    }
    throw .argumentListTooLong
  }
}
