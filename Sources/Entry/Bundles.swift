import Linux
import Text

/// A bundle that the settings name, or that a pattern of theirs matched.
struct BundlePath: Equatable {
  let path: Path
  /// Whether the settings name it as it is: then it must be there.
  let isPlain: Bool
}

/// The bundles that the settings mean, patterns resolved, in order.
func bundlePaths(_ patterns: [Path], in root: Root) -> [BundlePath] {
  patterns.flatMap { pattern -> [BundlePath] in
    if !pattern.bytes.contains(wildcard) { return [BundlePath(path: pattern, isPlain: true)] }
    return matches(of: pattern, in: root).map { BundlePath(path: $0, isPlain: false) }
  }
}

private let wildcard = UInt8(ascii: "*")

/// The paths that exist and match, in byte order of their components.
private func matches(of pattern: Path, in root: Root) -> [Path] {
  var found = [Path("/")]
  for component in pattern.components {
    if !component.contains(wildcard) {
      found = found.map { $0.appending(component) }
      continue
    }
    found = found.flatMap { folderPath -> [Path] in
      guard let folder = try? Folder(folderPath, in: root) else { return [] }
      defer { folder.close() }
      let names = (try? folder.names()) ?? []
      return names.filter { matches($0.bytes, component) }.map { folderPath.appending($0) }
    }
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
