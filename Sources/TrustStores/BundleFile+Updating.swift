import Certificates
import Linux

/// What became of a bundle.
public struct BundleUpdate {
  public enum Outcome: Equatable, Sendable {
    /// It was as it should be, or was left as it is for the reason in the merge.
    case untouched
    case replaced
    /// It could not be replaced by a rename.
    case irreplaceable(Replacement.Failure)
    /// The damaged original could not be kept, so nothing was repaired.
    case originalNotKept(Errno)
  }

  public let file: BundleFile
  public let merge: BundleMerge
  public let outcome: Outcome
  /// What stands under the bundle's name afterwards.
  public let identity: Metadata.Identity
  /// Whether the folder's lock could not be had in time and was passed over.
  public let passedOverLock: Bool
}

extension BundleFile {
  /// Brings the bundle at `path` to what is wanted; writes nothing where nothing is to change.
  ///
  /// It is read without the lock first, since most starts change nothing. To change it, the lock on its
  /// folder is taken and it is read again, so that of two starts at once the second sees
  /// what the first has written.
  /// - Parameters:
  ///   - other: another bundle's merge: a base that both have is read once.
  ///   - spare: a text that nobody needs any more.
  ///   - former: see ``BundleMerge/init(of:wanted:like:less:)``.
  ///   - isTrial: whether nothing is to be written, and only said what would be.
  ///   - lockDeadline: until when the lock is waited for.
  public static func update(
    _ path: Path, in root: Root, wanted: Wanted, like other: BundleMerge?, less former: [[UInt8]] = [],
    reusing spare: inout [UInt8], isTrial: Bool, lockDeadline: Deadline
  ) throws(Failure) -> BundleUpdate {
    var file = try open(path, in: root, like: other?.readText ?? [], reusing: &spare)
    defer { file.folder.close() }
    var merge = BundleMerge.merge(of: file.text, wanted: wanted, like: other, less: former)
    if isTrial { return file.trial(of: merge) }
    let hasLeftovers = file.hasLeftovers()
    if merge.text == nil && !hasLeftovers {
      return BundleUpdate(
        file: file, merge: merge, outcome: .untouched, identity: file.metadata.identity, passedOverLock: false
      )
    }
    let hasLock = file.folder.lock(until: lockDeadline)
    if hasLock && hasLeftovers { file.removeLeftovers() }
    // Somebody who takes no lock, such as a package manager, may replace it meanwhile: then its
    // new text is merged, and after three times it is left to the next start.
    var outcome = BundleUpdate.Outcome.untouched
    for _ in 0..<3 {
      file = try file.reread()
      merge = BundleMerge.merge(of: file.text, wanted: wanted, like: merge, less: former)
      guard let text = merge.text else {
        outcome = .untouched
        break
      }
      outcome = file.replace(with: text, merge)
      if outcome != .irreplaceable(.overtaken) { break }
    }
    let identity = (file.folder.metadata(of: file.name) ?? file.metadata).identity
    return BundleUpdate(
      file: file, merge: merge, outcome: outcome, identity: identity, passedOverLock: !hasLock)
  }

  /// What would become of the bundle, as far as that can be known without trying.
  private func trial(of merge: BundleMerge) -> BundleUpdate {
    var outcome = BundleUpdate.Outcome.untouched
    if merge.text != nil { outcome = obstacle.map { .irreplaceable($0) } ?? .replaced }
    return BundleUpdate(
      file: self, merge: merge, outcome: outcome, identity: metadata.identity, passedOverLock: false)
  }

  private func replace(with text: [UInt8], _ merge: BundleMerge) -> BundleUpdate.Outcome {
    if merge.isRepair {
      // Nothing is kept of what will stay as it is.
      if let obstacle { return .irreplaceable(obstacle) }
      do throws(Errno) { try keepOriginal() } catch { return .originalNotKept(error) }
    }
    let replacement = Replacement(
      mode: metadata.mode, owner: (metadata.user, metadata.group), expected: metadata)
    do throws(Replacement.Failure) {
      try replacement.replace(name, in: folder, with: text, check: merge.isWhole)
      return .replaced
    } catch {
      return .irreplaceable(error)
    }
  }

  /// Gives the original a second name. One that is kept already stays: it is the older one.
  private func keepOriginal() throws(Errno) {
    do throws(Errno) {
      try folder.link(name, to: keptName)
    } catch {
      if error == .exists { return }
      if error == .readOnlyFileSystem { throw error }
      try copyOriginal()
    }
  }

  private func copyOriginal() throws(Errno) {
    let copy = Replacement(mode: metadata.mode, owner: (metadata.user, metadata.group), expected: nil)
    do throws(Replacement.Failure) {
      try copy.replace(keptName, in: folder, with: text) { _ in true }
    } catch .system(_, let error) {
      throw error
    } catch {
      throw .exists
    }
  }

  private func removeLeftovers() {
    // The look for them has read the folder to its end.
    try? folder.descriptor.rewind()
    guard let names = try? folder.descriptor.unsortedNames() else { return }
    Replacement.removeLeftovers(of: name, in: folder, among: names)
    Replacement.removeLeftovers(of: keptName, in: folder, among: names)
  }
}
