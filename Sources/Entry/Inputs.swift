import Certificates
import Linux
import Text
import Trust

/// The certificates found in the inputs.
struct Inputs {
  /// A certificate and the first file where it was found.
  struct Found {
    let certificate: Certificate
    var origin: MountedCertificates.Origin
    var source: Path { origin.source }
  }

  /// The certificates without duplicates, in the order in which they were found.
  private(set) var found: [Found] = []
  /// Problems of files and directories.
  var fileProblems: [Problem] { problemsOfFiles.problems }
  /// Whether something that exists, or was named, could not be read: then no certificate is removed from any store.
  var areIncomplete = false

  /// Limits: exceeding one is an error, never a hang.
  private static let fileLimit = 16 << 20
  private static let totalLimit = 64 << 20
  static let countLimit = 10_000
  private static let certificateLimit = 10_000
  static let depthLimit = 16

  private var problemsOfFiles = ProblemList()
  private var bytesRead = 0
  var entriesSeen = 0
  var hasReachedLimit = false
  var visitedDirectories: [FileIdentity] = []
  private var filesRead: [FileIdentity] = []
  /// Empty directories where files are expected.
  private var emptyDirectories: [FileIdentity] = []
  /// Files in directories that contain nothing like a certificate.
  private var strangers: [FileIdentity] = []
  let root: Root
  private let ownFiles: OwnFiles
  /// Appended to a message if a start does not know all mounted certificates.
  let nothingIsRemoved: StaticString
  /// Problems of certificates that are used all the same.
  private var problemsOfCertificates: [Problem] = []

  /// Reads files and directories.
  /// - Parameters:
  ///   - stateDirectories: those named by the user, whose private bundles are never inputs.
  ///   - data: the value of a variable that contains certificates itself.
  ///   - now: seconds since the epoch, to find expired certificates.
  ///   - isForStart: whether a start reads the same inputs, so that messages say what follows for its stores.
  init(
    reading inputs: [Settings.Input], in root: Root, stateDirectories: [Path] = [], data: [UInt8]? = nil,
    now: Int64, isForStart: Bool = true
  ) {
    self.root = root
    nothingIsRemoved = isForStart ? "; no certificate is removed from any store in this start" : ""
    ownFiles = OwnFiles(root, stateDirectories: stateDirectories)
    for input in inputs { read(input) }
    if let data { read(data) }
    removeDuplicates()
    if found.count > Self.certificateLimit { keepFirst(Self.certificateLimit) }
    problemsOfCertificates = certificateProblems(of: found, now: now)
  }

  var problems: [Problem] { fileProblems + problemsOfCertificates }

  /// The certificates sorted by fingerprint, as the stores need them.
  /// - Parameter isComplete: whether all inputs could be read.
  func mounted(isComplete: Bool) -> MountedCertificates {
    let order = SortedBytes(of: found.fingerprints).numbers
    return MountedCertificates(
      certificates: order.map { found[$0].certificate }, isComplete: isComplete,
      origins: order.map { found[$0].origin }, directories: visitedDirectories)
  }

  @inline(never)
  private mutating func read(_ input: Settings.Input) {
    do throws(Errno) {
      guard let file = try root.openToRead(input.path) else {
        return sayError(input.path, notRegularMessage)
      }
      defer { file.close() }
      let metadata = try file.metadata()
      if metadata.kind == .directory {
        if input.isFile && isEmptyDirectory(file, input.path, metadata.identity) { return }
        // One input may be inside another.
        if visitedDirectories.contains(metadata.identity) { return }
        readDirectory(file, input.path, metadata.identity)
      } else if strangers.contains(metadata.identity) {
        sayError(input.path, "not a certificate\(strangerRemedy)")
      } else if !filesRead.contains(metadata.identity) {
        // The file that the product's own setting names is usually in the directory as well.
        let parent = root.metadata(of: input.path.split.directory)?.identity
        readFile(file, input.path, metadata, in: parent.map { [$0] } ?? [], isNamed: true)
      }
    } catch {
      refuse(input, error)
    }
  }

  /// Reads a variable's value. Messages show the variable's name, never the value.
  @inline(never)
  private mutating func read(_ data: [UInt8]) {
    if hasReachedLimit { return }
    let path = Path(Setting.certsData.variable)
    if data.count > Self.fileLimit { return refuseToRead(path, tooLargeMessage) }
    if data.count > Self.totalLimit - bytesRead { return reachLimit(path, totalLimitMessage) }
    let contents = fileContents(ofVariable: data)
    var text = contents ?? []
    bytesRead += text.count
    // What psm-entry wrote is never an input.
    while let range = ManagedSection.locate(in: text).range { text.removeSubrange(range) }
    let parsed = CertificateFile(reading: text)
    if contents == nil || parsed.problems.contains(where: { $0.isStranger }) {
      // The variable is meant for nothing but certificates.
      areIncomplete = true
      return sayError(path, "neither PEM nor Base64 of a certificate file\(nothingIsRemoved)")
    }
    if parsed.hasDamage { areIncomplete = true }
    tell(parsed, path, isNamed: true)
    let origin = MountedCertificates.Origin(source: path, directories: [])
    for certificate in parsed.certificates { found.append(Found(certificate: certificate, origin: origin)) }
  }

  private mutating func refuse(_ input: Settings.Input, _ error: Errno) {
    let isMissing = error == .noSuchFile || error == .notDirectory
    // A dangling link is not a missing file or directory, but a failed mount.
    let isDeadLink = isMissing && root.isBehindDeadLink(input.path)
    if isMissing && !input.isNamed && !isDeadLink { return }
    if isMissing && input.isCustomCACert && !isDeadLink && isInDirectoryRead(input.path) {
      // The mount works, and the file was removed from it.
      return sayError(input.path, "no such file; correct the setting, or put the file back")
    }
    areIncomplete = true
    let reason: Text =
      isDeadLink
      ? "dangling symbolic link (the path or a directory in it); mount its target or remove it"
      : isMissing ? "no such file or directory" : cannotRead(error)
    sayError(input.path, "\(reason)\(nothingIsRemoved)")
  }

  /// Whether the directory that should contain the file was read as an input and contains other files.
  private func isInDirectoryRead(_ path: Path) -> Bool {
    guard let parent = root.metadata(of: path.split.directory)?.identity else { return false }
    return visitedDirectories.contains(parent) && found.contains { $0.origin.directories.last == parent }
  }

  /// Whether there is an empty directory instead of a file; reports it if so.
  @inline(never)
  mutating func isEmptyDirectory(
    _ file: FileDescriptor, _ path: Path, _ identity: FileIdentity
  ) -> Bool {
    guard let names = try? Directory(descriptor: file, path: path).names(), names.isEmpty else {
      try? file.rewind()
      return false
    }
    if emptyDirectories.contains(identity) { return true }
    areIncomplete = true
    emptyDirectories.append(identity)
    visitedDirectories.append(identity)
    sayError(
      path,
      "empty directory instead of a file (Docker creates one if the mounted file is missing on the host)\(nothingIsRemoved)"
    )
    return true
  }

  /// A file that is too large may be a CA that is meant to stay.
  private mutating func refuseToRead(_ path: Path, _ message: Text) {
    areIncomplete = true
    sayError(path, "\(message)\(nothingIsRemoved)")
  }

  @inline(never)
  mutating func sayError(_ path: Path, _ message: Text) {
    problemsOfFiles.append(.error(path.shown, message, "input.refused"), of: path)
  }

  // MARK: Files

  /// - Parameter realPath: the path with all links resolved; nil if unknown.
  @inline(never)
  mutating func readFile(
    _ file: FileDescriptor, _ path: Path, _ metadata: Metadata, in directories: [FileIdentity],
    realPath: Path? = nil, isNamed: Bool = false
  ) {
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
        reachLimit(path, totalLimitMessage)
      } else {
        refuseToRead(path, tooLargeMessage)
      }
      return
    } catch {
      if case .system(let errno) = error { refuse(path, errno) }
      return
    }
    bytesRead += contents.count
    let realPath = realPath ?? file.realPath ?? path
    guard let part = ownFiles.othersPart(of: contents, at: realPath, metadata.identity) else { return }
    let parsed = CertificateFile(reading: part.text)
    if parsed.hasDamage { areIncomplete = true }
    if !isNamed && parsed.problems.contains(where: { $0.isStranger }) { strangers.append(metadata.identity) }
    tell(parsed, path, isNamed: isNamed)
    let origin = MountedCertificates.Origin(
      source: path, directories: directories, isOfStore: part.isOfStore)
    for certificate in parsed.certificates where !part.anchored.contains(certificate.fingerprint.bytes) {
      found.append(Found(certificate: certificate, origin: origin))
    }
  }

  /// - Parameter isNamed: whether the user named this very file: then it is an error if it contains nothing.
  private mutating func tell(_ file: CertificateFile, _ path: Path, isNamed: Bool) {
    func level(_ problem: CertificateProblem) -> Level {
      problem.isWarning && !(problem.isStranger && isNamed) ? .warning : .error
    }
    // Errors first, and no more than a person would read.
    let problems = file.problems.filter { level($0) == .error } + file.problems.filter { level($0) != .error }
    for problem in problems.prefix(messageLimit) {
      let place: Text = problem.line.map { "line \($0): " } ?? ""
      let consequence: StaticString =
        problem.isDamage
        ? nothingIsRemoved : !problem.isStranger ? "" : isNamed ? strangerRemedy : "; ignored"
      problemsOfFiles.append(
        Problem(
          level: level(problem), subject: path.shown, message: "\(place)\(problem.text)\(consequence)",
          event: problem.isWarning ? "input.ignored" : "input.refused"),
        of: path, kind: problem.text)
    }
    let untold = problems.dropFirst(messageLimit)
    let count = untold.count + file.omittedErrors + file.omittedWarnings
    if count == 0 { return }
    let hasErrors = file.omittedErrors > 0 || untold.contains { level($0) == .error }
    problemsOfFiles.append(
      Problem(
        level: hasErrors ? .error : .warning, subject: path.shown, message: moreText(count),
        event: "input.more"), of: path,
      kind: moreKind)
  }

  /// Certificates beyond the limit are not used. One of them may be trusted today, so no certificate is removed.
  private mutating func keepFirst(_ count: Int) {
    let rest = found[count...]
    found = Array(found[..<count])
    areIncomplete = true
    guard let first = rest.first else { return }
    sayError(
      first.source,
      "more than \(count) certificates mounted, \(rest.count) from here on not used; mount fewer\(nothingIsRemoved)"
    )
  }

  private mutating func removeDuplicates() {
    let order = SortedBytes(of: found.fingerprints)
    var first: [Found] = []
    var places = [Int](repeating: 0, count: found.count)
    for (number, one) in found.enumerated() {
      let earlier = order.number(of: one.certificate.fingerprint.bytes) ?? number
      if earlier == number {
        places[number] = first.count
        first.append(one)
      } else {
        first[places[earlier]].origin.directories += one.origin.directories
        if !one.origin.isOfStore { first[places[earlier]].origin.isOfStore = false }
      }
    }
    found = first
  }
}

extension [Inputs.Found] {
  @inline(never)
  var fingerprints: [Fingerprint] { map { $0.certificate.fingerprint } }
}

private let strangerRemedy: StaticString = "; correct the setting, or replace the file"

private var tooLargeMessage: Text { "larger than 16 MiB, not read; remove it" }

private var totalLimitMessage: Text { "more than 64 MiB in all" }

var notRegularMessage: Text { "not a regular file (FIFO, device or socket), skipped; remove it" }

var linkLoopMessage: Text { "symbolic link loop; remove the link" }

func cannotRead(_ error: Errno) -> Text {
  "cannot read: \(lowerCased(error)); check its permissions and the mount"
}

var moreKind: Text { "files with more than \(messageLimit) problems" }

func moreText(_ count: Int) -> Text { "\(count) more problem\(count == 1 ? "" : "s") not shown" }
