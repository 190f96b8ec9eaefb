import CLinux
import Text

/// A TCP connection, made and used within a time limit for each step.
public struct Connection: Sendable {
  public enum Failure: Error, Equatable, Sendable {
    /// The resolver's error, for example EAI_NONAME.
    case notResolved
    case system(Errno)
    case late
    case closed
  }

  public let descriptor: FileDescriptor
  /// Nanoseconds spent on resolving the name.
  public let resolving: Int64
  /// Nanoseconds spent on connecting.
  public let connecting: Int64

  /// The time limit for each step in seconds.
  public static let stepLimit: Int64 = 10

  /// Connects to the first address of `host` that answers. The corresponding C functions are
  /// `getaddrinfo` and `connect`.
  public init(to host: [UInt8], port: UInt16) throws(Failure) {
    var hints = addrinfo()
    // Not an enumeration in every libc.
    hints.ai_socktype = 1
    var list: UnsafeMutablePointer<addrinfo>?
    let start = Clock.monotonic
    let status = getaddrinfo(
      Path(host).terminated, Path(decimal(Int64(port))).terminated, &hints, &list)
    guard status == 0 else { throw .notResolved }
    defer { freeaddrinfo(list) }
    let resolved = Clock.monotonic
    resolving = resolved &- start
    var failure = Failure.notResolved
    var address = list
    while let current = address?.pointee {
      do throws(Failure) {
        descriptor = try Self.connect(to: current)
        connecting = Clock.monotonic &- resolved
        return
      } catch {
        failure = error
      }
      address = current.ai_next
    }
    throw failure
  }

  /// The addresses of `host` in the resolver's order, four or sixteen bytes each; empty if there are none. The
  /// corresponding C function is `getaddrinfo`.
  /// - Parameter isLiteral: whether to accept only a written address, without asking a name server.
  public static func addresses(of host: [UInt8], isLiteral: Bool = false) -> [[UInt8]] {
    var hints = addrinfo()
    hints.ai_socktype = 1
    if isLiteral { hints.ai_flags = AI_NUMERICHOST }
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(Path(host).terminated, nil, &hints, &list) == 0 else { return [] }
    defer { freeaddrinfo(list) }
    var addresses: [[UInt8]] = []
    var next = list
    while let current = next?.pointee {
      // The offset of the address in sockaddr_in and in sockaddr_in6.
      let isIPv4 = current.ai_family == AF_INET
      let (start, count) = isIPv4 ? (4, 4) : (8, 16)
      if let address = current.ai_addr, Int(current.ai_addrlen) >= start + count {
        addresses.append([UInt8](UnsafeRawBufferPointer(start: address, count: start + count)[start...]))
      }
      next = current.ai_next
    }
    return addresses
  }

  public func close() { descriptor.close() }

  private static func connect(to address: addrinfo) throws(Failure) -> FileDescriptor {
    let opened: Int
    do throws(Errno) {
      opened = try retrying { Int(socket(address.ai_family, clinux_stream_socket, 0)) }
    } catch {
      throw .system(error)
    }
    let descriptor = FileDescriptor(rawValue: Int32(truncatingIfNeeded: opened))
    do throws(Failure) {
      if clinux_connect(descriptor.rawValue, address.ai_addr, address.ai_addrlen) != 0 {
        if Errno.current.rawValue != EINPROGRESS { throw .system(.current) }
        if !waitToWrite(descriptor, until: Deadline(secondsFromNow: stepLimit)) { throw .late }
        var outcome: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor.rawValue, SOL_SOCKET, SO_ERROR, &outcome, &size)
        if outcome != 0 { throw .system(Errno(rawValue: outcome)) }
      }
      return descriptor
    } catch {
      descriptor.close()
      throw error
    }
  }

  /// Sends all of `bytes`.
  public func send(_ bytes: [UInt8]) throws(Failure) {
    // A request has a few hundred bytes and fits the socket's buffer.
    do throws(Errno) { try descriptor.write(bytes) } catch { throw .system(error) }
  }

  /// Reads until `isComplete` returns true or the peer closes the connection.
  /// - Throws: ``Failure/late`` if nothing at all was received in time.
  @inline(never)
  public func receive(limit: Int, until isComplete: ([UInt8]) -> Bool) throws(Failure) -> [UInt8] {
    let deadline = Deadline(secondsFromNow: Self.stepLimit)
    var received: [UInt8] = []
    while !isComplete(received) && received.count < limit {
      if waitToRead([descriptor], until: deadline) == 0 {
        if received.isEmpty { throw .late }
        return received
      }
      do throws(Errno) {
        let part = try descriptor.readSome()
        if part.isEmpty { return received }
        received += part
      } catch {
        if error != .wouldBlock { throw .system(error) }
      }
    }
    return received
  }
}
