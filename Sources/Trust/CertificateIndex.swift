import Certificates
import Text

/// Finds certificates by their DER, which is what identifies them.
///
/// Sorted bytes and a binary search rather than hashing: a bundle's 150 certificates need not be
/// hashed for three wanted ones to be found among them, and no input can make it slow.
public struct CertificateIndex {
  private let order: SortedBytes
  /// How long they are: most certificates of a bundle need no look at their bytes.
  private let lengths: [Int]

  public init(_ certificates: [Certificate]) {
    order = SortedBytes(certificates.map { $0.der })
    var lengths: [Int] = []
    for certificate in certificates where !lengths.contains(certificate.der.count) {
      lengths.append(certificate.der.count)
    }
    self.lengths = lengths
  }

  /// The position of the certificate with this DER among those given; nil if it is none of them.
  public func position(of der: ArraySlice<UInt8>) -> Int? { order.number(of: der) }

  /// Which of the certificates given a text trusts, a Bool for each in their order.
  public func trusted(by contents: BundleContents) -> [Bool] {
    var areTrusted = none
    for certificate in contents.certificates
    where certificate.isTrustedForServers && lengths.contains(certificate.count) {
      if let position = position(of: contents.der(of: certificate)[...]) { areTrusted[position] = true }
    }
    return areTrusted
  }

  /// The same of a text whose damage is not asked for: it is read no further than that takes.
  public func trusted(in text: [UInt8]) -> [Bool] {
    var areTrusted = none
    let isPlain = readPlainBundle(text, lengths: lengths) { der in
      if let position = position(of: der) { areTrusted[position] = true }
    }
    return isPlain ? areTrusted : trusted(by: BundleContents(reading: text))
  }

  private var none: [Bool] { [Bool](repeating: false, count: order.numbers.count) }
}
