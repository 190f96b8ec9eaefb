import Certificates
import Linux
import Text
import Trust

/// What was found where certificates are to be read from.
struct Inputs {
  /// A certificate and the file that it was first found in.
  struct Found {
    let certificate: Certificate
    let source: Path
  }

  /// Each certificate once, in the order they were found.
  private(set) var found: [Found] = []
  /// What is wrong with files and directories.
  var fileProblems: [Problem] { problemsOfFiles.problems }
  /// Whether something that exists, or was named, could not be read: then nothing is taken out
  /// of any store.
  private(set) var areIncomplete = false

  /// Limits: what is beyond them is an error, never a hang.
  private static let fileLimit = 16 << 20
  private static let totalLimit = 64 << 20
  private static let countLimit = 10_000
  private static let certificateLimit = 10_000
  private static let depthLimit = 16

  private var problemsOfFiles = ProblemList()
  /// What is wrong with certificates that are used all the same.
  private var problemsOfCertificates = ProblemList()
  private var bytesRead = 0
  private var entriesSeen = 0
  private var hasReachedLimit = false
  private var visitedDirectories: [FileIdentity] = []
  private var filesRead: [FileIdentity] = []
  private let root: Root
  private let now: Int64

  /// Reads files and directories.
  /// - Parameter now: seconds since the epoch, for what is expired.
  init(reading inputs: [Settings.Input], in root: Root, now: Int64) {
    self.root = root
    self.now = now
    for input in inputs { read(input) }
    removeDuplicates()
    if found.count > Self.certificateLimit { keepFirst(Self.certificateLimit) }
  }

  var problems: [Problem] { fileProblems + problemsOfCertificates.problems }

  /// The certificates sorted by fingerprint, as the stores want them.
  var certificates: [Certificate] {
    sorted(found.map { $0.certificate })
  }

  private mutating func read(_ input: Settings.Input) {
    do throws(Errno) {
      guard let file = try root.openToRead(input.path) else { return sayError(input.path, notRegularMessage) }
      defer { file.close() }
      let metadata = try file.metadata()
      if metadata.kind == .directory {
        // One input may lie within another.
        if !visitedDirectories.contains(metadata.identity) {
          readDirectory(file, input.path, metadata.identity)
        }
      } else if !filesRead.contains(metadata.identity) {
        // The product's own setting names a file that usually lies in the directory as well.
        readFile(file, input.path, metadata)
      }
    } catch {
      let isMissing = error == .noSuchFile || error == .notDirectory
      // A link that leads nowhere is no missing directory, but a mount that failed.
      let isDeadLink = isMissing && !input.isNamed && root.isBehindDeadLink(input.path)
      if isMissing && !input.isNamed && !isDeadLink { return }
      areIncomplete = true
      let advice: Text =
        isDeadLink
        ? "it, or a directory on the way, is a link that leads nowhere: mount what it means"
        : isMissing
          ? "it was named and is missing: mount it, or name another"
          : "it cannot be read (\(error.text)): mend its permissions or the mount"
      sayError(input.path, "\(advice); nothing is taken out of any store in this start")
    }
  }

  private mutating func sayError(_ path: Path, _ message: Text) {
    problemsOfFiles.append(.error(path.shown, message), of: path)
  }

  // MARK: Directories

  private struct OpenDirectory {
    let descriptor: FileDescriptor
    let path: Path
    let identity: FileIdentity
    var names: ArraySlice<Path>
  }

  /// Walks a directory and those in it, in byte order, without names that start with a dot.
  private mutating func readDirectory(
    _ descriptor: FileDescriptor, _ path: Path, _ identity: FileIdentity
  ) {
    var stack: [OpenDirectory] = []
    enter(descriptor, path, identity, &stack)
    while var directory = stack.popLast() {
      guard let name = directory.names.popFirst() else {
        if !stack.isEmpty { directory.descriptor.close() }
        continue
      }
      stack.append(directory)
      if hasReachedLimit { continue }
      readEntry(name, of: directory, &stack)
    }
  }

  private mutating func enter(
    _ descriptor: FileDescriptor, _ path: Path, _ identity: FileIdentity, _ stack: inout [OpenDirectory]
  ) {
    do throws(Errno) {
      let names = try Directory(descriptor: descriptor, path: path).names().filter {
        $0.bytes.first != UInt8(ascii: ".")
      }
      visitedDirectories.append(identity)
      stack.append(OpenDirectory(descriptor: descriptor, path: path, identity: identity, names: names[...]))
    } catch {
      if !stack.isEmpty { descriptor.close() }
      refuse(path, error)
    }
  }

  private mutating func readEntry(_ name: Path, of directory: OpenDirectory, _ stack: inout [OpenDirectory]) {
    let path = directory.path.appending(name)
    entriesSeen += 1
    if entriesSeen > Self.countLimit {
      return reachLimit(
        path, "more than \(Self.countLimit) files and directories: take out what is no CA certificate")
    }
    let file: FileDescriptor
    let metadata: Metadata
    do throws(Errno) {
      guard let opened = try root.openToRead(name, in: directory.descriptor, at: path) else {
        return sayError(path, notRegularMessage)
      }
      file = opened
      do throws(Errno) { metadata = try file.metadata() } catch {
        file.close()
        throw error
      }
    } catch {
      return refuse(path, error)
    }
    if metadata.kind != .directory {
      defer { file.close() }
      return readFile(file, path, metadata)
    }
    if stack.contains(where: { $0.identity == metadata.identity }) {
      file.close()
      sayError(path, "a link back to a directory that holds it: remove the link")
    } else if visitedDirectories.contains(metadata.identity) {
      // Another name for what has been read.
      file.close()
    } else if stack.count >= Self.depthLimit {
      file.close()
      areIncomplete = true
      sayError(path, "directories more than \(Self.depthLimit) deep are not read: move its certificates up")
    } else {
      enter(file, path, metadata.identity, &stack)
    }
  }

  private mutating func refuse(_ path: Path, _ error: Errno) {
    switch error {
    case .noSuchFile, .notDirectory:
      sayError(path, "a link that leads nowhere: remove it, or mount what it means")
    case .tooManyLinks: sayError(path, "a link that leads back to itself: remove it")
    default:
      areIncomplete = true
      sayError(
        path,
        "it cannot be read (\(error.text)): mend its permissions; nothing is taken out of any store in this start"
      )
    }
  }

  private mutating func reachLimit(_ path: Path, _ message: Text) {
    if hasReachedLimit { return }
    hasReachedLimit = true
    areIncomplete = true
    sayError(path, "\(message); this and what follows is not read, and nothing is taken out of any store")
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
      return sayError(path, notRegularMessage)
    } catch .tooLarge {
      if room < Self.fileLimit && metadata.size <= Self.fileLimit {
        reachLimit(path, "more than 64 MiB in all: take out what is no CA certificate")
      } else {
        sayError(path, "larger than 16 MiB: no certificate file; it is not read")
      }
      return
    } catch {
      if case .system(let errno) = error { refuse(path, errno) }
      return
    }
    bytesRead += contents.count
    collect(CertificateFile(reading: contents), path)
  }

  /// Takes a file's certificates, and says what is wrong: errors first, and no more than a person would read.
  private mutating func collect(_ file: CertificateFile, _ path: Path) {
    let problems = file.problems.filter { !$0.isWarning } + file.problems.filter { $0.isWarning }
    for problem in problems.prefix(messageLimit) {
      let place: Text = problem.line.map { "line \($0): " } ?? ""
      let message: Text = "\(place)\(problem.text)"
      problemsOfFiles.append(
        problem.isWarning ? .warning(path.shown, message) : .error(path.shown, message), of: path,
        kind: problem.text)
    }
    let unsaid = problems.dropFirst(messageLimit)
    var room = max(0, messageLimit - problems.count)
    var unsaidCount = unsaid.count + file.omittedErrors + file.omittedWarnings
    for certificate in file.certificates {
      found.append(Found(certificate: certificate, source: path))
      let warnings = certificate.warnings(now: now)
      unsaidCount += max(0, warnings.count - room)
      for warning in warnings.prefix(room) {
        problemsOfCertificates.append(
          .warning(path.shown, "\(certificate.shownSubject): \(warning.text)"), of: path, kind: warning.text)
      }
      room = max(0, room - warnings.count)
    }
    if unsaidCount == 0 { return }
    let count: Text = "\(unsaidCount) more of the kind"
    let kind: Text = "more than \(messageLimit) of a kind in a file"
    if unsaid.isEmpty && file.omittedErrors + file.omittedWarnings == 0 {
      problemsOfCertificates.append(.warning(path.shown, count), of: path, kind: kind)
    } else {
      let hasErrors = file.omittedErrors > 0 || unsaid.contains { !$0.isWarning }
      problemsOfFiles.append(
        hasErrors ? .error(path.shown, count) : .warning(path.shown, count), of: path, kind: kind)
    }
  }

  /// What is beyond the limit is not used, and since it may be what is trusted today, nothing is taken out.
  private mutating func keepFirst(_ count: Int) {
    let rest = found[count...]
    found = Array(found[..<count])
    areIncomplete = true
    guard let first = rest.first else { return }
    sayError(
      first.source,
      "more than \(count) certificates are mounted: \(rest.count) from here on are not used, and no certificate is removed from any store in this start; mount fewer"
    )
  }

  private mutating func removeDuplicates() {
    let order = SortedBytes(found.map { $0.certificate.fingerprint.bytes })
    var first: [Found] = []
    for (number, one) in found.enumerated()
    where order.number(of: one.certificate.fingerprint.bytes) == number { first.append(one) }
    found = first
  }
}
