import Text

/// Replacing a file so that whoever reads it finds the old one or the new one, and nothing else:
/// written beside it, synchronized, read back and checked, then renamed.
public struct Replacement {
  public enum Failure: Error, Equatable, Sendable {
    /// A step that the system refused.
    case system(Step, Errno)
    /// What was read back is not what was written, or the check refused it.
    case notWhole
    /// Somebody else replaced the file meanwhile.
    case overtaken
  }

  public enum Step: Sendable { case create, owner, mode, write, readBack, rename }

  /// What the new file gets: mode and owner, set before any data is in it.
  public let mode: UInt32
  public let owner: (user: UInt32, group: UInt32)?
  /// What stood there when the contents were made; nil where there was nothing. Where the name
  /// has become another file's since, nothing is replaced.
  public let expected: Metadata?

  public init(mode: UInt32, owner: (user: UInt32, group: UInt32)?, expected: Metadata?) {
    self.mode = mode
    self.owner = owner
    self.expected = expected
  }

  /// The temporary file's names start like this, then comes the name it is to have.
  public static let temporaryPrefix: StaticString = ".psm-entry-new."

  /// Puts `contents` under `name`.
  /// - Parameters:
  ///   - isDurable: whether the file and its name are to be on disk before this returns.
  ///   - check: whether bytes read back from disk may take the name.
  public func replace(
    _ name: Path, in directory: Directory, with contents: [UInt8], isDurable: Bool = true,
    check: ([UInt8]) -> Bool
  ) throws(Failure) {
    let temporary = Self.temporaryName(for: name)
    let file = try step(.create) { () throws(Errno) in
      try directory.descriptor.open(temporary, [.readWrite, .createNew, .noFollow], mode: 0o600)
    }
    defer { file.close() }
    do throws(Failure) {
      try fill(file, with: contents, isDurable: isDurable, check: check)
      if directory.metadata(of: name)?.identity != expected?.identity { throw .overtaken }
      try step(.rename) { () throws(Errno) in try directory.rename(temporary, to: name) }
    } catch {
      try? directory.remove(temporary)
      throw error
    }
    // Some file systems refuse this for a directory; the rename is done all the same.
    if isDurable { try? directory.descriptor.synchronize() }
  }

  private func fill(
    _ file: FileDescriptor, with contents: [UInt8], isDurable: Bool, check: ([UInt8]) -> Bool
  ) throws(Failure) {
    if let owner {
      let created = try step(.create) { () throws(Errno) in try file.metadata() }
      if created.user != owner.user || created.group != owner.group {
        try step(.owner) { () throws(Errno) in
          try file.setOwner(user: owner.user, group: owner.group)
        }
      }
    }
    // After the owner: a change of owner takes the set-user-ID bit away.
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

  /// Removes what starts that were killed have left here. Only whoever holds the directory's lock
  /// knows that nobody is still writing them.
  public static func removeLeftovers(of name: Path, in directory: Directory, among names: [Path]) {
    for leftover in names where isTemporary(leftover, for: name) { try? directory.remove(leftover) }
  }

  /// Whether `candidate` is a temporary file that was to become `name`.
  public static func isTemporary(_ candidate: Path, for name: Path) -> Bool {
    candidate.bytes.begins(with: temporaryStem(name)[...])
  }

  /// A name that no other start uses: two may write at once where a directory could not be locked.
  public static func temporaryName(for name: Path) -> Path {
    let unique = Int64(ProcessID.current.rawValue) << 32 ^ Clock.monotonic
    return Path(temporaryStem(name) + decimal(unique))
  }

  /// What the names of all temporary files that are to become `name` start with.
  private static func temporaryStem(_ name: Path) -> [UInt8] {
    temporaryPrefix.bytes + name.bytes + [UInt8(ascii: ".")]
  }
}

private func step<Value>(
  _ step: Replacement.Step, _ call: () throws(Errno) -> Value
) throws(Replacement.Failure) -> Value {
  do throws(Errno) { return try call() } catch { throw .system(step, error) }
}
