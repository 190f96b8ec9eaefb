import Certificates
import Clients
import Linux
import Stores
import Text
import Trust

/// Finds the clients of an image in their well-known places, and reads the facts for judging them. It runs nothing and
/// walks no directory tree: it looks up names and lists a few directories.
final class ClientReading {
  let root: Root
  let environment: Environment
  let snapshot: Snapshot
  let wanted: [Certificate]
  var clients: [Client] = []
  private(set) var facts: ClientFacts
  /// The bundles in Python packages, in the order in which they were found.
  var bundles: [Path] = []
  /// Stores that no start changes, with the name of their reader.
  var foreign: [(name: StaticString, path: Path)] = []
  /// Configuration files that were not read, with the reason.
  private(set) var unread: [(path: Path, reason: ReadError)] = []
  /// A Python in PATH or under /conda that sets VERIFY_X509_STRICT.
  var strictPython: Path?

  /// - Parameter hasStrictFault: whether VERIFY_X509_STRICT refuses a mounted CA.
  init(_ planned: PlannedStart, hasStrictFault: Bool) {
    root = planned.context.root
    environment = planned.environment
    snapshot = planned.decision.snapshot
    wanted = planned.context.mounted.certificates.filter { $0.isAuthority && $0.allowsServerAuthentication }
    let home = environment.value(of: "HOME").flatMap { $0.isEmpty ? nil : Path($0) } ?? Path("/")
    facts = ClientFacts(
      environment: environment.entries, home: home, mountedCount: wanted.count, hasStrictFault: hasStrictFault
    )
    facts.systemBundle = snapshot.system?.family.clientPaths.first
    findPrograms()
    findPythons()
    findForeignStores()
    for client in clients { readConfiguration(of: client) }
  }

  /// What each client will do. Stores are read as the judgement asks for them.
  func verdicts() -> [ClientVerdict] {
    // A question leads to at most one more for each usual bundle, and each store is read once.
    for _ in 0..<Self.roundLimit {
      let judgement = Judgement(facts)
      let verdicts = clients.map { judgement.verdict(on: $0) }
      if judgement.questions.isEmpty { return verdicts }
      for question in judgement.questions {
        facts.stores.append(
          (
            question.path, question.isDirectory,
            question.isDirectory ? readDirectory(question.path) : readFile(question.path)
          ))
      }
    }
    return []
  }

  private static let roundLimit = 64

  /// The size limit in bytes for configuration files and parts of Python's own code, which are never larger.
  static let fileLimit = 1 << 18

  private func readConfiguration(of client: Client) {
    for path in facts.configurationPaths(of: client) {
      if path.bytes.last != UInt8(ascii: "/") {
        readConfiguration(path)
        continue
      }
      let directory = Path(path.bytes.dropLast())
      for name in names(in: directory).prefix(messageLimit * 8) {
        let ending = name.bytes.suffix(5)
        if ending.suffix(4).isEqual(to: ".yml") || ending.isEqual(to: ".yaml") {
          readConfiguration(directory.appending(name))
        }
      }
    }
  }

  private func readConfiguration(_ path: Path) {
    if facts.files.contains(where: { $0.path == path }) || unread.contains(where: { $0.path == path }) {
      return
    }
    do throws(ReadError) { facts.files.append((path, try root.read(path, limit: Self.fileLimit))) } catch {
      switch error {
      // A client that does not find the file, or may not read it, has no such configuration.
      case .system, .notRegular: break
      case .tooLarge: unread.append((path, error))
      }
    }
  }

  /// Reads a file of CAs. A directory is read as such: requests accepts both.
  private func readFile(_ path: Path) -> ClientFacts.Store {
    guard let metadata = root.metadata(of: path) else {
      do throws(Errno) { _ = try root.status(of: path) } catch {
        return error == .noSuchFile || error == .notDirectory ? .missing : .unreadable(.system(error))
      }
      return .missing
    }
    if metadata.kind == .directory { return readDirectory(path) }
    if let store = snapshot.system, store.identity == metadata.identity,
      store.trusted.count == snapshot.mounted.certificates.count, store.failure == nil
    {
      let known = zip(snapshot.mounted.certificates, store.trusted)
      return .read(known.filter { isWanted($0.0) }.map { $0.1 }, isDirectory: false)
    }
    for bundle in snapshot.bundles {
      if case .read(let file) = bundle.state, file.identity == metadata.identity {
        switch file.contents {
        case .text(let text): return contents(of: text)
        case .standing: return .read(wanted.map { _ in true }, isDirectory: false)
        }
      }
    }
    do throws(ReadError) { return contents(of: try root.read(path, limit: bundleSizeLimit)) } catch {
      return .unreadable(error)
    }
  }

  private func isWanted(_ certificate: Certificate) -> Bool { wanted.contains { $0 === certificate } }

  private func contents(of text: [UInt8]) -> ClientFacts.Store {
    let bundle = BundleContents(reading: text)
    if bundle.damage != nil { return .malformed }
    if bundle.certificates.isEmpty { return .empty }
    return .read(trusted(SortedBytes(trustedDERs(in: text))), isDirectory: false)
  }

  private func readDirectory(_ path: Path) -> ClientFacts.Store {
    do throws(Errno) {
      let directory = try Directory(path, in: root)
      defer { directory.close() }
      let certificates = hashedCertificates(in: directory, root)
      return certificates.isEmpty ? .empty : .read(trusted(SortedBytes(certificates)), isDirectory: true)
    } catch {
      return error == .noSuchFile || error == .notDirectory ? .missing : .unreadable(.system(error))
    }
  }

  private func trusted(_ ders: SortedBytes) -> [Bool] { wanted.map { ders.contains($0.der) } }
}
