import Certificates
import Linux
import Text

/// Finds certificates by their DER, which is what identifies them.
///
/// Sorted bytes and a binary search rather than hashing: a bundle's 150 certificates need not be
/// hashed for three wanted ones to be found among them, and no input can make it slow.
public struct CertificateIndex {
  private let order: ByteOrder

  public init(_ certificates: [Certificate]) { order = ByteOrder(certificates.map { $0.der }) }

  /// The position of the certificate with this DER among those given; nil if it is none of them.
  public func position(of der: ArraySlice<UInt8>) -> Int? { order.number(of: der) }

  /// Which of the certificates given a text trusts, a Bool for each in their order.
  public func trusted(by contents: BundleContents) -> [Bool] {
    var isTrusted = [Bool](repeating: false, count: order.numbers.count)
    if order.numbers.isEmpty { return isTrusted }
    for certificate in contents.certificates where certificate.isTrustedForServers {
      if let position = position(of: contents.der(of: certificate)) { isTrusted[position] = true }
    }
    return isTrusted
  }
}
