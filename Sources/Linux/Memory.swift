import CLinux
import Text

// Memory for a process that lives for milliseconds. A freed block stays with the process, for the next request of the
// same size. musl returns small blocks to the kernel as soon as no neighbor is in use, and requests the same pages
// again a moment later: that took a tenth of a start.
//
// A header of 16 bytes, the alignment of blocks, precedes each block and contains its size, a power of two. A block
// larger than `largest` gets its own mapping, which is unmapped when it is freed.

private let headerSize = 16
private let largest = 1 << 16
private let mappingSize = 1 << 18

/// For each power of two the first freed block; it contains the address of the next one.
nonisolated(unsafe) private var givenBack: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
/// The unused part of the last mapping.
nonisolated(unsafe) private var unused = UnsafeMutableRawBufferPointer(start: nil, count: 0)

#if FAULTS
  /// In the tests' build: how many allocations still succeed, and whether only the next one fails or all from then on.
  /// With nil all succeed.
  nonisolated(unsafe) public var allocationsBeforeRefusal: (count: Int, isOnce: Bool)?

  private func isRefused() -> Bool {
    guard let limit = allocationsBeforeRefusal else { return false }
    if limit.count > 0 {
      allocationsBeforeRefusal = (limit.count - 1, limit.isOnce)
      return false
    }
    if limit.isOnce { allocationsBeforeRefusal = nil }
    return true
  }
#else
  @inline(__always) private func isRefused() -> Bool { false }
#endif

/// The shipped program's `malloc`. The program has no threads.
/// - Returns: `count` uninitialized bytes; nil if there is no memory.
@c(psm_entry_malloc)
@inline(never)
func allocate(_ count: Int) -> UnsafeMutableRawPointer? { block(of: count) }

/// Inlined in both allocation functions: that saves 9,000 instructions of a start and costs 350 bytes.
@inline(__always)
private func block(of count: Int) -> UnsafeMutableRawPointer? {
  if count < 0 || count > Int.max - 4096 || isRefused() { return nil }
  if count > largest - headerSize {
    guard let start = map(count + headerSize) else { return nil }
    start.storeBytes(of: count + headerSize, as: Int.self)
    return start + headerSize
  }
  // At least 32: a freed block contains a pointer.
  let power = Int.bitWidth - (max(count, 1) + headerSize - 1).leadingZeroBitCount
  if let givenBack, let block = givenBack[power] {
    givenBack[power] = block.load(as: UnsafeMutableRawPointer?.self)
    return block
  }
  let size = 1 << power
  if unused.count < size {
    guard let start = map(mappingSize) else { return nil }
    unused = UnsafeMutableRawBufferPointer(start: start, count: mappingSize)
    if givenBack == nil {
      givenBack = start.bindMemory(to: UnsafeMutableRawPointer?.self, capacity: Int.bitWidth)
      unused = UnsafeMutableRawBufferPointer(rebasing: unused[(Int.bitWidth * 8)...])
    }
  }
  guard let start = unused.baseAddress else { return nil }
  unused = UnsafeMutableRawBufferPointer(rebasing: unused[size...])
  start.storeBytes(of: size, as: Int.self)
  return start + headerSize
}

/// The shipped program's `free`.
@c(psm_entry_free)
@inline(never)
func giveBack(_ block: UnsafeMutableRawPointer?) {
  guard let block else { return }
  let size = (block - headerSize).load(as: Int.self)
  if size > largest {
    munmap(block - headerSize, size)
  } else if let givenBack {
    block.storeBytes(of: givenBack[size.trailingZeroBitCount], as: UnsafeMutableRawPointer?.self)
    givenBack[size.trailingZeroBitCount] = block
  }
}

/// The shipped program's `posix_memalign`, which Swift uses to allocate.
/// - Parameter alignment: at most 16, the alignment of all blocks.
/// - Returns: 0, or ENOMEM.
@c(psm_entry_posix_memalign)
func allocate(
  _ result: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ alignment: Int, _ count: Int
) -> Int32 {
  guard alignment <= headerSize, let block = block(of: count) else { return ENOMEM }
  result.pointee = block
  return 0
}

/// The shipped program's `calloc`, which the C library's resolver uses.
@c(psm_entry_calloc)
func allocateZeros(_ number: Int, _ count: Int) -> UnsafeMutableRawPointer? {
  let (size, isTooMuch) = number.multipliedReportingOverflow(by: count)
  guard !isTooMuch, let block = allocate(size) else { return nil }
  block.initializeMemory(as: UInt8.self, repeating: 0, count: size)
  return block
}

/// - Returns: whole pages of zeros; nil if there is no memory.
private func map(_ size: Int) -> UnsafeMutableRawPointer? {
  let start = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
  return start == clinux_map_failed() ? nil : start
}
