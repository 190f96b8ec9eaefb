import Text

/// Replaces a file so that readers find either the old or the new contents: the new file is written beside it, synced,
/// read back and checked, and then renamed.
public struct Replacement {
  public enum Failure: Error, Equatable, Sendable {
    /// A step failed with a system error.
    case system(Step, Errno)
    /// The bytes that were read back differ from those written, or the check rejected them.
    case notWhole
    /// Another process replaced the file in the meantime.
    case overtaken
  }

  public enum Step: Sendable { case create, owner, mode, write, readBack, rename }

  /// The mode and owner of the new file, set before any data is written.
  public let mode: UInt32
  public let owner: (user: UInt32, group: UInt32)?
  /// The file at the time when the contents were made; nil if there was none. If the name refers to another file since
  /// then, nothing is replaced.
  public let expected: Metadata?

  @inline(never)
  public init(mode: UInt32, owner: (user: UInt32, group: UInt32)?, expected: Metadata?) {
    self.mode = mode
    self.owner = owner
    self.expected = expected
  }

  /// The prefix of all temporary names; the final name follows it.
  public static let temporaryPrefix: StaticString = ".psm-entry-new."

  /// Writes `contents` to `name`.
  /// - Parameters:
  ///   - isDurable: whether the file and its name must be on disk before this returns.
  ///   - check: whether the bytes read back are acceptable.
  public func replace(
    _ name: Path, in directory: Directory, with contents: [UInt8], isDurable: Bool = true,
    check: ([UInt8]) -> Bool
  ) throws(Failure) {
    let temporary = Self.temporaryName(for: name)
    let file = try step(.create) { () throws(Errno) in
      try directory.descriptor.open(temporary, [.readWrite, .createNew, .noFollow], mode: 0o600)
    }
    do throws(Failure) {
      try fill(file, with: contents, isDurable: isDurable, check: check)
      if directory.metadata(of: name)?.identity != expected?.identity { throw .overtaken }
      try step(.rename) { () throws(Errno) in try directory.rename(temporary, to: name) }
    } catch {
      try? directory.remove(temporary)
      throw error
    }
    // Some file systems do not support this for a directory; the rename has succeeded all the same.
    if isDurable { try? directory.descriptor.synchronize() }
  }

  /// Fills and closes the file: a program that is open for writing when it gets its name cannot be run (`ETXTBSY`).
  private func fill(
    _ file: FileDescriptor, with contents: [UInt8], isDurable: Bool, check: ([UInt8]) -> Bool
  ) throws(Failure) {
    defer { file.close() }
    if let owner {
      let created = try step(.create) { () throws(Errno) in try file.metadata() }
      if created.user != owner.user || created.group != owner.group {
        try step(.owner) { () throws(Errno) in
          try file.setOwner(user: owner.user, group: owner.group)
        }
      }
    }
    // After the owner, because changing the owner clears the set-user-ID bit.
    try step(.mode) { () throws(Errno) in try file.setMode(mode) }
    try step(.write) { () throws(Errno) in try file.write(contents) }
    if isDurable { try step(.write) { () throws(Errno) in try file.synchronize() } }
    try step(.readBack) { () throws(Errno) in try file.rewind() }
    let written = try readBack(file, limit: contents.count)
    if !written[...].isEqual(to: contents[...]) || !check(written) { throw .notWhole }
  }

  private func readBack(_ file: FileDescriptor, limit: Int) throws(Failure) -> [UInt8] {
    do throws(ReadError) {
      return try file.readAll(limit: limit).contents
    } catch .system(let error) {
      throw .system(.readBack, error)
    } catch {
      throw .notWhole
    }
  }

  /// Removes temporary files of killed starts. The caller holds the directory's lock, so no other start is still
  /// writing them.
  public static func removeLeftovers(of name: Path, in directory: Directory, among names: [Path]) {
    for leftover in names where isTemporary(leftover, for: name) { try? directory.remove(leftover) }
  }

  /// Whether `candidate` is a temporary file for `name`.
  public static func isTemporary(_ candidate: Path, for name: Path) -> Bool {
    candidate.bytes.begins(with: temporaryStem(name)[...])
  }

  /// A name that no other start uses: two starts may write at once if a directory could not be locked.
  public static func temporaryName(for name: Path) -> Path {
    let unique = Int64(ProcessID.current.rawValue) << 32 ^ Clock.monotonic
    return Path(temporaryStem(name) + decimal(unique))
  }

  /// The common prefix of all temporary files for `name`.
  private static func temporaryStem(_ name: Path) -> [UInt8] {
    temporaryPrefix.bytes + name.bytes + [UInt8(ascii: ".")]
  }
}

private func step<Value>(
  _ step: Replacement.Step, _ call: () throws(Errno) -> Value
) throws(Replacement.Failure) -> Value {
  do throws(Errno) { return try call() } catch { throw .system(step, error) }
}
