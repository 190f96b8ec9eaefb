import Text

/// A bundle without faults whose blocks may be repeated in another bundle: images contain several versions of Mozilla's
/// bundle, and most of their blocks are identical. Comparing a block takes a tenth of the time of decoding it.
public final class KnownBundle {
  /// A block with its marks.
  public struct Block {
    /// Eight of its characters, which differ between most blocks.
    let key: UInt64
    /// Its first byte in the text, and its number of bytes.
    let start: Int
    let count: Int
  }

  private let blocks: [Block]
  private let read: (_ start: Int, _ count: Int) -> [UInt8]
  /// The number of the block after the last one found: both bundles usually have the same order.
  private var next = 0
  private var window: [UInt8] = []
  private var windowStart = 0

  /// More blocks than Mozilla's bundle has. A block that is not found among them is decoded, so the time stays linear.
  private static let turnLimit = 256

  /// - Parameters:
  ///   - blocks: ``BundleWalk/blocks`` after the bundle was read.
  ///   - read: returns up to `count` bytes of the bundle's text from `start` on.
  public init(_ blocks: [Block], read: @escaping (_ start: Int, _ count: Int) -> [UInt8]) {
    self.blocks = blocks
    self.read = read
  }

  /// The number of bytes of the block that begins at `position` of another text; nil if it is not one of these.
  func count(ofBlockAt position: Int, of text: [UInt8], key: UInt64) -> Int? {
    for turn in 0..<min(blocks.count, Self.turnLimit) {
      let number = next + turn < blocks.count ? next + turn : next + turn - blocks.count
      let block = blocks[number]
      if block.key != key { continue }
      if block.start < windowStart || block.start + block.count > windowStart + window.count {
        windowStart = block.start
        window = read(block.start, max(BundleWalk.windowSize, block.count))
      }
      let place = block.start - windowStart
      guard window.count - place >= block.count,
        text[position...].begins(with: window[place..<(place + block.count)])
      else { return nil }
      next = number + 1
      return block.count
    }
    return nil
  }
}
