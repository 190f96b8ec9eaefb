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
  public func readAll(_ known: Metadata? = nil, limit: Int) throws(ReadError) -> (
    contents: [UInt8], metadata: Metadata
  ) {
    var scratch: [UInt8] = []
    return try readAll(known, limit: limit, like: [], reusing: &scratch)
  }

  /// The same, with what saves memory: to get a page of it from the kernel takes longer than to fill it.
  /// - Parameters:
  ///   - other: what the file may well hold; where it does, this is returned.
  ///   - scratch: a text that nobody needs any more: its memory is used, and it is empty afterwards.
  @inline(never)
  public func readAll(
    _ known: Metadata? = nil, limit: Int, like other: [UInt8], reusing scratch: inout [UInt8]
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
    swap(&contents, &scratch)
    contents.removeAll(keepingCapacity: true)
    // A bundle's memory is to serve for the next, which may be larger; what is not touched costs nothing.
    if metadata.size > 65536 { contents.reserveCapacity((metadata.size | 0x3FFFF) + 1) }
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
  private func append(to bytes: inout [UInt8], upTo count: Int, expecting size: Int) throws(Errno) {
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
