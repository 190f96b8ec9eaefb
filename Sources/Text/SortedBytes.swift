/// Byte strings in byte order, to visit them or to search them.
///
/// There is one sort for one type of key, because the standard library's would be compiled again for each use. Its time
/// is O(n log n) for any input.
public struct SortedBytes: Sendable {
  private let keys: [[UInt8]]
  /// The indexes of the given keys in sorted order; equal keys keep their order.
  public let numbers: [Int]

  public init(_ keys: [[UInt8]]) {
    self.keys = keys
    var sorted: [Int] = []
    for number in keys.indices { sorted.append(number) }
    var merged = sorted
    // Runs of this length are sorted; adjacent runs are merged.
    var length = 1
    while length < keys.count {
      var start = 0
      while start < keys.count {
        let middle = min(start + length, keys.count)
        let end = min(middle + length, keys.count)
        var (left, right) = (start, middle)
        for place in start..<end {
          let takesRight =
            right < end && (left == middle || precedes(keys[sorted[right]][...], keys[sorted[left]][...]))
          merged[place] = sorted[takesRight ? right : left]
          if takesRight { right += 1 } else { left += 1 }
        }
        start = end
      }
      swap(&sorted, &merged)
      length *= 2
    }
    numbers = sorted
  }

  /// The index of the first key that equals `key`; nil if there is none.
  @inline(never)
  public func number(of key: ArraySlice<UInt8>) -> Int? {
    var (low, high) = (0, numbers.count)
    while low < high {
      let middle = low + (high - low) / 2
      if precedes(keys[numbers[middle]][...], key) { low = middle + 1 } else { high = middle }
    }
    return low < numbers.count && keys[numbers[low]][...].isEqual(to: key) ? numbers[low] : nil
  }

  @inline(never)
  public func number(of key: [UInt8]) -> Int? { number(of: key[...]) }

  @inline(never)
  public func contains(_ key: [UInt8]) -> Bool { number(of: key) != nil }

  /// The indexes of the keys that do not equal an earlier one, in the given order.
  public var firsts: [Int] {
    var areRepeated = [Bool](repeating: false, count: keys.count)
    for (one, next) in zip(numbers, numbers.dropFirst()) {
      areRepeated[next] = keys[one][...].isEqual(to: keys[next][...])
    }
    return keys.indices.filter { !areRepeated[$0] }
  }
}

/// Whether the bytes of one come before those of the other.
@inline(never)
private func precedes(_ one: ArraySlice<UInt8>, _ other: ArraySlice<UInt8>) -> Bool {
  one.withUnsafeBytes { one in
    other.withUnsafeBytes { other in
      let count = min(one.count, other.count)
      var position = 0
      while position < count && one[position] == other[position] { position &+= 1 }
      return position < count ? one[position] < other[position] : one.count < other.count
    }
  }
}
