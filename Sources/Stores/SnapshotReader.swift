import Certificates
import Linux
import Text
import Trust

/// Reads the facts that a plan is made from. It decides nothing.
public struct SnapshotReader {
  /// What to read.
  public final class Request: Sendable {
    public let mounted: MountedCertificates
    /// What should build the store's bundle, if there is a store.
    public let builder: StoreSnapshot.Builder
    public let bundles: [(path: Path, isRequired: Bool)]
    public let patternFailures: [PatternFailure]
    /// The CA variables that the user has set.
    public let variables: [(name: [UInt8], path: Path, use: VariableSnapshot.Use)]
    public let stateDirectories: [Path]
    /// Whether the user named the state directories.
    public let namesStateDirectories: Bool
    /// The user that the service starts as.
    public let user: Credentials.Effective

    public init(
      mounted: MountedCertificates, builder: StoreSnapshot.Builder,
      bundles: [(path: Path, isRequired: Bool)],
      patternFailures: [PatternFailure],
      variables: [(name: [UInt8], path: Path, use: VariableSnapshot.Use)], stateDirectories: [Path],
      namesStateDirectories: Bool, user: Credentials.Effective
    ) {
      self.mounted = mounted
      self.builder = builder
      self.bundles = bundles
      self.patternFailures = patternFailures
      self.variables = variables
      self.stateDirectories = stateDirectories
      self.namesStateDirectories = namesStateDirectories
      self.user = user
    }
  }

  let root: Root
  let request: Request
  /// The index of the mounted certificates.
  let index: CertificateIndex

  public init(_ root: Root, _ request: Request) {
    self.root = root
    self.request = request
    index = CertificateIndex(request.mounted.certificates)
  }

  /// - Parameter keepsTexts: whether to keep the text of every bundle, even one that is up to date.
  public mutating func read(keepsTexts: Bool = false) -> Snapshot {
    // Issuers are looked up in the texts.
    let needsTexts = keepsTexts || !request.mounted.orphans.isEmpty
    let standing = needsTexts ? nil : StandingBundles(request.mounted, index)
    var snapshot = Snapshot(mounted: request.mounted)
    snapshot.system = readStore(standing)
    snapshot.patternFailures = request.patternFailures
    for bundle in request.bundles {
      snapshot.bundles.append(
        BundleSnapshot(
          path: bundle.path, isRequired: bundle.isRequired,
          state: readBundle(bundle.path, standing, beside: snapshot)))
    }
    if !request.mounted.isEmpty {
      // Several variables usually name one file, which is read once.
      let order = SortedBytes(request.variables.map { Array($0.path.bytes) })
      for (number, variable) in request.variables.enumerated() {
        let first = order.number(of: variable.path.bytes) ?? number
        let state =
          first < number ? snapshot.variables[first].state : readVariable(variable.path, beside: snapshot)
        snapshot.variables.append(
          VariableSnapshot(name: variable.name, path: variable.path, use: variable.use, state: state))
      }
    }
    return snapshot
  }

  private mutating func readBundle(
    _ path: Path, _ standing: StandingBundles?, beside snapshot: Snapshot
  ) -> BundleSnapshot.State {
    if let identity = root.metadata(of: path)?.identity {
      // Another name of a file that was already read.
      for other in snapshot.bundles {
        if case .read(let file) = other.state, file.identity == identity { return other.state }
      }
      if let store = snapshot.system, store.identity == identity {
        var known: BundleSnapshot.Contents?
        if let text = store.text { known = .text(text) }
        if let bundle = store.standing { known = .standing(bundle) }
        if let known { return .read(BundleSnapshot.File(identity: identity, contents: known)) }
      }
    }
    var former: [UInt8] = snapshot.system?.text ?? []
    if case .read(let file) = snapshot.bundles.last?.state { former = file.contents.text ?? [] }
    do throws(BundleFile.Failure) {
      let file = try BundleFile.open(path, in: root, standing, like: former)
      defer { file.directory.close() }
      return .read(
        BundleSnapshot.File(
          identity: file.metadata.identity, contents: file.contents, hasLeftovers: file.hasLeftovers()))
    } catch .unreadable(let reason) {
      return .unreadable(reason)
    } catch {
      return .missing
    }
  }

  private func readVariable(_ path: Path, beside snapshot: Snapshot) -> VariableSnapshot.State {
    do throws(ReadError) {
      let file = try root.openFile(path)
      defer { file.close() }
      let metadata: Metadata
      do throws(Errno) { metadata = try file.metadata() } catch { throw .system(error) }
      if metadata.kind == .directory {
        return .directory(SortedBytes(hashedCertificates(in: Directory(descriptor: file, path: path), root)))
      }
      let identity = metadata.identity
      let isKnown =
        snapshot.system?.identity == identity || snapshot.bundles.contains { $0.identity == identity }
      if isKnown { return .file(identity, text: nil) }
      return .file(identity, text: try file.readAll(metadata, limit: bundleSizeLimit).contents)
    } catch {
      return .unreadable(error)
    }
  }

  /// Finds the answers to a plan's questions.
  public func answer(_ questions: [Question], in snapshot: inout Snapshot) {
    for question in questions {
      switch question {
      case .replaceability(let path): answerReplaceability(path, &snapshot)
      case .storeReplaceability(let byTool, let changesAnchors):
        answerStoreReplaceability(byTool: byTool, changesAnchors: changesAnchors, &snapshot)
      case .storeText:
        guard let bundle = snapshot.system?.family.bundle else { continue }
        snapshot.system?.standing = nil
        do throws(ReadError) {
          snapshot.system?.text = try root.read(bundle, limit: bundleSizeLimit)
        } catch {
          snapshot.system?.failure = error
        }
      case .bundleTexts: answerBundleTexts(&snapshot)
      case .stateDirectories:
        snapshot.stateDirectories = request.stateDirectories.map { readStateDirectory($0) }
      }
    }
  }

  /// Reads the texts of the bundles that were read in pieces.
  private func answerBundleTexts(_ snapshot: inout Snapshot) {
    for index in snapshot.bundles.indices {
      guard case .read(var file) = snapshot.bundles[index].state, file.contents.text == nil else { continue }
      do throws(BundleFile.Failure) {
        let found = try BundleFile.open(snapshot.bundles[index].path, in: root)
        defer { found.directory.close() }
        file.contents = found.contents
        snapshot.bundles[index].state = .read(file)
      } catch .unreadable(let reason) {
        snapshot.bundles[index].state = .unreadable(reason)
      } catch {
        snapshot.bundles[index].state = .missing
      }
    }
  }

  /// Answers for one file under all its names.
  private func answerReplaceability(_ path: Path, _ snapshot: inout Snapshot) {
    var asked: FileIdentity?
    for bundle in snapshot.bundles where bundle.path == path {
      if case .read(let file) = bundle.state { asked = file.identity }
    }
    for index in snapshot.bundles.indices {
      guard case .read(var file) = snapshot.bundles[index].state, file.identity == asked else { continue }
      do throws(BundleFile.Failure) {
        let found = try BundleFile.open(
          snapshot.bundles[index].path, in: root, like: file.contents.text ?? [])
        defer { found.directory.close() }
        file.replaceability = found.replaceability(for: request.user, in: root)
      } catch {
        file.replaceability = .blocked(Blocker(error))
      }
      snapshot.bundles[index].state = .read(file)
    }
  }
}

/// The DER of each certificate that OpenSSL finds in a directory: it looks for the hash of the subject with the suffix
/// 0, then 1, until a file does not exist.
public func hashedCertificates(in directory: Directory, _ root: Root) -> [[UInt8]] {
  let names = ((try? directory.names()) ?? []).filter { isHashedName($0) }
  let known = SortedBytes(names.map { Array($0.bytes) })
  return names.flatMap { name -> [[UInt8]] in
    let hash = name.bytes.prefix(8)
    let numbered = { (number: Int) in Array(hash) + [UInt8(ascii: ".")] + decimal(Int64(number)) }
    // No directory has that many certificates with one hash.
    guard let number = name.bytes.dropFirst(9).decimal(upTo: 255), Array(name.bytes) == numbered(number),
      (0...number).allSatisfy({ known.contains(numbered($0)) }),
      let text = try? root.read(directory.path.appending(name), limit: 1 << 20)
    else { return [] }
    return trustedDERs(in: text).filter { der in
      subjectHash(of: der)?[...] == hash
    }
  }
}
