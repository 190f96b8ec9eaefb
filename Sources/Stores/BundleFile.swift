import Linux
import Text
import Trust

/// A bundle on disk: its location after links are followed, and its contents.
final class BundleFile {
  enum Failure: Error, Equatable {
    case missing
    case unreadable(ReadError)
  }

  let directory: Directory
  let name: Path
  let contents: BundleSnapshot.Contents
  let metadata: Metadata

  /// The whole text; empty if the file was read in pieces.
  var text: [UInt8] { contents.text ?? [] }

  private init(
    directory: Directory, name: Path, _ standing: StandingBundles? = nil, like other: [UInt8]
  ) throws(ReadError) {
    self.directory = directory
    self.name = name
    let file = try directory.descriptor.openFile(name, [.noFollow])
    defer { if standing?.keeps(file) != true { file.close() } }
    let bundle: StandingBundle?
    do throws(Errno) {
      metadata = try file.metadata()
      bundle = try standing?.bundle(in: file, metadata)
    } catch {
      throw .system(error)
    }
    if let bundle {
      contents = .standing(bundle)
    } else {
      contents = .text(
        try file.readAll(metadata, limit: bundleSizeLimit, like: other).contents)
    }
  }

  /// Opens and reads the bundle at `path`, following links. The caller closes its directory.
  /// - Parameters:
  ///   - standing: reads it in pieces and recognizes one that is up to date; nil to always read the text.
  ///   - other: a text that it probably contains.
  static func open(
    _ path: Path, in root: Root, _ standing: StandingBundles? = nil, like other: [UInt8] = []
  ) throws(Failure) -> BundleFile {
    var path = path
    // The kernel follows at most 40 links, too.
    for _ in 0..<40 {
      let (directoryPath, name) = path.split
      let directory: Directory
      do throws(Errno) { directory = try Directory(directoryPath, in: root) } catch {
        throw failure(.system(error))
      }
      do throws(ReadError) {
        return try BundleFile(directory: directory, name: name, standing, like: other)
      } catch {
        defer { directory.close() }
        guard error == .system(.tooManyLinks), let target = try? directory.target(ofLink: name) else {
          throw failure(error)
        }
        path = target.isAbsolute ? target : directoryPath.appending(target)
      }
    }
    throw .unreadable(.system(.tooManyLinks))
  }

  /// Reads it again from the same directory.
  func reread() throws(Failure) -> BundleFile {
    do throws(ReadError) {
      return try BundleFile(directory: directory, name: name, like: text)
    } catch {
      throw Self.failure(error)
    }
  }

  static func failure(_ error: ReadError) -> Failure {
    error == .system(.noSuchFile) || error == .system(.notDirectory) ? .missing : .unreadable(error)
  }

  /// Whether a killed start left a temporary file beside it. False for a directory that cannot be listed: this process
  /// could not write there either.
  func hasLeftovers() -> Bool {
    ((try? directory.descriptor.unsortedNames()) ?? []).contains { Replacement.isTemporary($0, for: name) }
  }

  /// Removes these files. The caller holds the directory's lock, so no other start is still writing them.
  func removeLeftovers() {
    // The search for them has read the directory to its end.
    try? directory.descriptor.rewind()
    guard let names = try? directory.descriptor.unsortedNames() else { return }
    Replacement.removeLeftovers(of: name, in: directory, among: names)
    Replacement.removeLeftovers(of: keptName, in: directory, among: names)
  }

  /// The name under which a damaged bundle's original is saved.
  var keptName: Path { name.suffixed(".psm-entry-damaged") }

  /// Links the original to a second name. An older saved original is not replaced.
  func keepOriginal() throws(Errno) {
    do throws(Errno) {
      try directory.link(name, to: keptName)
    } catch {
      if error == .exists { return }
      if error == .readOnlyFileSystem { throw error }
      try copyOriginal()
    }
  }

  private func copyOriginal() throws(Errno) {
    let copy = Replacement(mode: metadata.mode, owner: (metadata.user, metadata.group), expected: nil)
    do throws(Replacement.Failure) {
      try copy.replace(keptName, in: directory, with: text) { _ in true }
    } catch .system(_, let error) {
      throw error
    } catch {
      throw .exists
    }
  }
}

extension Blocker {
  /// Why a file that existed a moment ago cannot be read.
  @inline(never)
  init(_ failure: BundleFile.Failure) {
    if case .unreadable(.system(let error)) = failure {
      self = .refused(.readBack, error)
    } else {
      self = .overtaken
    }
  }

  @inline(never)
  init(_ failure: Replacement.Failure) {
    switch failure {
    case .notWhole: self = .notWhole
    case .overtaken: self = .overtaken
    case .system(.rename, .busy): self = .mountPoint
    case .system(let step, let error):
      let known: Step =
        switch step {
        case .create: .create
        case .owner: .owner
        case .mode: .mode
        case .write: .write
        case .readBack: .readBack
        case .rename: .rename
        }
      self = .refused(known, error)
    }
  }
}
