import Certificates
import Linux
import Text
import Trust

/// The names under which clients find the system store, as they were before the distribution's tool ran.
///
/// A tool may destroy them: run by root without CAP_DAC_OVERRIDE, update-ca-trust of Fedora 41 and of newer UBI 9
/// recreates `extracted/pem/directory-hash` with mode 0555 and then cannot recreate the links in it.
struct ClientNames {
  /// A symbolic link on the path from a name to its file.
  struct Link: Equatable {
    /// The path that a client uses.
    let path: Path
    /// The path without links, which works even if preceding links are lost.
    let realPath: Path
    let target: Path
  }

  /// A file that clients read.
  struct File {
    /// The path without links.
    let path: Path
    let text: [UInt8]
    let metadata: Metadata
  }

  /// A name and what it refers to.
  struct Name {
    let path: Path
    /// The links from it to its file, in order.
    let links: [Link]
    /// The index of the file in ``files``; nil if only the links are known.
    let file: Int?
  }

  private(set) var names: [Name] = []
  private(set) var files: [File] = []
  /// Directories of hashed names that contain certificates.
  private var directories: [Path] = []
  /// Why one of the names could not be read: changes that could destroy it are not allowed then.
  private(set) var failure: Errno?

  /// Reads the names of all families, since an image may also have those of another one, and `others`.
  /// - Parameters:
  ///   - others: the values of the CA variables: files, or directories of hashed names.
  ///   - recorded: the links noted by an earlier start that was killed before it saw them again.
  init(beside others: [Path], recorded: [Link], in root: Root) {
    let paths = StoreFamily.all.reduce(into: [Path]()) { $0 += $1.clientPaths } + others
    for path in paths where !names.contains(where: { $0.path == path }) { read(path, in: root) }
    for link in recorded where !root.exists(link.path) {
      names.append(Name(path: link.path, links: [link], file: nil))
    }
  }

  @inline(never)
  private mutating func read(_ path: Path, in root: Root) {
    let (file, links) = followed(path, in: root)
    let metadata: Metadata
    do throws(Errno) { metadata = try root.status(of: file) } catch {
      note(error)
      return
    }
    if metadata.kind == .directory {
      // The name itself may be lost as well.
      names.append(Name(path: path, links: links, file: nil))
      if containsCertificates(path, in: root) { directories.append(path) }
      return
    }
    if let known = files.firstIndex(where: { $0.metadata.identity == metadata.identity }) {
      names.append(Name(path: path, links: links, file: known))
      return
    }
    let text: [UInt8]
    do throws(ReadError) { text = try root.read(file, limit: bundleSizeLimit) } catch {
      if case .system(let reason) = error { note(reason) }
      return
    }
    if !isBundle(text) { return }
    names.append(Name(path: path, links: links, file: files.count))
    files.append(File(path: root.resolved(file) ?? file, text: text, metadata: metadata))
  }

  /// A name that does not exist, or that this user cannot read, has nothing to lose.
  private mutating func note(_ error: Errno) {
    let isNothing = [.noSuchFile, .notDirectory, .tooManyLinks, .accessDenied].contains(error)
    if !isNothing { failure = failure ?? error }
  }

  /// The DER of each certificate that clients trusted in the file at `path`; nil if it is not one of the names.
  func trusted(in path: Path, in root: Root) -> [[UInt8]]? {
    guard let resolved = root.resolved(path) else { return nil }
    for file in files where file.path == resolved { return trustedDERs(in: file.text) }
    return nil
  }

  /// All links that lead to the files, without duplicates.
  var links: [Link] {
    var all: [Link] = []
    for name in names {
      for link in name.links where !all.contains(link) { all.append(link) }
    }
    return all
  }
}

extension ClientNames {
  /// Something that the tool has destroyed.
  struct Loss {
    let path: Path
    /// Why it could not be restored; nil if it was.
    let failure: Replacement.Failure?
  }

  /// Restores what the tool has destroyed: a link, or a file that is gone or that clients can no longer read.
  /// - Parameter removed: fingerprints of certificates that were removed on purpose and are not restored.
  func restore(less removed: [Fingerprint], in root: Root) -> [Loss] {
    var losses: [Loss] = []
    var seen: [Path] = []
    for name in names where !serves(name, in: root) {
      if let number = name.file, !isReadable(files[number].path, in: root) {
        let file = files[number]
        if !seen.contains(file.path) {
          seen.append(file.path)
          losses.append(Loss(path: file.path, failure: restore(file, less: removed, in: root)))
        }
      }
      for link in name.links where !seen.contains(link.realPath) && !nameExists(link.realPath, in: root) {
        seen.append(link.realPath)
        losses.append(Loss(path: link.path, failure: restore(link, in: root)))
      }
    }
    for directory in directories where !containsCertificates(directory, in: root) {
      losses.append(Loss(path: directory, failure: .system(.readBack, .noSuchFile)))
    }
    return losses
  }

  private func serves(_ name: Name, in root: Root) -> Bool {
    name.file == nil ? root.exists(name.path) : isReadable(name.path, in: root)
  }

  @inline(never)
  private func restore(_ file: File, less removed: [Fingerprint], in root: Root) -> Replacement.Failure? {
    let text = withoutCertificates(removed, file.text)
    return changing(file.path, in: root) { (directory, name) throws(Replacement.Failure) in
      let owner = (file.metadata.user, file.metadata.group)
      try Replacement(mode: file.metadata.mode, owner: owner, expected: directory.metadata(of: name))
        .replace(name, in: directory, with: text, check: isBundle)
    }
  }

  @inline(never)
  private func restore(_ link: Link, in root: Root) -> Replacement.Failure? {
    changing(link.realPath, in: root) { (directory, name) throws(Replacement.Failure) in
      do throws(Errno) { try directory.makeLink(name, to: link.target) } catch {
        throw .system(.create, error)
      }
    }
  }

  /// Runs `change`, making the directory writable for its owner if necessary and restoring its mode afterwards: root
  /// without CAP_DAC_OVERRIDE may not write to a directory of mode 0555, but may change its mode.
  private func changing(
    _ path: Path, in root: Root, _ change: (Directory, Path) throws(Replacement.Failure) -> Void
  ) -> Replacement.Failure? {
    let (directoryPath, name) = path.split
    do throws(Replacement.Failure) {
      let directory: Directory
      do throws(Errno) { directory = try Directory.making(directoryPath, in: root) } catch {
        throw .system(.create, error)
      }
      defer { directory.close() }
      do throws(Replacement.Failure) { try change(directory, name) } catch {
        guard error == .system(.create, .accessDenied), let before = try? directory.descriptor.metadata(),
          (try? directory.descriptor.setMode(before.mode | 0o300)) != nil
        else { throw error }
        defer { try? directory.descriptor.setMode(before.mode) }
        try change(directory, name)
      }
      return nil
    } catch {
      return error
    }
  }
}

/// The file that `path` leads to, and the links on the way.
private func followed(_ path: Path, in root: Root) -> (file: Path, links: [ClientNames.Link]) {
  var path = path
  var links: [ClientNames.Link] = []
  // The kernel follows at most 40 links, too.
  for _ in 0..<40 {
    let (directoryPath, name) = path.split
    guard let directory = try? Directory(directoryPath, in: root) else { break }
    defer { directory.close() }
    guard let target = try? directory.target(ofLink: name) else { break }
    let realPath = root.resolved(directoryPath)?.appending(name) ?? path
    links.append(ClientNames.Link(path: path, realPath: realPath, target: target))
    path = target.isAbsolute ? target : directoryPath.appending(target)
  }
  return (path, links)
}

/// Whether `path` itself exists, even as a dangling link.
func nameExists(_ path: Path, in root: Root) -> Bool {
  let (directoryPath, name) = path.split
  guard let directory = try? Directory(directoryPath, in: root) else { return false }
  defer { directory.close() }
  return directory.metadata(of: name) != nil
}

/// Whether a client finds certificates in the text and reads it to its end.
@inline(never)
private func isBundle(_ text: [UInt8]) -> Bool {
  let contents = BundleContents(reading: text)
  return contents.damage == nil && !contents.certificates.isEmpty
}

private func isReadable(_ path: Path, in root: Root) -> Bool {
  (try? root.read(path, limit: bundleSizeLimit)).map { isBundle($0) } ?? false
}

/// Whether a directory contains hashed names, such as `2c1b4b6d.0`, that resolve.
/// - Source: OpenSSL's SSL_CERT_DIR; c_rehash(1).
private func containsCertificates(_ path: Path, in root: Root) -> Bool {
  guard let directory = try? Directory(path, in: root) else { return false }
  defer { directory.close() }
  let names = (try? directory.descriptor.unsortedNames()) ?? []
  return names.contains { isHashedName($0) && directory.resolves($0) }
}

/// Whether OpenSSL would look for a certificate under this name, such as `2c1b4b6d.0`: the hash of a subject, and a
/// number.
/// - Source: OpenSSL's openssl-rehash(1).
@inline(never)
func isHashedName(_ name: Path) -> Bool {
  let bytes = name.bytes
  return bytes.count >= 10 && bytes.prefix(8).allSatisfy { $0.hexValue != nil }
    && bytes.dropFirst(8).first == UInt8(ascii: ".") && bytes.dropFirst(9).allSatisfy { $0.isDigit }
}
