import CLinux
import Text

// The memory of a process that lives for milliseconds. What is given back stays with the process, for the next
// who asks for as much. musl gives small pieces back to the kernel as soon as no neighbor is in use, and asks for
// the same pages again a moment later: that was a tenth of a start.
//
// Each block follows its size, which is a power of two, in 16 bytes, as blocks are aligned to 16. What is
// larger than `largest` is mapped for itself, and unmapped when it is given back.

private let headerSize = 16
private let largest = 1 << 16
private let mappingSize = 1 << 18

/// For each power of two the first block that was given back; it contains the position of the next.
nonisolated(unsafe) private var givenBack: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
/// The part of the last mapping that is not in use yet.
nonisolated(unsafe) private var unused = UnsafeMutableRawBufferPointer(start: nil, count: 0)

#if FAULTS
  /// In the tests' own build: how many allocations are still granted, and whether only the next one is refused or
  /// all from there on. Nil grants every one.
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

/// What the shipped program has for `malloc`. There are no threads in it.
/// - Returns: `count` bytes that may hold anything; nil where there is no memory.
@c(psm_entry_malloc)
@inline(never)
func allocate(_ count: Int) -> UnsafeMutableRawPointer? { block(of: count) }

/// Laid out in both of the functions that are called for memory: 9,000 instructions of a start, 350 bytes.
@inline(__always)
private func block(of count: Int) -> UnsafeMutableRawPointer? {
  if count < 0 || count > Int.max - 4096 || isRefused() { return nil }
  if count > largest - headerSize {
    guard let start = map(count + headerSize) else { return nil }
    start.storeBytes(of: count + headerSize, as: Int.self)
    return start + headerSize
  }
  // At least 32: a block that was given back holds a pointer.
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

/// What it has for `free`.
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

/// What it has for `posix_memalign`, by which Swift takes its memory.
/// - Parameter alignment: at most 16, which is what there is.
/// - Returns: 0, or ENOMEM.
@c(psm_entry_posix_memalign)
func allocate(
  _ result: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ alignment: Int, _ count: Int
) -> Int32 {
  guard alignment <= headerSize, let block = block(of: count) else { return ENOMEM }
  result.pointee = block
  return 0
}

/// What it has for `calloc`, by which the resolver of the C library takes its memory.
@c(psm_entry_calloc)
func allocateZeros(_ number: Int, _ count: Int) -> UnsafeMutableRawPointer? {
  let (size, isTooMuch) = number.multipliedReportingOverflow(by: count)
  guard !isTooMuch, let block = allocate(size) else { return nil }
  block.initializeMemory(as: UInt8.self, repeating: 0, count: size)
  return block
}

/// - Returns: whole pages of zeros; nil where there are none.
private func map(_ size: Int) -> UnsafeMutableRawPointer? {
  let start = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
  return start == clinux_map_failed() ? nil : start
}
