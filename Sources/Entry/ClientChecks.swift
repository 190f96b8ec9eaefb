import Clients
import Linux
import Proxies
import Stores
import Text
import Trust

/// What `check` reports about the clients in the image: one result for each, and one for each bundle and store that no
/// start changes.
@inline(never)
func clientChecks(_ reading: ClientReading, _ planned: PlannedStart) -> [Check] {
  let stores = ManagedStores(planned)
  var checks = reading.unread.map { path, reason in
    Check(name: .client, target: path.shown, level: .warning, detail: report(unreadConfiguration: reason))
  }
  let verdicts = reading.verdicts()
  let unmanaged = planned.context.mounted.isEmpty ? [] : stores.unmanaged(reading.bundles, verdicts)
  for verdict in verdicts {
    let level = min(stores.level(of: verdict.trust), level(of: verdict.proxy, isExpected: stores.hasProxy))
    checks.append(
      Check(
        name: .client, target: "\(verdict.client.kind.name) (\(verdict.client.place.shown))", level: level,
        detail: report(
          verdict, isManaged: stores.areManaged, unmanaged, exported: planned.decision.plan.exported),
        verdict: verdict))
  }
  if planned.context.mounted.isEmpty { return checks }
  for bundle in reading.bundles where !stores.areManaged(bundle) {
    checks.append(
      Check(
        name: .client, target: bundle.shown, level: .info, detail: report(unmanaged: bundle, unmanaged)))
  }
  for store in reading.foreign {
    checks.append(
      Check(
        name: .client, target: "\(store.name) (\(store.path.shown))", level: .info, detail: foreignStoreText))
  }
  return checks
}

/// Which stores a start keeps up to date, and which it would still have to change.
private struct ManagedStores {
  private let planned: PlannedStart
  private let identities: [FileIdentity]

  init(_ planned: PlannedStart) {
    self.planned = planned
    let snapshot = planned.decision.snapshot
    let system = snapshot.system.flatMap { $0.builder == .nobody ? nil : $0.identity }
    identities = snapshot.bundles.compactMap { $0.identity } + (system.map { [$0] } ?? [])
  }

  var hasProxy: Bool { !planned.context.proxies.proxies.isEmpty }

  func areManaged(_ path: Path) -> Bool {
    guard let identity = planned.context.root.metadata(of: path)?.identity else { return false }
    return identities.contains(identity)
  }

  /// The bundles that no start changes and that clients read by default, without duplicates.
  func unmanaged(_ bundles: [Path], _ verdicts: [ClientVerdict]) -> [Path] {
    var paths: [Path] = []
    for path in bundles where !areManaged(path) { paths.append(path) }
    for verdict in verdicts {
      guard case .lacking(let path, .byDefault) = verdict.trust, !areManaged(path), !isSystemStore(path),
        !paths.contains(path)
      else { continue }
      paths.append(path)
    }
    return paths
  }

  /// A deliberate choice is a warning: a file of the user's own, or a system store that is switched off. So is a store
  /// that cannot be written, which is reported elsewhere. Anything that a start or a setting would repair is an error.
  func level(of trust: ClientTrust) -> Level {
    switch trust {
    case .unasked, .mounted, .ownRoots: return .info
    case .off: return .warning
    case .unusable, .refusing: return .error
    case .lacking(let path, let origin):
      if origin != .byDefault { return .warning }
      let decision = planned.decision
      if decision.snapshot.system?.builder == .nobody, isSystemStore(path) { return .warning }
      if !areManaged(path) { return isSystemStore(path) ? .warning : .error }
      let identity = planned.context.root.metadata(of: path)?.identity
      let changes = decision.plan.changes.contains { change in
        planned.context.root.metadata(of: change.store)?.identity == identity
      }
      return changes ? .error : .warning
    }
  }

  private func isSystemStore(_ path: Path) -> Bool {
    guard let store = planned.decision.snapshot.system else { return false }
    return path == store.family.bundle || path == Path("/etc/ssl/certs")
      || (store.identity != nil && planned.context.root.metadata(of: path)?.identity == store.identity)
  }
}

/// - Parameter isExpected: whether there is a proxy that the client should use.
private func level(of proxy: ClientProxy, isExpected: Bool) -> Level {
  switch proxy {
  case .unasked, .environment, .unused: .info
  case .own, .none: isExpected ? .warning : .info
  }
}

/// `check --clients`: what each client will do, and why.
@inline(never)
func clientTable(_ verdicts: [ClientVerdict]) -> Text {
  var table = Table(endsInSentences: true)
  table.row(["client", "trust", "proxy", "why"])
  for verdict in verdicts {
    table.row([
      "\(verdict.client.kind.name) (\(verdict.client.place.shown))", verdict.trust.word, verdict.proxy.word,
      report(verdict, isManaged: { _ in true }, []),
    ])
  }
  return table.text
}
