import Certificates
import Text

/// The largest bundle that is read or written, in bytes; the Mozilla set has 250,000.
public let bundleSizeLimit = 64 << 20

/// What a bundle's text should become, and why: a pure function of the text and what is mounted.
public final class BundleMerge: Sendable {
  public enum Refusal: Equatable, Sendable {
    /// There is no certificate in it: with ours alone, everything public would lose its trust.
    case empty
    case noCertificates
    /// It would have more than ``bundleSizeLimit`` bytes, and could not be read any more.
    case tooLarge
  }

  /// The new text; nil where it is to stay as it is.
  public let text: [UInt8]?
  /// Fingerprints that the managed section gains and loses.
  public let added: [Fingerprint]
  public let removed: [Fingerprint]
  /// What is wrong with the base, and whether `text` mends it.
  public let damage: BundleContents.Damage?
  public let isRepair: Bool
  /// The first certificate of the base for which GnuTLS or Java would refuse the file, though OpenSSL reads it. Keys
  /// and extensions are looked at only where the text is to change.
  public var fault: (line: Int, reason: CertificateFault)? {
    base.fault ?? (text == nil ? nil : base.valueFault)
  }
  public let hasStrayMarks: Bool
  public let refusal: Refusal?
  /// Whether the text, as it stands, trusts all that is mounted.
  public let trustsAllMounted: Bool

  /// What of the base is trusted, and what the section holds after the merge.
  private let base: BundleContents
  private let section: [Certificate]
  /// What the base was read from, and how much of it.
  private let baseText: [UInt8]
  private let baseCount: Int
  /// What was merged.
  public let readText: [UInt8]
  private let mounted: MountedCertificates

  /// The same as `init`, or the other merge where that is of the same.
  static func merge(
    of text: [UInt8], mounted: MountedCertificates, like other: BundleMerge?, less former: [Fingerprint] = []
  ) -> BundleMerge {
    if let other, former.isEmpty, other.mounted == mounted, text[...].isEqual(to: other.readText[...]) {
      return other
    }
    return BundleMerge(of: text, mounted: mounted, like: other, less: former)
  }

  /// - Parameters:
  ///   - other: the merge of another bundle. Where the base is the same it is not read again.
  ///   - former: fingerprints of what is no longer mounted and stands in the base because the
  ///     distribution's tool has built it from our anchors.
  public init(
    of text: [UInt8], mounted: MountedCertificates, like other: BundleMerge? = nil,
    less former: [Fingerprint] = []
  ) {
    readText = text
    self.mounted = mounted
    let location = ManagedSection.locate(in: text)
    hasStrayMarks = location.hasStrayMarks
    var old = location.range.map { text[$0] } ?? []
    // The usual case copies nothing.
    var baseText = text
    var baseCount = location.range?.lowerBound ?? text.count
    if let range = location.range, range.upperBound < text.count {
      // What was appended behind the section is base as well.
      baseText = without(range, text)
      baseCount = baseText.count
    }
    var base: BundleContents
    if let other, other.baseText[..<other.baseCount].isEqual(to: baseText[..<baseCount]) {
      base = other.base
    } else {
      base = BundleContents(reading: baseText, upTo: baseCount)
    }
    var taken: [Fingerprint] = []
    if !former.isEmpty {
      let order = SortedBytes(former.map { $0.bytes })
      taken = base.certificates.map { Fingerprint(of: base.der(of: $0)) }.filter { order.contains($0.bytes) }
      if !taken.isEmpty {
        baseText = withoutCertificates(former, Array(baseText[..<baseCount]))
        baseCount = baseText.count
        base = BundleContents(reading: baseText)
      }
    }
    var (all, section) = Self.section(for: mounted, old, base)
    if hasStrayMarks && section.isEmpty {
      // Where no section is to stand, an earlier one would be taken for it at the next start.
      baseText = Array(baseText[..<baseCount])
      while section.isEmpty, let range = ManagedSection.locate(in: baseText).range {
        old = concatenated(old, Array(baseText[range]))[...]
        baseText = without(range, baseText)
        base = BundleContents(reading: baseText)
        (all, section) = Self.section(for: mounted, old, base)
      }
      baseCount = baseText.count
    }
    self.base = base
    self.baseText = baseText
    self.baseCount = baseCount
    self.section = section
    damage = base.damage
    var refusal: Refusal? =
      base.certificates.isEmpty ? (old.count == text.count ? .empty : .noCertificates) : nil

    let new = ManagedSection.text(for: section)
    if refusal == nil && baseCount + new.count > bundleSizeLimit { refusal = .tooLarge }
    self.refusal = refusal
    isRepair = damage != nil && !all.isEmpty && refusal == nil
    let stands =
      taken.isEmpty && old.isEqual(to: new[...]) && (location.range?.upperBound ?? text.count) == text.count
    trustsAllMounted = stands && damage == nil && refusal == nil
    // Where nothing is mounted, an old section goes even so.
    if (refusal != nil && !all.isEmpty) || (stands && !isRepair) {
      self.text = nil
      (added, removed) = ([], [])
      return
    }
    self.text = isRepair ? base.canonicalText + new : joined(baseText[..<baseCount], new)
    let before = sorted(certificates(in: old)).map { $0.fingerprint } + taken
    let after = section.map { $0.fingerprint }
    added = difference(of: after, and: before)
    removed = difference(of: before, and: after)
  }

  /// The text of a bundle beside the original: the base's certificates in canonical form, then
  /// the section.
  public var privateText: [UInt8] { base.canonicalText + ManagedSection.text(for: section) }

  /// What a client that reads the text as it stands does not trust of what is mounted.
  public var untrustedNow: [Certificate] {
    if trustsAllMounted { return [] }
    return missing(mounted.certificates, in: readText)
  }

  /// The DER of each certificate of the base.
  var baseDERs: [[UInt8]] { base.certificates.map { base.der(of: $0) } }

  /// The subject of each certificate of the base, as DER.
  var baseSubjects: [[UInt8]] { base.subjects }

  /// What the section holds after the merge.
  var managed: [Fingerprint] { section.map { $0.fingerprint } }

  /// How many certificates are ours, and how many there are in all.
  public var managedCount: Int { section.count }
  public var count: Int { base.certificates.count + section.count }

  /// Whether `written` is what a bundle must be after this merge: readable from one end to the
  /// other, with every certificate of the base and of the section.
  public func isWhole(_ written: [UInt8]) -> Bool {
    // A damaged base is left as it was when nothing is mounted, and only loses its section.
    if damage != nil && !isRepair { return true }
    // A base that stands there as it was read, to the end of a line, is not read once more.
    let base = baseText[..<baseCount]
    let isRead = damage == nil && base.last == newline && written[...].begins(with: base)
    let contents = BundleContents(reading: isRead ? Array(written[baseCount...]) : written)
    return contents.damage == nil
      && contents.certificates.count == (isRead ? section.count : count)
      && !CertificateIndex(section).trusted(by: contents).contains(false)
  }

  /// What is to be trusted, and what of it the section is to hold: what the base does not trust already.
  private static func section(
    for mounted: MountedCertificates, _ old: ArraySlice<UInt8>, _ base: BundleContents
  ) -> (all: [Certificate], section: [Certificate]) {
    let all = mounted.isComplete ? mounted.certificates : mounted.adding(certificates(in: old)).certificates
    return (all, untrusted(of: all, CertificateIndex(all).trusted(by: base)))
  }
}

extension BundleMerge: Equatable {
  /// Whether both make the same text of the same.
  public static func == (one: BundleMerge, other: BundleMerge) -> Bool {
    one === other
      || (one.readText == other.readText && one.text == other.text && one.mounted == other.mounted)
  }
}

/// Those of `certificates` that a client which reads `text` does not trust: all of them where it refuses the file.
public func missing(_ certificates: [Certificate], in text: [UInt8]) -> [Certificate] {
  let contents = BundleContents(reading: text)
  if contents.damage != nil { return certificates }
  return untrusted(of: certificates, CertificateIndex(certificates).trusted(by: contents))
}

/// A text without the certificates of these fingerprints.
public func withoutCertificates(_ fingerprints: [Fingerprint], _ text: [UInt8]) -> [UInt8] {
  if fingerprints.isEmpty { return text }
  let order = SortedBytes(fingerprints.map { $0.bytes })
  let contents = BundleContents(reading: text)
  return contents.text { order.contains(Fingerprint(of: contents.der(of: $0)).bytes) }
}

/// The certificates of a managed section.
public func certificates(in section: ArraySlice<UInt8>) -> [Certificate] {
  CertificateFile(reading: Array(section)).certificates
}

/// What `one` holds and `other` does not.
func difference(of one: [Fingerprint], and other: [Fingerprint]) -> [Fingerprint] {
  let order = SortedBytes(other.map { $0.bytes })
  return one.filter { !order.contains($0.bytes) }
}

/// A text without one of its parts.
private func without(_ range: Range<Int>, _ text: [UInt8]) -> [UInt8] {
  concatenated(text[..<range.lowerBound], Array(text[range.upperBound...]))
}

/// A base and, on a line of its own, the section.
private func joined(_ base: ArraySlice<UInt8>, _ section: [UInt8]) -> [UInt8] {
  let isOpen = base.last.map { $0 != newline } ?? false
  return concatenated(base, isOpen ? [newline] + section : section)
}
