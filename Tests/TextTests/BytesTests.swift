import Testing
import Text

@Test(arguments: 0...70)
func theFirstOfTwoBytesIsFoundWhereverItStands(length: Int) {
  for start in 0...min(length, 20) {
    for place in start...length {
      var bytes = [UInt8](repeating: 1, count: length)
      // Matches before the range and after the first match are ignored.
      for index in 0..<start { bytes[index] = 2 }
      for index in place..<length { bytes[index] = index == place ? 3 : 2 }
      let found = [
        bytes.span.first(2, or: 3, in: start..<length), bytes.span.first(3, or: 2, in: start..<length),
      ]
      #expect(found == [place, place])
    }
  }
}

@Test(arguments: 0...70)
func aDifferenceIsSeenWhereverItStands(length: Int) {
  let one = (0..<length).map { UInt8($0) }
  let longer = one + [0]
  let (isStart, isLonger) = (longer.span.begins(with: one), one.span.begins(with: longer))
  #expect(isStart && !isLonger)
  for place in 0..<length {
    var other = one
    other[place] ^= 0x80
    let isSame = one.span.begins(with: other)
    #expect(!isSame)
  }
}
