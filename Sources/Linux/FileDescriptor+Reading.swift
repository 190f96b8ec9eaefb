import CLinux
import Text

/// Makes a system call's error a reason not to have read.
private func reading<Value>(_ call: () throws(Errno) -> Value) throws(ReadError) -> Value {
  do throws(Errno) { return try call() } catch { throw .system(error) }
}

extension FileDescriptor {
  /// Opens the file at `path`, relative to this directory, to read it.
  ///
  /// What it is, is asked before: to open a FIFO releases whoever waits to write into it, to open a device may do
  /// anything. It may be another file a moment later, so it is asked of the open file again.
  /// - Returns: nil for what is neither a regular file nor a directory: that is not opened.
  public func openToRead(_ path: Path, _ options: OpenOptions = []) throws(Errno) -> FileDescriptor? {
    let metadata = try status(of: path, flags: options.contains(.noFollow) ? AT_SYMLINK_NOFOLLOW : 0)
    return metadata.kind == .other ? nil : try open(path, options.union(.nonBlocking))
  }

  /// The same of a regular file.
  public func openFile(_ path: Path, _ options: OpenOptions = []) throws(ReadError) -> FileDescriptor {
    let file = try reading { () throws(Errno) in try openToRead(path, options) }
    guard let file else { throw .notRegular }
    return file
  }

  /// The whole of a regular file that was just opened.
  ///
  /// The kind is asked of the open file, never of a name: a name may mean something else a
  /// moment later.
  /// - Parameters:
  ///   - known: what the open file is, where that has been asked already.
  ///   - limit: the largest size that is read, in bytes.
  ///   - other: what the file may well hold; where it does, this is returned. That saves memory: to get a page of it from
  ///     the kernel takes longer than to fill it.
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
    // Room for one byte more than the file held a moment ago shows whether it has grown since.
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

  /// Reads until `count` more bytes are there, the file ends, or it stops at the size `expecting`
  /// that it was said to have: asking a regular file once more would only say that it has ended.
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
  ///   - size: what it was said to have, in bytes.
  ///   - take: is given an appender of the next piece, which appends up to so many bytes to an array and says whether
  ///     the file ends with them. Returns whether it wants another.
  /// - Returns: whether the file was read as far as it was wanted, and has no more than `size` bytes.
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

  /// The bytes at the end of a file of `size` bytes, at most `count`. The corresponding C function is `pread`.
  public func ending(of size: Int, count: Int) throws(Errno) -> [UInt8] {
    var failure: Errno?
    let start = max(size - count, 0)
    let ending = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      do throws(Errno) {
        filled = try retrying { pread(rawValue, buffer.baseAddress, size - start, off_t(start)) }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return ending
  }

  /// Whether this file, opened just now, and another hold the same `size` bytes and no more.
  @inline(never)
  public func hasContents(of other: FileDescriptor, size: Int) throws(Errno) -> Bool {
    try other.rewind()
    var (one, two): ([UInt8], [UInt8]) = ([], [])
    var left = size
    while true {
      one.removeAll(keepingCapacity: true)
      two.removeAll(keepingCapacity: true)
      try append(to: &one, upTo: Self.pieceSize, expecting: left)
      try other.append(to: &two, upTo: Self.pieceSize, expecting: left)
      if !one[...].isEqual(to: two[...]) { return false }
      left -= one.count
      if one.count < Self.pieceSize || left < 0 { return left == 0 }
    }
  }

  private static let pieceSize = 8192 - 48

  /// Whether the file's first bytes, as many as `other` has, are those of `other`.
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
