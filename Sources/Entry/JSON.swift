import Text

/// Writes JSON text.
///
/// - Source: RFC 8259. All text is UTF-8; only what §7 requires is escaped, and DEL.
struct JSON {
  private(set) var bytes: [UInt8] = []
  private var needsComma = false

  @inline(never)
  mutating func object(_ body: (inout JSON) -> Void) { enclose("{", "}", body) }
  @inline(never)
  mutating func array(_ body: (inout JSON) -> Void) { enclose("[", "]", body) }

  @inline(never)
  mutating func string(_ text: Text) {
    separate()
    quote(text)
  }

  @inline(never)
  mutating func bool(_ value: Bool) {
    separate()
    append(value ? "true" : "false")
  }

  /// The name of a member, followed by its value.
  @inline(never)
  mutating func name(_ text: Text) {
    separate()
    quote(text)
    append(":")
    needsComma = false
  }

  @inline(never)
  mutating func member(_ name: Text, _ value: Text) {
    self.name(name)
    string(value)
  }

  @inline(never)
  mutating func member(_ name: Text, _ value: Bool) {
    self.name(name)
    bool(value)
  }

  @inline(never)
  mutating func member(_ name: Text, _ value: Int) {
    self.name(name)
    separate()
    bytes += decimal(Int64(value))
  }

  /// A member whose value is a list of strings.
  @inline(never)
  mutating func member(_ name: Text, _ values: [Text]) {
    self.name(name)
    array { array in for value in values { array.string(value) } }
  }

  @inline(never)
  private mutating func enclose(_ open: StaticString, _ close: StaticString, _ body: (inout JSON) -> Void) {
    separate()
    append(open)
    needsComma = false
    body(&self)
    append(close)
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { append(",") }
    needsComma = true
  }

  @inline(never)
  private mutating func quote(_ text: Text) {
    append("\"")
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""): append("\\\"")
      case UInt8(ascii: "\\"): append("\\\\")
      case 0..<0x20, 0x7F:
        append("\\u00")
        bytes.append(hexDigit(byte >> 4))
        bytes.append(hexDigit(byte & 15))
      default: bytes.append(byte)
      }
    }
    append("\"")
  }

  @inline(never)
  private mutating func append(_ text: StaticString) { text.withUTF8Buffer { bytes.append(contentsOf: $0) } }
}
