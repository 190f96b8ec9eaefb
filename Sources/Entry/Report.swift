import Certificates
import Linux
import Stores
import Text
import Trust

// Turns findings and facts about the stores into messages; their words are all here.

/// - Parameter isPlanned: whether the message is about a start to come, rather than one that is under way.
func report(_ finding: Finding, isPlanned: Bool = false) -> Problem {
  Problem(
    level: finding.level, subject: finding.subject,
    message: isPlanned ? finding.kind.plannedText : finding.kind.text, event: finding.kind.event)
}

/// The messages for findings; at most eight for certificates whose issuer is missing.
func report(_ findings: [Finding], isPlanned: Bool = false) -> [Problem] {
  var problems: [Problem] = []
  var orphans = 0
  for finding in findings {
    if case .issuerMissing = finding.kind {
      orphans += 1
      if orphans > messageLimit { continue }
    }
    problems.append(report(finding, isPlanned: isPlanned))
  }
  if orphans > messageLimit {
    problems.append(
      Problem(
        level: .warning, subject: "PSM_ENTRY_CERTS",
        message: "\(moreText(orphans - messageLimit)): issuer missing; mount the issuers as well",
        event: "certificate.issuer_missing"))
  }
  return problems
}

@inline(never)
func report(_ fact: Fact) -> Problem {
  var fields: [Problem.Field] = []
  if case .updated(_, let added, let removed, _) = fact.kind {
    fields = [Problem.Field("added", .number(added)), Problem.Field("removed", .number(removed))]
  }
  return Problem(
    level: fact.level, subject: fact.subject, message: fact.text, event: fact.kind.event, fields: fields)
}

/// - Parameter blocker: why the merged bundle was not written.
func report(notWritten path: Path, _ blocker: Blocker) -> Problem {
  Problem(
    level: .error, subject: path.shown,
    message: "not written: \(blocker.text); make the directory writable, or name a file elsewhere",
    event: "bundle.not_written")
}

/// - Parameter reason: why nothing can be written to the path.
func report(noDestination path: Path, _ reason: ReadError) -> Problem {
  Problem(
    level: .error, subject: path.shown,
    message: "\(reason.shortText); name a file, or '-' for standard output",
    event: "bundle.not_written")
}

extension Finding.Kind {
  /// What `plan` and `check` say: nothing is repaired yet.
  fileprivate var plannedText: Text {
    guard case .malformed(let damage, isRepaired: true?) = self else { return text }
    return "\(malformedText(damage)); a start repairs it, original saved as *.psm-entry-damaged"
  }

  /// Whether the message says that another file is used, which holds only once that file is written.
  var namesSubstitute: Bool {
    switch self {
    case .blocked(_, _?, _, stillTrusted: 0), .sameFileLacks(_?), .storeLacks(_?), .redirected: true
    default: false
    }
  }

  fileprivate var text: Text {
    switch self {
    case .missing: "no such file; set PSM_ENTRY_BUNDLES to the bundles of this image"
    case .pattern(.tooMany):
      "matches more than \(entryLimit) entries, not used; name the bundles, or use fewer '*'"
    case .pattern(.unreadable(let error)):
      "cannot read a directory (\(lowerCased(error))), not used; check its permissions and the mount"
    case .unreadable(.tooLarge):
      "larger than 64 MiB, left unchanged; restore it from the image"
    case .unreadable(let reason):
      "\(reason.shortText), so its clients do not trust the mounted certificates; \(reason.remedy)"
    case .empty: "empty, so its clients trust nothing; restore it from the image"
    case .noCertificates: "contains no certificate, so its clients trust nothing; restore it from the image"
    case .onlyRemoved: "contains only removed certificates, left unchanged; restore it from the image"
    case .tooLarge: "would exceed 64 MiB, left unchanged; mount fewer CAs"
    case .strayMarkers: "stray psm-entry marker lines, left unchanged; remove them"
    case .refusedBySome(let line, let fault):
      "line \(line): \(fault.finding); remove this certificate from the bundle"
    case .malformed(let damage, let isRepaired): malformedText(damage, isRepaired)
    case .blocked(let blocker, let substitute, let onlyRemoves, let stillTrusted):
      blockedText(blocker, substitute, onlyRemoves: onlyRemoves, stillTrusted: stillTrusted)
    case .sameFileLacks(let substitute):
      "same file as an earlier bundle that could not be updated (see above)\(using(substitute))"
    case .noStore:
      "no bundle and no system store, so no client trusts the mounted certificates; set PSM_ENTRY_BUNDLES to the bundles of this image, or install ca-certificates"

    case .storeUnreadable(let reason):
      "cannot read the system store (\(reason.shortText)), left unchanged; \(reason.remedy)"
    case .storeBlocked(let blocker, let count): storeBlockedText(blocker, stillTrusted: count)
    case .storeTooLarge:
      "system store would exceed 64 MiB, left unchanged; mount fewer CAs"
    case .tooMany(let count):
      "too slow for \(count) certificates, the system store is written without it; raise PSM_ENTRY_TIMEOUT to run it"
    case .ignored(let subject, let reason, let count, let isOneReason):
      ignoredText(subject, reason, count, isOneReason)
    case .notBuilt(let subject, let count, let ending):
      count == 0
        ? "\(subject) is missing after the system's tool \(ending.text); \(withoutTool)"
        : "\(subject) and \(count) more are missing after the system's tool \(ending.text); \(withoutTool)"
    case .builtUnreadable(let ending):
      "missing or unreadable after the system's tool \(ending.text)"
    case .builtMalformed(let ending):
      "malformed after the system's tool \(ending.text), so clients reject the whole file; \(withoutTool)"
    case .notRemoved(let count, let ending):
      "\(removed(count)) still trusted after the system's tool \(ending.text)"
    case .trustedOtherwise(let count):
      "\(removed(count)) still trusted through the distribution or another anchor; remove that one as well"
    case .storeLacks(nil):
      "cannot be updated and there is no private bundle, so no client trusts the mounted certificates; make it or PSM_ENTRY_STATE_DIR writable"
    case .storeLacks(let substitute): "does not trust the mounted certificates\(using(substitute))"

    case .issuerMissing(_, let subject, let issuer): "\(subject): \(issuerMissingText(issuer))"

    case .stateDirectoryFailed(.foreign): "not a directory owned by this user, skipped"
    case .stateDirectoryFailed(.system(let error)): "cannot use the state directory: \(lowerCased(error))"
    case .stateDirectoryFailed(.notWritten(let blocker)): "cannot use the state directory: \(blocker.text)"
    case .stateDirectoryUnguarded:
      "other users can replace this directory (its parent is writable for them); set PSM_ENTRY_STATE_DIR to one that only root or this user can replace"

    case .variableUnreadable(let path, let reason, isOnlyTrust: false):
      "\(shownValue(path)): \(reason.shortText); correct or unset the variable"
    case .variableUnreadable(let path, let reason, isOnlyTrust: true):
      "\(shownValue(path)): \(reason.shortText), so clients that use the variable trust nothing; unset it"
    case .variableLacks(let path, let subject, let count, let isBundle):
      lacksText(path, subject, count, isBundle: isBundle)
    case .variableLacksPublic(let path):
      "\(shownValue(path)) contains no public CA, so its clients reject public hosts; unset the variable, or add the public CAs to the file"
    case .redirected(let from, let to): "\(from.shown) could not be updated; using \(to.shown) instead"
    }
  }

  /// A stable name for machines.
  fileprivate var event: StaticString {
    switch self {
    case .missing: "bundle.missing"
    case .pattern: "bundle.pattern"
    case .unreadable: "bundle.unreadable"
    case .empty, .noCertificates, .onlyRemoved: "bundle.empty"
    case .tooLarge: "bundle.too_large"
    case .strayMarkers: "bundle.stray_markers"
    case .refusedBySome: "bundle.refused_by_some"
    case .malformed: "bundle.malformed"
    case .blocked: "bundle.blocked"
    case .sameFileLacks: "bundle.same_file"
    case .noStore: "bundle.none"
    case .storeUnreadable: "store.unreadable"
    case .storeBlocked: "store.blocked"
    case .storeTooLarge: "store.too_large"
    case .tooMany: "store.too_many"
    case .ignored: "store.ignored"
    case .notBuilt, .builtUnreadable, .builtMalformed: "store.not_built"
    case .notRemoved, .trustedOtherwise: "store.not_removed"
    case .storeLacks: "store.lacks"
    case .issuerMissing: "certificate.issuer_missing"
    case .stateDirectoryFailed: "state_directory.failed"
    case .stateDirectoryUnguarded: "state_directory.unguarded"
    case .variableUnreadable: "variable.unreadable"
    case .variableLacks, .variableLacksPublic: "variable.lacks"
    case .redirected: "variable.redirected"
    }
  }
}

extension Fact {
  fileprivate var text: Text {
    switch kind {
    case .updated(let store, let added, let removed, let isRepaired):
      updatedText(store, added: added, removed: removed, isRepaired: isRepaired)
    case .written(let count, let mounted): "written: \(certificates(count)), \(mounted) of them added"
    case .removed: "removed"
    case .lockPassedOver:
      "cannot lock the directory in time (locked by another process, or locks are not supported); continuing without the lock"
    case .anchorFailed(let blocker): "cannot update the anchor: \(blocker.text)"
    case .toolOutput: detail
    case .kept(let count): "\(leftOut(count)); added again"
    case .leftOut(let count, let blocker): "\(leftOut(count)); cannot restore: \(blocker.text)"
    case .lost(nil): "lost by the system's tool; restored"
    case .lost(let blocker?): "lost by the system's tool; cannot restore: \(blocker.text)"
    }
  }
}

extension Fact.Kind {
  /// A stable name for machines.
  fileprivate var event: StaticString {
    switch self {
    case .updated(.system, _, _, _): "store.updated"
    case .updated: "bundle.updated"
    case .written: "private_bundle.written"
    case .removed: "private_bundle.removed"
    case .lockPassedOver: "lock.passed_over"
    case .anchorFailed: "store.anchor_failed"
    case .toolOutput: "store.tool_output"
    case .kept: "store.kept"
    case .leftOut: "store.lost"
    case .lost(nil): "store.restored"
    case .lost: "store.lost"
    }
  }
}

private func lacksText(_ path: Path, _ subject: Text, _ count: Int, isBundle: Bool) -> Text {
  let more: Text = count == 0 ? "" : " and \(count) more"
  let other: Text = isBundle ? ", or set PSM_ENTRY_BUNDLES=default:FILE" : ""
  return "\(shownValue(path)) lacks \(subject)\(more); unset the variable\(other)"
}

private func updatedText(_ store: StoreChange.Kind, added: Int, removed: Int, isRepaired: Bool) -> Text {
  var parts: [Text] = []
  if added > 0 { parts.append("\(certificates(added)) added") }
  if removed > 0 { parts.append(added > 0 ? "\(removed) removed" : "\(certificates(removed)) removed") }
  if isRepaired { parts.append("repaired") }
  if parts.isEmpty { parts.append(store == .system ? "rebuilt" : "managed section rewritten") }
  return parts.joined(by: ", ")
}

private func ignoredText(
  _ subject: Text, _ reason: Finding.Reason, _ count: Int, _ isOneReason: Bool
) -> Text {
  let which: Text = count == 0 || !isOneReason ? subject : "\(subject) and \(count) more"
  let others: Text = isOneReason ? "" : " and \(count) more for other reasons"
  let why: Text
  switch reason {
  case .notAuthority: why = "not a CA"
  case .otherUsage: why = "extended key usage lacks serverAuth"
  case .blocked: why = "on the system's blocklist"
  case .anchorName: return "ignores \(which) (not in a file named *.crt)\(others); rename the file to *.crt"
  case .anchorsAreInput:
    return
      "does not get \(which), because its anchors directory is an input and left unchanged\(others); mount it there as well"
  }
  return "ignores \(which) (\(why))\(others), added to the bundles only"
}

/// What to do if the distribution's tool fails.
private let withoutTool: StaticString = "set PSM_ENTRY_SYSTEM=native to update the store without it"

func issuerMissingText(_ issuer: Text) -> Text {
  "issuer \(issuer) is neither mounted nor in the bundle, so Python before 3.13 does not trust it; mount the issuer as well"
}

private func malformedText(_ damage: BundleContents.Damage) -> Text {
  let effect: Text = damage.isIncomplete ? "miss a certificate or reject" : "reject"
  return "malformed at line \(damage.line) (\(damage.text)), so clients \(effect) the whole file"
}

private func malformedText(_ damage: BundleContents.Damage, _ isRepaired: Bool?) -> Text {
  let fault = malformedText(damage)
  return switch isRepaired {
  case true?: "\(fault); repaired, original saved as *.psm-entry-damaged"
  case false?: "\(fault); restore it from the image"
  case nil: "\(fault); restore it from the image, or mount a CA to have it repaired"
  }
}

private func blockedText(
  _ blocker: Blocker, _ substitute: Path?, onlyRemoves: Bool, stillTrusted count: Int
) -> Text {
  if let substitute, count > 0 {
    return
      "cannot replace (\(blocker.text)), so \(removed(count)) still trusted by clients that do not use \(substitute.shown); make the file and its directory writable"
  }
  if substitute != nil { return "cannot replace (\(blocker.text))\(using(substitute))" }
  let effect: Text =
    onlyRemoves
    ? "its clients still trust the removed certificates" : "its clients do not trust the mounted certificates"
  return "cannot replace (\(blocker.text)), so \(effect); make the file and its directory writable"
}

private func storeBlockedText(_ blocker: Blocker, stillTrusted count: Int) -> Text {
  let what: Text = "cannot write the system store (\(blocker.text)), so"
  if count > 0 { return "\(what) \(removed(count)) still trusted; make it writable" }
  return
    "\(what) clients that read only this store (wget, aria2) do not trust the mounted certificates; make it writable, or set PSM_ENTRY_SYSTEM=off"
}

private func leftOut(_ count: Int) -> Text {
  "the system's tool left out \(certificates(count)) of this store"
}

private func using(_ substitute: Path?) -> Text { substitute.map { "; using \($0.shown) instead" } ?? "" }

/// A number of certificates, with the right plural.
func certificates(_ count: Int) -> Text { count == 1 ? "1 certificate" : "\(count) certificates" }

private func removed(_ count: Int) -> Text {
  count == 1 ? "1 removed certificate is" : "\(count) removed certificates are"
}
