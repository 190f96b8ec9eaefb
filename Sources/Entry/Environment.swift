import Text

/// The environment as passed by the kernel: entries of bytes, in order, including duplicates.
struct Environment {
  var entries: [[UInt8]]

  /// The value of the first entry with that name, which is the one that `getenv` returns.
  @inline(never)
  func value(of name: [UInt8]) -> [UInt8]? {
    guard let entry = entries.first(where: { isEntry($0, named: name) }) else { return nil }
    return Array(entry[(name.count + 1)...])
  }

  @inline(never)
  func value(of name: StaticString) -> [UInt8]? {
    value(of: name.bytes)
  }

  /// The values of many distinct names, nil if unset, found in one pass over the entries.
  func values(of names: [[UInt8]]) -> [(name: [UInt8], value: [UInt8]?)] {
    let order = SortedBytes(names)
    var values = [[UInt8]?](repeating: nil, count: names.count)
    for entry in entries {
      guard let name = name(ofEntry: entry), let number = order.number(of: name), values[number] == nil else {
        continue
      }
      values[number] = Array(entry[(name.count + 1)...])
    }
    return order.firsts.map { (names[$0], values[$0]) }
  }

  /// Replaces the values of variables that exist, in place and in one pass.
  mutating func replace(_ names: [[UInt8]], with value: [UInt8]) {
    if names.isEmpty { return }
    let order = SortedBytes(names)
    var areSet = [Bool](repeating: false, count: names.count)
    entries = entries.compactMap { entry in
      guard let name = name(ofEntry: entry), let number = order.number(of: name) else { return entry }
      if areSet[number] { return nil }
      areSet[number] = true
      return name + [UInt8(ascii: "=")] + value
    }
  }

  /// Sets a variable: in place if it exists, otherwise at the end.
  mutating func set(_ name: [UInt8], to value: [UInt8]) {
    let entry = name + [UInt8(ascii: "=")] + value
    guard let first = entries.firstIndex(where: { isEntry($0, named: name) }) else {
      entries.append(entry)
      return
    }
    entries[first] = entry
    entries = entries[...first] + entries[(first + 1)...].filter { !isEntry($0, named: name) }
  }

  @inline(never)
  private func isEntry(_ entry: [UInt8], named name: [UInt8]) -> Bool {
    entry.count > name.count && entry[name.count] == UInt8(ascii: "=") && entry[...].begins(with: name[...])
  }
}

/// The name of an entry: what precedes the first `=`; nil if there is none.
func name(ofEntry entry: [UInt8]) -> ArraySlice<UInt8>? {
  entry.firstIndex(of: UInt8(ascii: "=")).map { entry[..<$0] }
}
