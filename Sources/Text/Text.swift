/// Text for display, built from parts: UTF-8 without anything that could forge a line.
///
/// It is written like a String literal with interpolations. String itself is inlined at each use, which made up half of
/// the binary, and its other features are not needed here.
public struct Text: ExpressibleByStringInterpolation, CustomStringConvertible, Equatable, Sendable {
  public private(set) var utf8: [UInt8]

  @inline(__always)
  public init(stringLiteral literal: StaticString) {
    self.init(UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
  }

  @inline(never)
  private init(_ literal: UnsafeBufferPointer<UInt8>) { utf8 = Array(literal) }

  public init(stringInterpolation parts: StringInterpolation) { utf8 = parts.utf8 }

  /// - Parameter utf8: valid UTF-8 without anything that ``escaped(_:)`` would escape.
  public init(utf8: [UInt8]) { self.utf8 = utf8 }

  public var isEmpty: Bool { utf8.isEmpty }

  /// For debuggers and tests: the shipped program contains no String.
  public var description: String { String(decoding: utf8, as: UTF8.self) }

  @inline(never)
  public static func + (one: Text, other: Text) -> Text { Text(utf8: one.utf8 + other.utf8) }

  public static func += (one: inout Text, other: Text) { one.utf8 += other.utf8 }

  /// The first `count` bytes of ASCII text.
  @inline(never)
  public func prefix(_ count: Int) -> Text { Text(utf8: Array(utf8.prefix(count))) }

  /// The text, cut to `limit` bytes: unchanged if it fits, otherwise ending with a complete character and a mark.
  @inline(never)
  public func cut(to limit: Int, mark: Text = "…") -> Text {
    if utf8.count <= limit { return self }
    var end = max(0, limit - mark.utf8.count)
    while end > 0 && utf8[end] & 0xC0 == 0x80 { end -= 1 }
    return Text(utf8: utf8.prefix(end) + mark.utf8)
  }

  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var utf8: [UInt8] = []

    /// Reserves what is usually enough, because growing means copying. Computing it from the arguments would cost code at
    /// each use.
    @inline(never)
    public init(literalCapacity: Int, interpolationCount: Int) { utf8.reserveCapacity(160) }

    /// The compiler passes an empty literal before, between and after interpolations, too; those become no code. With
    /// ``Text/init(stringLiteral:)``, this saves 6,900 bytes.
    @inline(__always)
    public mutating func appendLiteral(_ literal: StaticString) {
      if literal.utf8CodeUnitCount == 0 { return }
      append(UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    @inline(never)
    private mutating func append(_ literal: UnsafeBufferPointer<UInt8>) { utf8.append(contentsOf: literal) }

    /// Most texts are made for this purpose: it releases them, and not each use, which saves 2,700 bytes.
    @inline(never)
    public mutating func appendInterpolation(_ text: consuming Text) { utf8.append(contentsOf: text.utf8) }

    @inline(never)
    @_disfavoredOverload
    public mutating func appendInterpolation(_ literal: StaticString) { appendLiteral(literal) }

    @inline(never)
    public mutating func appendInterpolation(_ number: Int64) { utf8.append(contentsOf: decimal(number)) }

    public mutating func appendInterpolation(_ number: Int) { appendInterpolation(Int64(number)) }
    public mutating func appendInterpolation(_ number: Int32) { appendInterpolation(Int64(number)) }
    public mutating func appendInterpolation(_ number: UInt32) { appendInterpolation(Int64(number)) }
    public mutating func appendInterpolation(_ number: UInt16) { appendInterpolation(Int64(number)) }
  }
}

extension [Text] {
  /// The parts as one text, separated by `separator`.
  @inline(never)
  public func joined(by separator: StaticString) -> Text {
    var joined: Text = ""
    for (index, text) in enumerated() { joined += index == 0 ? text : "\(separator)\(text)" }
    return joined
  }
}
