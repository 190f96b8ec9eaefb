import Certificates
import Linux
import Text
import Trust

/// The names under which clients reach the system store, as they were before the distribution's tool ran.
///
/// A tool may lose them: update-ca-trust of Fedora 41 and of newer UBI 9 as root without CAP_DAC_OVERRIDE makes
/// `extracted/pem/directory-hash` again, 0555, and cannot make the links in it again.
struct ClientNames {
  /// A symbolic link on the way from a name to its file.
  struct Link: Equatable {
    /// As a client names it.
    let path: Path
    /// Where it is, free of links: it is found there even when those before it are lost.
    let realPath: Path
    let target: Path
  }

  /// A file that clients read.
  struct File {
    /// Where it is, free of links.
    let path: Path
    let text: [UInt8]
    let metadata: Metadata
  }

  /// What is at a name.
  struct Name {
    let path: Path
    /// The links that lead from it to its file, in order.
    let links: [Link]
    /// Where in ``files`` the file is; nil where only the links are known.
    let file: Int?
  }

  private(set) var names: [Name] = []
  private(set) var files: [File] = []
  /// Directories of hashed names that hold certificates.
  private var directories: [Path] = []
  /// Why what is at one of the names is not known: nothing may be changed then that could lose it.
  private(set) var failure: Errno?

  /// Reads what is at the names of every family, since an image may have those of another as well, and at others.
  /// - Parameters:
  ///   - others: what the CA variables name: files, or directories of hashed names.
  ///   - recorded: links that an earlier start knew and was killed before it had seen them again.
  init(beside others: [Path], recorded: [Link], in root: Root) {
    let paths = StoreFamily.all.reduce(into: [Path]()) { $0 += $1.clientPaths } + others
    for path in paths where !names.contains(where: { $0.path == path }) { read(path, in: root) }
    for link in recorded where !root.exists(link.path) {
      names.append(Name(path: link.path, links: [link], file: nil))
    }
  }

  private mutating func read(_ path: Path, in root: Root) {
    let (file, links) = followed(path, in: root)
    let metadata: Metadata
    do throws(Errno) { metadata = try root.status(of: file) } catch {
      note(error)
      return
    }
    if metadata.kind == .directory {
      // Its own name may be lost as well.
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

  /// What is missing, or cannot be read by anybody who is this user, has nothing to lose.
  private mutating func note(_ error: Errno) {
    let isNothing = [.noSuchFile, .notDirectory, .tooManyLinks, .accessDenied].contains(error)
    if !isNothing { failure = failure ?? error }
  }

  /// What clients trusted in the file at `path`, by the DER; nil where it is none of the names.
  func trusted(in path: Path, in root: Root) -> [[UInt8]]? {
    guard let resolved = root.resolved(path) else { return nil }
    for file in files where file.path == resolved { return trustedDERs(in: file.text) }
    return nil
  }

  /// All links that lead to the files, each once.
  var links: [Link] {
    var all: [Link] = []
    for name in names {
      for link in name.links where !all.contains(link) { all.append(link) }
    }
    return all
  }
}

extension ClientNames {
  /// Something that the tool has lost.
  struct Loss {
    let path: Path
    /// Why it could not be put back; nil where it was.
    let failure: Replacement.Failure?
  }

  /// Puts back what the tool has lost: a link, or a file that is gone or that no client can read any more.
  /// - Parameter removed: fingerprints of what was removed: it does not come back.
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

  private func restore(_ file: File, less removed: [Fingerprint], in root: Root) -> Replacement.Failure? {
    let text = withoutCertificates(removed, file.text)
    return changing(file.path, in: root) { (directory, name) throws(Replacement.Failure) in
      let owner = (file.metadata.user, file.metadata.group)
      try Replacement(mode: file.metadata.mode, owner: owner, expected: directory.metadata(of: name))
        .replace(name, in: directory, with: text, check: isBundle)
    }
  }

  private func restore(_ link: Link, in root: Root) -> Replacement.Failure? {
    changing(link.realPath, in: root) { (directory, name) throws(Replacement.Failure) in
      do throws(Errno) { try directory.makeLink(name, to: link.target) } catch {
        throw .system(.create, error)
      }
    }
  }

  /// Changes a name in its directory. Its owner may take leave to write there, and gives it back: root without
  /// CAP_DAC_OVERRIDE is refused by a mode of 0555 and may change it.
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

/// Where `path` leads, and over which links.
private func followed(_ path: Path, in root: Root) -> (file: Path, links: [ClientNames.Link]) {
  var path = path
  var links: [ClientNames.Link] = []
  // As many links as the kernel would follow.
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

/// Whether anything is at `path` itself, a dangling link included.
func nameExists(_ path: Path, in root: Root) -> Bool {
  let (directoryPath, name) = path.split
  guard let directory = try? Directory(directoryPath, in: root) else { return false }
  defer { directory.close() }
  return directory.metadata(of: name) != nil
}

/// Whether a client finds certificates in it: whole, from one end to the other.
private func isBundle(_ text: [UInt8]) -> Bool {
  let contents = BundleContents(reading: text)
  return contents.damage == nil && !contents.certificates.isEmpty
}

private func isReadable(_ path: Path, in root: Root) -> Bool {
  (try? root.read(path, limit: bundleSizeLimit)).map { isBundle($0) } ?? false
}

/// Whether a directory holds hashed names, such as `2c1b4b6d.0`, that resolve.
/// - Source: OpenSSL's SSL_CERT_DIR; c_rehash(1).
private func containsCertificates(_ path: Path, in root: Root) -> Bool {
  guard let directory = try? Directory(path, in: root) else { return false }
  defer { directory.close() }
  let names = (try? directory.descriptor.unsortedNames()) ?? []
  return names.contains { isHashedName($0) && directory.resolves($0) }
}

/// Whether OpenSSL would look for a certificate under a name such as `2c1b4b6d.0`: the hash of its subject, and a number.
/// - Source: OpenSSL's openssl-rehash(1).
func isHashedName(_ name: Path) -> Bool {
  let bytes = name.bytes
  return bytes.count >= 10 && bytes.prefix(8).allSatisfy { $0.hexValue != nil }
    && bytes.dropFirst(8).first == UInt8(ascii: ".") && bytes.dropFirst(9).allSatisfy { $0.isDigit }
}
