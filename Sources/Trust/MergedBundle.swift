import Certificates
import Text

/// The contents of a private bundle as a single file that belongs to no store.
public struct MergedBundle: Sendable {
  public enum Refusal: Error, Equatable, Sendable {
    /// There is no base that clients trust without it.
    case noBase
    /// A bundle or the system store cannot be read, so what it trusts would be lost.
    case baseUnknown
    /// It would exceed ``bundleSizeLimit``.
    case tooLarge
  }

  public let text: [UInt8]
  /// The number of certificates in it, and how many of them are in the managed section.
  public let count: Int
  public let managedCount: Int
}

/// Merges what the clients of each bundle and of the system store trust, without what psm-entry has added, with the
/// mounted certificates.
/// - Parameters:
///   - snapshot: has the texts of the store and of every bundle.
///   - former: the present contents of the destination: its managed section is kept if some input could not be read.
/// - Returns: findings about the bundles, and the merged bundle or why there is none.
@inline(never)
public func mergedBundle(
  _ snapshot: Snapshot, former: [UInt8]?
) -> (findings: [Finding], result: Result<MergedBundle, MergedBundle.Refusal>) {
  var planner = Planner(snapshot)
  planner.findUnusable()
  if !planner.isTrustKnown { return (planner.plan.findings, .failure(.baseUnknown)) }
  var kept: [Certificate] = []
  if !snapshot.mounted.isComplete, let former, let range = ManagedSection.locate(in: former).range {
    kept = certificates(in: former[range])
  }
  let base = commonBase(of: planner.redirectedTexts(beside: nil))
  let merge = BundleMerge(of: base, mounted: snapshot.mounted.adding(kept))
  planner.lastMerge = merge
  planner.findMissingIssuers()
  let findings = planner.plan.findings
  switch merge.refusal {
  case .empty, .noCertificates: return (findings, .failure(.noBase))
  case .tooLarge: return (findings, .failure(.tooLarge))
  case nil: break
  }
  return (
    findings,
    .success(MergedBundle(text: merge.privateText, count: merge.count, managedCount: merge.managedCount))
  )
}

extension Planner {
  /// Finds the bundles, and perhaps the store, that cannot go into a merged bundle.
  @inline(never)
  fileprivate mutating func findUnusable() {
    if let failure = snapshot.system?.failure, let store = snapshot.system {
      find(.system, .error, store.family.bundle.shown, .storeUnreadable(failure))
    }
    for failure in snapshot.patternFailures {
      find(.bundle, .error, failure.pattern.shown, .pattern(failure.reason))
    }
    var seen: [FileIdentity] = []
    for bundle in snapshot.bundles {
      switch bundle.state {
      case .missing:
        if bundle.isRequired { find(.bundle, .error, bundle.path.shown, .missing) }
      case .unreadable(let reason): find(.bundle, .error, bundle.path.shown, .unreadable(reason))
      case .read(let file):
        if seen.contains(file.identity) { continue }
        seen.append(file.identity)
        guard let text = file.text else { continue }
        let contents = BundleContents(reading: ManagedSection.base(of: text))
        if contents.certificates.isEmpty {
          find(.bundle, .error, bundle.path.shown, text.isEmpty ? .empty : .noCertificates)
        } else if let damage = contents.damage {
          find(.bundle, .warning, bundle.path.shown, .malformed(damage, isRepaired: nil))
        }
      }
    }
  }
}
