import Linux
import TrustStores

/// A bundle that the settings name, or that a pattern of theirs matched.
struct BundlePath: Equatable {
  let path: Path
  /// Whether the settings name it as it is: then it must be there.
  let isPlain: Bool
}

/// The bundles that the settings mean, patterns resolved, in order.
/// - Parameter excess: is told of each pattern that matches more than ``entryLimit`` entries; none of them is used then.
func bundlePaths(_ patterns: [Path], in root: Root, excess: (Path) -> Void = { _ in }) -> [BundlePath] {
  patterns.flatMap { pattern -> [BundlePath] in
    if !pattern.bytes.contains(wildcard) { return [BundlePath(path: pattern, isPlain: true)] }
    guard let matches = matches(of: pattern, in: root) else {
      excess(pattern)
      return []
    }
    return matches.map { BundlePath(path: $0, isPlain: false) }
  }
}

/// How many names a pattern may match, on its way too: `/*/*/*/*` would walk the whole disk.
let entryLimit = 10_000

private let wildcard = UInt8(ascii: "*")

/// The paths that exist and match, in byte order of their components; nil where they are too many.
private func matches(of pattern: Path, in root: Root) -> [Path]? {
  var found = [Path("/")]
  var count = 0
  for component in pattern.components {
    if !component.contains(wildcard) {
      found = found.map { $0.appending(component) }
      continue
    }
    var further: [Path] = []
    for folderPath in found {
      guard let folder = try? Folder(folderPath, in: root) else { continue }
      defer { folder.close() }
      let names = ((try? folder.names()) ?? []).filter { matches($0.bytes, component) }
      count += names.count
      if count > entryLimit { return nil }
      for name in names { further.append(folderPath.appending(name)) }
    }
    found = further
  }
  return found.filter { root.exists($0) }
}

/// Whether a name fits a pattern in which `*` stands for any bytes, also none. As in a shell, a
/// leading dot must be written.
func matches(_ name: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
  if name.first == UInt8(ascii: ".") && pattern.first == wildcard { return false }
  var (n, p) = (name.startIndex, pattern.startIndex)
  // Where the last star stands, and where in the name its match is tried to end.
  var retry: (pattern: Int, name: Int)?
  while n < name.endIndex {
    if p < pattern.endIndex && pattern[p] == wildcard {
      retry = (p + 1, n)
      p += 1
    } else if p < pattern.endIndex && pattern[p] == name[n] {
      (n, p) = (n + 1, p + 1)
    } else if let last = retry {
      retry = (last.pattern, last.name + 1)
      (n, p) = (last.name + 1, last.pattern)
    } else {
      return false
    }
  }
  return pattern[p...].allSatisfy { $0 == wildcard }
}
