import Certificates
import Linux
import Text
import TrustStores

/// What was found where certificates are to be read from.
struct Inputs {
  /// A certificate and the file that it was first found in.
  struct Found {
    let certificate: Certificate
    let source: Path
  }

  /// Each certificate once, in the order they were found.
  private(set) var found: [Found] = []
  /// What is wrong with files and folders.
  private(set) var fileProblems: [Problem] = []
  /// What is wrong with certificates that are used all the same.
  private(set) var certificateProblems: [Problem] = []
  /// Whether something that exists, or was named, could not be read: then nothing is taken out
  /// of any store.
  private(set) var areIncomplete = false

  /// Limits: what is beyond them is an error, never a hang.
  private static let fileLimit = 16 << 20
  private static let totalLimit = 64 << 20
  private static let countLimit = 10_000
  private static let messageLimit = 8
  private static let depthLimit = 16

  private var bytesRead = 0
  private var entriesSeen = 0
  private var hasReachedLimit = false
  private var visitedFolders: [Metadata.Identity] = []
  private var filesRead: [Metadata.Identity] = []
  private let root: Root
  private let now: Int64

  /// Reads files and folders.
  /// - Parameter now: seconds since the epoch, for what is expired.
  init(reading inputs: [Settings.Input], in root: Root, now: Int64) {
    self.root = root
    self.now = now
    for input in inputs { read(input) }
    removeDuplicates()
  }

  var problems: [Problem] { fileProblems + certificateProblems }

  /// The certificates sorted by fingerprint, as the stores want them.
  var certificates: [Certificate] {
    sorted(found.map { $0.certificate })
  }

  private mutating func read(_ input: Settings.Input) {
    do throws(Errno) {
      let file = try root.open(input.path, [.nonBlocking])
      defer { file.close() }
      let metadata = try file.metadata()
      if metadata.kind == .folder {
        // One input may lie within another.
        if !visitedFolders.contains(metadata.identity) { readFolder(file, input.path, metadata.identity) }
      } else if !filesRead.contains(metadata.identity) {
        // The product's own setting names a file that usually lies in the folder as well.
        readFile(file, input.path, metadata)
      }
    } catch {
      let isMissing = error == .noSuchFile || error == .notDirectory
      // A link that leads nowhere is no missing folder, but a mount that failed.
      let isDeadLink = isMissing && !input.isNamed && root.isBehindDeadLink(input.path)
      if isMissing && !input.isNamed && !isDeadLink { return }
      if let message = refusedKind(input.path, error) {
        fileProblems.append(.error(input.path.shown, message))
        return
      }
      areIncomplete = true
      let advice: Text =
        isDeadLink
        ? "it, or a folder on the way, is a link that leads nowhere: mount what it means"
        : isMissing
          ? "it was named and is missing: mount it, or name another"
          : "it cannot be read (\(error.text)): mend its permissions or the mount"
      fileProblems.append(
        .error(input.path.shown, "\(advice); nothing is taken out of any store in this start"))
    }
  }

  /// What cannot even be opened because of what it is, such as a socket.
  private func refusedKind(_ path: Path, _ error: Errno) -> Text? {
    guard error == .noSuchDeviceOrAddress || error == .noSuchDevice else { return nil }
    return root.metadata(of: path)?.kind == .other ? notRegularMessage : nil
  }

  // MARK: Folders

  private struct OpenFolder {
    let descriptor: FileDescriptor
    let path: Path
    let identity: Metadata.Identity
    var names: ArraySlice<Path>
  }

  /// Walks a folder and those in it, in byte order, without names that start with a dot.
  private mutating func readFolder(
    _ descriptor: FileDescriptor, _ path: Path, _ identity: Metadata.Identity
  ) {
    var stack: [OpenFolder] = []
    enter(descriptor, path, identity, &stack)
    while var folder = stack.popLast() {
      guard let name = folder.names.popFirst() else {
        if !stack.isEmpty { folder.descriptor.close() }
        continue
      }
      stack.append(folder)
      if hasReachedLimit { continue }
      readEntry(name, of: folder, &stack)
    }
  }

  private mutating func enter(
    _ descriptor: FileDescriptor, _ path: Path, _ identity: Metadata.Identity, _ stack: inout [OpenFolder]
  ) {
    do throws(Errno) {
      let names = try Folder(descriptor: descriptor, path: path).names().filter {
        $0.bytes.first != UInt8(ascii: ".")
      }
      visitedFolders.append(identity)
      stack.append(OpenFolder(descriptor: descriptor, path: path, identity: identity, names: names[...]))
    } catch {
      if !stack.isEmpty { descriptor.close() }
      refuse(path, error)
    }
  }

  private mutating func readEntry(_ name: Path, of folder: OpenFolder, _ stack: inout [OpenFolder]) {
    let path = folder.path.appending(name)
    entriesSeen += 1
    if entriesSeen > Self.countLimit {
      return reachLimit(
        path, "more than \(Self.countLimit) files and folders: take out what is no CA certificate")
    }
    let file: FileDescriptor
    let metadata: Metadata
    do throws(Errno) {
      // Under another root an absolute link must not lead out of it.
      file =
        root.isSystem ? try folder.descriptor.open(name, [.nonBlocking]) : try root.open(path, [.nonBlocking])
      do throws(Errno) { metadata = try file.metadata() } catch {
        file.close()
        throw error
      }
    } catch {
      return refuse(path, error)
    }
    if metadata.kind != .folder {
      defer { file.close() }
      return readFile(file, path, metadata)
    }
    if stack.contains(where: { $0.identity == metadata.identity }) {
      file.close()
      fileProblems.append(.error(path.shown, "a link back to a folder that holds it: remove the link"))
    } else if visitedFolders.contains(metadata.identity) {
      // Another name for what has been read.
      file.close()
    } else if stack.count >= Self.depthLimit {
      file.close()
      areIncomplete = true
      fileProblems.append(
        .error(path.shown, "folders more than \(Self.depthLimit) deep are not read: move its certificates up")
      )
    } else {
      enter(file, path, metadata.identity, &stack)
    }
  }

  private mutating func refuse(_ path: Path, _ error: Errno) {
    if let message = refusedKind(path, error) {
      fileProblems.append(.error(path.shown, message))
      return
    }
    switch error {
    case .noSuchFile, .notDirectory:
      fileProblems.append(.error(path.shown, "a link that leads nowhere: remove it, or mount what it means"))
    case .tooManyLinks: fileProblems.append(.error(path.shown, "a link that leads back to itself: remove it"))
    default:
      areIncomplete = true
      fileProblems.append(
        .error(
          path.shown,
          "it cannot be read (\(error.text)): mend its permissions; nothing is taken out of any store in this start"
        ))
    }
  }

  private mutating func reachLimit(_ path: Path, _ message: Text) {
    if hasReachedLimit { return }
    hasReachedLimit = true
    areIncomplete = true
    fileProblems.append(
      .error(
        path.shown, "\(message); this and what follows is not read, and nothing is taken out of any store"))
  }

  // MARK: Files

  private let notRegularMessage: Text =
    "no regular file but a FIFO, device or socket: it is not read; remove it"

  private mutating func readFile(_ file: FileDescriptor, _ path: Path, _ metadata: Metadata) {
    if hasReachedLimit { return }
    let room = Self.totalLimit - bytesRead
    let contents: [UInt8]
    do throws(ReadError) {
      contents = try file.readAll(metadata, limit: min(Self.fileLimit, room)).contents
      filesRead.append(metadata.identity)
    } catch .notRegular {
      fileProblems.append(.error(path.shown, notRegularMessage))
      return
    } catch .tooLarge {
      if room < Self.fileLimit && metadata.size <= Self.fileLimit {
        reachLimit(path, "more than 64 MiB in all: take out what is no CA certificate")
      } else {
        fileProblems.append(.error(path.shown, "larger than 16 MiB: no certificate file; it is not read"))
      }
      return
    } catch {
      if case .system(let errno) = error { refuse(path, errno) }
      return
    }
    bytesRead += contents.count
    judge(CertificateFile(reading: contents), path)
  }

  /// Takes a file's certificates, and says what is wrong: errors first, and no more than a person would read.
  private mutating func judge(_ file: CertificateFile, _ path: Path) {
    let problems = file.problems.filter { !$0.isWarning } + file.problems.filter { $0.isWarning }
    for problem in problems.prefix(Self.messageLimit) {
      let place: Text = problem.line.map { "line \($0): " } ?? ""
      let message: Text = "\(place)\(problem.text)"
      fileProblems.append(problem.isWarning ? .warning(path.shown, message) : .error(path.shown, message))
    }
    let unsaid = problems.dropFirst(Self.messageLimit)
    var room = max(0, Self.messageLimit - problems.count)
    var unsaidCount = unsaid.count + file.omittedErrors + file.omittedWarnings
    for certificate in file.certificates {
      found.append(Found(certificate: certificate, source: path))
      for warning in certificate.warnings(now: now) {
        if room == 0 {
          unsaidCount += 1
          continue
        }
        room -= 1
        certificateProblems.append(.warning(path.shown, "\(certificate.subjectText): \(warning.text)"))
      }
    }
    if unsaidCount == 0 { return }
    let count: Text = "\(unsaidCount) more of the kind"
    if unsaid.isEmpty && file.omittedErrors + file.omittedWarnings == 0 {
      certificateProblems.append(.warning(path.shown, count))
    } else {
      let hasErrors = file.omittedErrors > 0 || unsaid.contains { !$0.isWarning }
      fileProblems.append(hasErrors ? .error(path.shown, count) : .warning(path.shown, count))
    }
  }

  private mutating func removeDuplicates() {
    let order = ByteOrder(found.map { $0.certificate.fingerprint.bytes })
    var first: [Found] = []
    for (number, one) in found.enumerated()
    where order.number(of: one.certificate.fingerprint.bytes) == number { first.append(one) }
    found = first
  }
}
