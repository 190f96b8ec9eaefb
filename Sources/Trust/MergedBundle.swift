import Certificates
import Text

/// What a private bundle would hold, as one file that no store knows of.
public struct MergedBundle: Sendable {
  public enum Refusal: Error, Equatable, Sendable {
    /// There is nothing that clients trust without it.
    case noBase
    /// A bundle or the system store cannot be read: what it trusts would be lost.
    case baseUnknown
    /// It would have more than ``bundleSizeLimit`` bytes.
    case tooLarge
  }

  public let text: [UInt8]
  /// Certificates in it, and how many of them stand in the managed section.
  public let count: Int
  public let managedCount: Int
}

/// Merges what the clients of each bundle and of the system store trust, less what psm-entry has added, with what is
/// mounted.
/// - Parameters:
///   - snapshot: with the texts of the store and of every bundle.
///   - former: what stands where it is to go: it keeps its managed section where not all that is mounted could be read.
/// - Returns: what is worth knowing of the bundles, and the merged one or why there is none.
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
  /// What of the bundles and the store does not go into a merged one.
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
