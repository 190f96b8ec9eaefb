/// Why a file was not read.
public enum ReadError: Error, Equatable, Sendable {
  case system(Errno)
  /// A folder, FIFO, device or socket.
  case notRegular
  /// Larger than the limit given.
  case tooLarge
}

/// Makes a system call's error a reason not to have read.
private func reading<Value>(_ call: () throws(Errno) -> Value) throws(ReadError) -> Value {
  do throws(Errno) { return try call() } catch { throw .system(error) }
}

extension FileDescriptor {
  /// The whole of a regular file that was just opened.
  ///
  /// The kind is asked of the open file, never of a name: a name may mean something else a
  /// moment later.
  /// - Parameters:
  ///   - known: what the open file is, where that has been asked already.
  ///   - limit: the largest size that is read, in bytes.
  @inline(never)
  public func readAll(_ known: Metadata? = nil, limit: Int) throws(ReadError) -> (
    contents: [UInt8], metadata: Metadata
  ) {
    let metadata = try reading { () throws(Errno) in
      if let known { return known }
      return try self.metadata()
    }
    if metadata.kind != .regular { throw .notRegular }
    if metadata.size > limit { throw .tooLarge }
    // Room for one byte more than the file held a moment ago shows whether it has grown since.
    var contents = try reading { () throws(Errno) in
      try readUpTo(metadata.size + 1, expecting: metadata.size)
    }
    if contents.count > metadata.size {
      while true {
        let part = try reading { () throws(Errno) in try readUpTo(65536, expecting: 65536) }
        contents.append(contentsOf: part)
        if contents.count > limit { throw .tooLarge }
        if part.isEmpty { break }
      }
    }
    return (contents, metadata)
  }

  /// Reads until `capacity` bytes are there, the file ends, or it stops at the size `expecting`
  /// that it was said to have: asking a regular file once more would only say that it has ended.
  private func readUpTo(_ capacity: Int, expecting size: Int) throws(Errno) -> [UInt8] {
    var failure: Errno?
    let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
      do throws(Errno) {
        while count < capacity {
          let rest = UnsafeMutableRawBufferPointer(
            rebasing: UnsafeMutableRawBufferPointer(buffer)[count..<capacity])
          let part = try readOnce(into: rest)
          count += part
          if part == 0 || count == size { break }
        }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }
}
