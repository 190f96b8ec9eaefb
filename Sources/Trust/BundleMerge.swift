import Certificates
import Text

/// The largest bundle that is read or written, in bytes; the Mozilla set has 250,000.
public let bundleSizeLimit = 64 << 20

/// What a bundle's text should become, and why: a pure function of the text and the mounted certificates.
public final class BundleMerge: Sendable {
  public enum Refusal: Equatable, Sendable {
    /// It contains no certificate: with the mounted ones alone, all public hosts would lose trust.
    case empty
    case noCertificates
    /// It would exceed ``bundleSizeLimit`` and could no longer be read.
    case tooLarge
  }

  /// The new text; nil if the text stays unchanged.
  public let text: [UInt8]?
  /// The fingerprints that the managed section gains and loses.
  public let added: [Fingerprint]
  public let removed: [Fingerprint]
  /// The damage of the base; whether `text` repairs it is ``isRepair``.
  public let damage: BundleContents.Damage?
  public let isRepair: Bool
  /// The first certificate of the base that makes GnuTLS or Java refuse the file although OpenSSL reads it. Keys and
  /// extensions are checked only if the text changes.
  public var fault: (line: Int, reason: CertificateFault)? {
    base.fault ?? (text == nil ? nil : base.valueFault)
  }
  public let hasStrayMarks: Bool
  public let refusal: Refusal?
  /// Whether the text as read trusts every mounted certificate.
  public let trustsAllMounted: Bool

  /// The certificates that the base trusts, and those in the section after the merge.
  private let base: BundleContents
  private let section: [Certificate]
  /// The text that the base was read from, and its length there.
  private let baseText: [UInt8]
  private let baseCount: Int
  /// The text that was merged.
  public let readText: [UInt8]
  private let mounted: MountedCertificates

  /// Same as `init`, or `other` if that merge had the same input.
  static func merge(
    of text: [UInt8], mounted: MountedCertificates, like other: BundleMerge?, less former: [Fingerprint] = []
  ) -> BundleMerge {
    if let other, former.isEmpty, other.mounted == mounted, text[...].isEqual(to: other.readText[...]) {
      return other
    }
    return BundleMerge(of: text, mounted: mounted, like: other, less: former)
  }

  /// - Parameters:
  ///   - other: the merge of another bundle. If the base is the same, it is not read again.
  ///   - former: fingerprints of certificates that are no longer mounted but are in the base, because the
  ///     distribution's tool built it from psm-entry's anchors.
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
      // Text appended after the section belongs to the base.
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
      let order = SortedBytes(of: former)
      taken = base.certificates.map { Fingerprint(of: base.der(of: $0)) }.filter { order.contains($0.bytes) }
      if !taken.isEmpty {
        baseText = withoutCertificates(former, Array(baseText[..<baseCount]))
        baseCount = baseText.count
        base = BundleContents(reading: baseText)
      }
    }
    var (all, section) = Self.section(for: mounted, old, base)
    if hasStrayMarks && section.isEmpty {
      // Without a new section, an earlier marker pair would be taken for the section at the next start.
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
    // Without mounted certificates, an old section is removed even then.
    if (refusal != nil && !all.isEmpty) || (stands && !isRepair) {
      self.text = nil
      (added, removed) = ([], [])
      return
    }
    self.text = isRepair ? base.canonicalText + new : joined(baseText[..<baseCount], new)
    let before = sorted(certificates(in: old)).fingerprints + taken
    let after = section.fingerprints
    added = difference(of: after, and: before)
    removed = difference(of: before, and: after)
  }

  /// The text of a private bundle: the base's certificates in canonical form, then the section.
  public var privateText: [UInt8] { base.canonicalText + ManagedSection.text(for: section) }

  /// The same if the base is already in canonical form.
  func text(behind base: [UInt8]) -> [UInt8] {
    concatenated(base[...], ManagedSection.text(for: section))
  }

  /// The mounted certificates that a client reading the text as it is does not trust.
  public var untrustedNow: [Certificate] {
    if trustsAllMounted { return [] }
    return missing(mounted.certificates, in: readText)
  }

  /// The DER of each certificate in the base.
  var baseDERs: [[UInt8]] { base.certificates.map { base.der(of: $0) } }

  /// The subject of each certificate in the base, as DER.
  var baseSubjects: [[UInt8]] { base.subjects }

  /// The fingerprints in the section after the merge.
  var managed: [Fingerprint] { section.fingerprints }

  /// The number of certificates in the section, and the number in all.
  public var managedCount: Int { section.count }
  public var count: Int { base.certificates.count + section.count }

  /// Whether `written` is a correct result of this merge: readable to its end, with every certificate of the base and
  /// of the section.
  public func isWhole(_ written: [UInt8]) -> Bool {
    // Without mounted certificates a damaged base stays as it was and only loses its section.
    if damage != nil && !isRepair { return true }
    // A base that is unchanged up to the end of a line is not read again.
    let base = baseText[..<baseCount]
    let isRead = damage == nil && base.last == newline && written[...].begins(with: base)
    let contents = BundleContents(reading: isRead ? Array(written[baseCount...]) : written)
    return contents.damage == nil
      && contents.certificates.count == (isRead ? section.count : count)
      && !CertificateIndex(section).trusted(by: contents).contains(false)
  }

  /// The certificates to trust, and those of them that go into the section because the base does not trust them
  /// already.
  private static func section(
    for mounted: MountedCertificates, _ old: ArraySlice<UInt8>, _ base: BundleContents
  ) -> (all: [Certificate], section: [Certificate]) {
    let all = mounted.isComplete ? mounted.certificates : mounted.adding(certificates(in: old)).certificates
    return (all, untrusted(of: all, CertificateIndex(all).trusted(by: base)))
  }
}

extension BundleMerge: Equatable {
  /// Whether both have the same result from the same input.
  public static func == (one: BundleMerge, other: BundleMerge) -> Bool {
    one === other
      || (one.readText == other.readText && one.text == other.text && one.mounted == other.mounted)
  }
}

/// The certificates that a client reading `text` does not trust: all of them if it refuses the file.
@inline(never)
public func missing(_ certificates: [Certificate], in text: [UInt8]) -> [Certificate] {
  let contents = BundleContents(reading: text)
  if contents.damage != nil { return certificates }
  return untrusted(of: certificates, CertificateIndex(certificates).trusted(by: contents))
}

/// The text without the certificates of these fingerprints.
/// - Parameter known: certificates that may be among these. If it contains all of them, their sizes are known, and hardly
///   any other certificate has to be hashed.
public func withoutCertificates(
  _ fingerprints: [Fingerprint], _ text: [UInt8], known: [Certificate] = []
) -> [UInt8] {
  if fingerprints.isEmpty { return text }
  let order = SortedBytes(of: fingerprints)
  let lengths = known.filter { order.contains($0.fingerprint.bytes) }.map { $0.der.count }
  let areKnown = lengths.count == fingerprints.count
  let contents = BundleContents(reading: text)
  return contents.text {
    (!areKnown || lengths.contains($0.count))
      && order.contains(Fingerprint(of: contents.der(of: $0)).bytes)
  }
}

/// The certificates of a managed section.
@inline(never)
public func certificates(in section: ArraySlice<UInt8>) -> [Certificate] {
  CertificateFile(reading: Array(section)).certificates
}

/// The fingerprints in `one` that are not in `other`.
func difference(of one: [Fingerprint], and other: [Fingerprint]) -> [Fingerprint] {
  let order = SortedBytes(of: other)
  return one.filter { !order.contains($0.bytes) }
}

/// The text without the range.
private func without(_ range: Range<Int>, _ text: [UInt8]) -> [UInt8] {
  concatenated(text[..<range.lowerBound], Array(text[range.upperBound...]))
}

/// The base followed by the section, which starts on a new line.
private func joined(_ base: ArraySlice<UInt8>, _ section: [UInt8]) -> [UInt8] {
  let isOpen = base.last.map { $0 != newline } ?? false
  return concatenated(base, isOpen ? [newline] + section : section)
}
