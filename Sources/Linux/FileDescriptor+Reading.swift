import CLinux
import Text

/// Turns the error of a system call into a reason for not reading.
private func reading<Value>(_ call: () throws(Errno) -> Value) throws(ReadError) -> Value {
  do throws(Errno) { return try call() } catch { throw .system(error) }
}

extension FileDescriptor {
  /// Opens the file at `path`, relative to this directory, for reading.
  ///
  /// Its type is checked first: opening a FIFO unblocks a process that waits to write to it, and opening a device may
  /// do anything. The path may refer to another file a moment later, so the open file is checked again.
  /// - Returns: nil if it is neither a regular file nor a directory: it is not opened then.
  @inline(never)
  public func openToRead(_ path: Path, _ options: OpenOptions = []) throws(Errno) -> FileDescriptor? {
    let metadata = try status(of: path, flags: options.contains(.noFollow) ? AT_SYMLINK_NOFOLLOW : 0)
    return metadata.kind == .other ? nil : try open(path, options.union(.nonBlocking))
  }

  /// The same for a regular file.
  public func openFile(_ path: Path, _ options: OpenOptions = []) throws(ReadError) -> FileDescriptor {
    let file = try reading { () throws(Errno) in try openToRead(path, options) }
    guard let file else { throw .notRegular }
    return file
  }

  /// Reads the whole of a newly opened regular file.
  ///
  /// The type is that of the open file, never that of a name, which may refer to another file a moment later.
  /// - Parameters:
  ///   - known: the metadata of the open file, if it is already known.
  ///   - limit: the largest size that is read, in bytes.
  ///   - other: contents that the file probably has; if it does, this array is returned. That saves memory, and
  ///     fetching a page from the kernel takes longer than filling it.
  @inline(never)
  public func readAll(
    _ known: Metadata? = nil, limit: Int, like other: [UInt8] = []
  ) throws(ReadError) -> (contents: [UInt8], metadata: Metadata) {
    let metadata = try reading { () throws(Errno) in
      if let known { return known }
      return try self.metadata()
    }
    if metadata.kind != .regular { throw .notRegular }
    if metadata.size > limit { throw .tooLarge }
    if metadata.size == other.count && !other.isEmpty {
      if try reading({ () throws(Errno) in try contains(other) }) { return (other, metadata) }
      try reading { () throws(Errno) in try rewind() }
    }
    // Room for one more byte than the file had a moment ago shows whether it has grown since.
    var contents: [UInt8] = []
    try reading { () throws(Errno) in
      try append(to: &contents, upTo: metadata.size + 1, expecting: metadata.size)
    }
    if contents.count > metadata.size {
      while true {
        let before = contents.count
        try reading { () throws(Errno) in try append(to: &contents, upTo: 65536, expecting: 65536) }
        if contents.count > limit { throw .tooLarge }
        if contents.count == before { break }
      }
    }
    return (contents, metadata)
  }

  /// Reads until there are `count` more bytes, the file ends, or the size `expecting` is reached: another read of a
  /// regular file would only report its end.
  public func append(to bytes: inout [UInt8], upTo count: Int, expecting size: Int) throws(Errno) {
    var failure: Errno?
    bytes.append(addingCapacity: count) { span in
      span.withUnsafeMutableBufferPointer { buffer, filled in
        do throws(Errno) {
          while filled < count {
            let rest = UnsafeMutableRawBufferPointer(
              rebasing: UnsafeMutableRawBufferPointer(buffer)[filled..<count])
            let part = try readOnce(into: rest)
            filled += part
            if part == 0 || filled == size { break }
          }
        } catch {
          failure = error
        }
      }
    }
    if let failure { throw failure }
  }

  /// Reads the file in pieces.
  /// - Parameters:
  ///   - size: the expected size in bytes.
  ///   - take: receives a function that appends up to the given number of bytes to an array and returns whether the
  ///     file ends with them. `take` returns whether it wants another piece.
  /// - Returns: whether the file was read as far as wanted and has at most `size` bytes.
  public func readPieces(
    _ size: Int, take: (_ append: (inout [UInt8], Int) -> Bool) -> Bool
  ) -> Bool {
    var left = size
    var isWanted = true
    while isWanted && left >= 0 {
      isWanted = take { bytes, count in
        let before = bytes.count
        do throws(Errno) { try append(to: &bytes, upTo: count, expecting: left) } catch {
          left = -1
          return true
        }
        left -= bytes.count - before
        return bytes.count - before < count
      }
    }
    return left >= 0
  }

  /// The bytes at the end of a file of `size` bytes, at most `count`.
  public func ending(of size: Int, count: Int) throws(Errno) -> [UInt8] {
    try bytes(at: max(size - count, 0), count: min(count, size))
  }

  /// The bytes from `start` on, at most `count`. The corresponding C function is `pread`.
  public func bytes(at start: Int, count: Int) throws(Errno) -> [UInt8] {
    var bytes: [UInt8] = []
    try append(to: &bytes, at: start, count: count)
    return bytes
  }

  /// Whether this newly opened file and another have the same `size` bytes and no more.
  @inline(never)
  public func hasContents(of other: FileDescriptor, size: Int) throws(Errno) -> Bool {
    var (one, two): ([UInt8], [UInt8]) = ([], [])
    var left = size
    while true {
      one.removeAll(keepingCapacity: true)
      two.removeAll(keepingCapacity: true)
      try append(to: &one, upTo: Self.pieceSize, expecting: left)
      try other.append(to: &two, at: size - left, count: Self.pieceSize)
      if !one[...].isEqual(to: two[...]) { return false }
      left -= one.count
      if one.count < Self.pieceSize || left < 0 { return left == 0 }
    }
  }

  /// Appends the bytes from `start` on, at most `count`. The corresponding C function is `pread`.
  private func append(to bytes: inout [UInt8], at start: Int, count: Int) throws(Errno) {
    var failure: Errno?
    bytes.append(addingCapacity: count) { span in
      span.withUnsafeMutableBufferPointer { buffer, filled in
        do throws(Errno) {
          filled = try retrying { pread(rawValue, buffer.baseAddress, count, off_t(start)) }
        } catch {
          failure = error
        }
      }
    }
    if let failure { throw failure }
  }

  private static let pieceSize = 32768 - 48

  /// Whether the file begins with the bytes of `other`.
  private func contains(_ other: [UInt8]) throws(Errno) -> Bool {
    var buffer = InlineArray<16384, UInt8>(repeating: 0)
    var position = 0
    while position < other.count {
      let wanted = min(other.count - position, buffer.count)
      let count = try retrying {
        var span = buffer.mutableSpan
        return span.withUnsafeMutableBytes { CLinux.read(rawValue, $0.baseAddress, wanted) }
      }
      let isSame = other.span.extracting(position...).begins(with: buffer.span.extracting(..<count))
      if count == 0 || !isSame { return false }
      position += count
    }
    return true
  }
}
