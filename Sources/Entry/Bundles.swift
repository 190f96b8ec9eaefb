import Linux
import Text
import Trust

/// A bundle that a setting names, that a pattern matches, or that is in one of the usual places.
struct BundlePath: Equatable {
  let path: Path
  /// Whether a setting names exactly this path: then the bundle must exist.
  let isRequired: Bool
}

/// The bundles that a pattern matches, in order.
/// - Parameter fail: receives each pattern that could not be expanded.
@inline(never)
func bundlePaths(
  _ pattern: Path, in root: Root, fail: (PatternFailure) -> Void
) -> [BundlePath] {
  if !pattern.bytes.contains(wildcard) { return [BundlePath(path: pattern, isRequired: true)] }
  do throws(PatternFailure.Reason) {
    return try matches(of: pattern, in: root).map { BundlePath(path: $0, isRequired: false) }
  } catch {
    fail(PatternFailure(pattern: pattern, reason: error))
    return []
  }
}

/// The bundles in the usual locations of conda and Python, in order: the default if no setting names any.
///
/// A location that is missing, or that this user may not enter, has none. A missing prefix costs one system call, and a
/// directory that contains Pythons is listed once.
/// - Parameters:
///   - virtualEnvironment: the value of `VIRTUAL_ENV`.
///   - fail: receives each location that could not be read.
/// - Source: conda's package ca-certificates; certifi, pip, botocore and grpcio for the names; Python's `site`, and
///   Debian's with `dist-packages`; PEP 405 and `activate` for `VIRTUAL_ENV`.
@inline(never)
func usualBundlePaths(
  virtualEnvironment: Path?, in root: Root, fail: (PatternFailure) -> Void
) -> [BundlePath] {
  var places = UsualPlaces(root: root)
  let condas = condaPrefixes.filter { places.exists($0) }
  for prefix in condas { places.look(inConda: prefix) }
  for prefix in condas {
    let environments = prefix.appending("envs")
    for name in places.names(in: environments, like: "*") {
      places.look(inConda: environments.appending(name))
    }
  }
  for prefix in ["/usr/local/lib", "/usr/lib"] as [StaticString] {
    places.look(inPythonsOf: Path(prefix), packages: ["site-packages", "dist-packages"])
  }
  if let virtualEnvironment, virtualEnvironment.isAbsolute {
    places.look(inPythonsOf: virtualEnvironment.appending("lib"), packages: ["site-packages"])
  }
  for failure in places.failures { fail(failure) }
  return places.found.map { BundlePath(path: $0, isRequired: false) }
}

/// The usual prefixes of conda.
var condaPrefixes: [Path] { [Path("/conda"), Path("/opt/conda")] }

/// The bundles in Python packages, relative to the directory of packages.
var packagedBundles: [StaticString] {
  [
    "certifi/cacert.pem", "pip/_vendor/certifi/cacert.pem", "botocore/cacert.pem",
    "grpc/_cython/_credentials/roots.pem",
  ]
}

private struct UsualPlaces {
  let root: Root
  private(set) var found: [Path] = []
  private(set) var failures: [PatternFailure] = []

  init(root: Root) { self.root = root }

  @inline(never)
  mutating func look(inConda prefix: Path) {
    look(at: prefix.appending("ssl/cacert.pem"))
    look(inPythonsOf: prefix.appending("lib"), packages: ["site-packages"])
  }

  @inline(never)
  mutating func look(inPythonsOf directory: Path, packages: [StaticString]) {
    for name in names(in: directory, like: "python3*") {
      for packages in packages {
        let place = directory.appending(name).appending(packages)
        if !exists(place) { continue }
        for bundle in packagedBundles { look(at: place.appending(bundle)) }
      }
    }
  }

  /// An environment may have the same path as one of the prefixes.
  @inline(never)
  private mutating func look(at path: Path) {
    if exists(path) && !found.contains(path) { found.append(path) }
  }

  @inline(never)
  mutating func exists(_ path: Path) -> Bool {
    do throws(PatternFailure.Reason) { return try Entry.exists(path, root) } catch {
      failures.append(PatternFailure(pattern: path, reason: error))
      return false
    }
  }

  /// The names in a directory that match a pattern.
  @inline(never)
  mutating func names(in directory: Path, like pattern: StaticString) -> [Path] {
    do throws(PatternFailure.Reason) {
      let pattern = pattern.bytes[...]
      let names = try Entry.names(in: directory, root).filter { matches($0.bytes, pattern) }
      if names.count > entryLimit { throw .tooMany }
      return names
    } catch {
      failures.append(PatternFailure(pattern: directory.appending(pattern), reason: error))
      return []
    }
  }
}

/// The number of names that a pattern may match, including intermediate components: `/*/*/*/*` would scan the whole
/// disk.
let entryLimit = 10_000

private let wildcard = UInt8(ascii: "*")

/// The existing paths that match, sorted by the bytes of their components.
private func matches(of pattern: Path, in root: Root) throws(PatternFailure.Reason) -> [Path] {
  var found = [Path("/")]
  var count = 0
  for component in pattern.components {
    if !component.contains(wildcard) {
      found = found.map { $0.appending(component) }
      continue
    }
    var further: [Path] = []
    for directoryPath in found {
      let names = try names(in: directoryPath, root).filter { matches($0.bytes, component) }
      count += names.count
      if count > entryLimit { throw .tooMany }
      for name in names { further.append(directoryPath.appending(name)) }
    }
    found = further
  }
  var existing: [Path] = []
  for path in found where try exists(path, root) { existing.append(path) }
  return existing
}

/// What is missing, or what this user may not enter, matches nothing: no client of this user finds a bundle there.
private func isNothing(_ error: Errno) -> Bool {
  [.noSuchFile, .notDirectory, .accessDenied].contains(error)
}

@inline(never)
private func names(in path: Path, _ root: Root) throws(PatternFailure.Reason) -> [Path] {
  do throws(Errno) {
    let directory = try Directory(path, in: root)
    defer { directory.close() }
    return try directory.names()
  } catch {
    // A directory that may be entered but not listed.
    if isNothing(error) || error == .badDescriptor { return [] }
    throw .unreadable(error)
  }
}

@inline(never)
private func exists(_ path: Path, _ root: Root) throws(PatternFailure.Reason) -> Bool {
  do throws(Errno) {
    _ = try root.status(of: path)
    return true
  } catch {
    if isNothing(error) || error == .tooManyLinks { return false }
    throw .unreadable(error)
  }
}

/// Whether a name matches a pattern in which `*` stands for any bytes, including none. As in a shell, a leading dot
/// must be matched explicitly.
@inline(never)
func matches(_ name: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
  if name.first == UInt8(ascii: ".") && pattern.first == wildcard { return false }
  var (n, p) = (name.startIndex, pattern.startIndex)
  // The position of the last star, and the position in the name where its match ends for now.
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
