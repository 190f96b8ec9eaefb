import Certificates
import Linux

/// Finds certificates by their DER, which is what identifies them.
///
/// Sorted bytes and a binary search rather than hashing: a bundle's 150 certificates need not be
/// hashed for three wanted ones to be found among them, and no input can make it slow.
public struct CertificateIndex {
  private let ders: [[UInt8]]
  /// For each of `ders`, where it stands among the certificates given.
  private let positions: [Int]

  public init(_ certificates: [Certificate]) {
    positions = sortedNumbers(below: certificates.count) {
      comesBefore(certificates[$0].der, certificates[$1].der)
    }
    ders = positions.map { certificates[$0].der }
  }

  /// The position of the certificate with this DER among those given; nil if it is none of them.
  public func position(of der: [UInt8]) -> Int? {
    let position = firstNumber(below: ders.count) { comesBefore(ders[$0], der) }
    return position < ders.count && ders[position] == der ? positions[position] : nil
  }

  /// Which of the certificates given a text trusts, a Bool for each in their order.
  public func trusted(by contents: BundleContents) -> [Bool] {
    var isTrusted = [Bool](repeating: false, count: positions.count)
    if positions.isEmpty { return isTrusted }
    for certificate in contents.certificates where certificate.isTrustedForServers {
      if let position = position(of: certificate.der) { isTrusted[position] = true }
    }
    return isTrusted
  }
}

/// An order of DERs that is quick to decide: most differ in length.
private func comesBefore(_ one: [UInt8], _ other: [UInt8]) -> Bool {
  one.count != other.count ? one.count < other.count : precedes(one[...], other[...])
}
