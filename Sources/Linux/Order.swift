/// The numbers below `count`, sorted; those that are equal stay in their order.
///
/// Numbers that stand for elements are sorted instead of the elements, so that the binary holds
/// one sort and not one for each type.
/// - Parameter precedes: whether the element of the one number comes before that of the other.
@inline(never)
public func sortedNumbers(below count: Int, by precedes: (Int, Int) -> Bool) -> [Int] {
  var numbers = Array(0..<count)
  numbers.sort { precedes($0, $1) }
  return numbers
}

/// Where an element stands in a sorted list, found by halving.
/// - Parameters:
///   - count: the list's length.
///   - precedes: whether the element of that number comes before the one looked for.
/// - Returns: the first number whose element does not; `count` if there is none.
@inline(never)
public func firstNumber(below count: Int, notPreceding precedes: (Int) -> Bool) -> Int {
  var (low, high) = (0, count)
  while low < high {
    let middle = low + (high - low) / 2
    if precedes(middle) { low = middle + 1 } else { high = middle }
  }
  return low
}

/// Whether the bytes of the one come before those of the other.
@inline(never)
public func precedes(_ one: ArraySlice<UInt8>, _ other: ArraySlice<UInt8>) -> Bool {
  one.withUnsafeBufferPointer { one in
    other.withUnsafeBufferPointer { other in
      for index in 0..<min(one.count, other.count) where one[index] != other[index] {
        return one[index] < other[index]
      }
      return one.count < other.count
    }
  }
}
