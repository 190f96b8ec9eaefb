import Certificates
import Text

/// Finds certificates by their DER, which is what identifies them.
///
/// Sorted bytes and a binary search rather than hashing: a bundle's 150 certificates need not be
/// hashed for three wanted ones to be found among them, and no input can make it slow.
public struct CertificateIndex {
  private let order: SortedBytes
  /// How long they are: most certificates of a bundle need no look at their bytes.
  let lengths: [Int]

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
    TrustReader(self, over: text).trusted ?? trusted(by: BundleContents(reading: text))
  }

  var none: [Bool] { [Bool](repeating: false, count: order.numbers.count) }
}

/// Tells which certificates a text trusts whose damage is not asked for, as the text comes.
public struct TrustReader {
  private let index: CertificateIndex
  private var walk: BundleWalk
  private var areTrusted: [Bool]
  private var isRegular = true
  /// A Bool for each certificate of the index; nil where the text has to be read as a whole.
  public var trusted: [Bool]? { isRegular ? areTrusted : nil }

  /// - Parameter whole: the text, where it is there already; nil where it comes in pieces.
  public init(_ index: CertificateIndex, over whole: [UInt8]? = nil) {
    self.index = index
    walk = BundleWalk(.named, lengths: index.lengths, over: whole)
    areTrusted = index.none
    if whole != nil { _ = goOn() }
  }

  /// Takes more of the text.
  /// - Parameter append: appends up to so many bytes to an array, and says whether the text ends with them.
  /// - Returns: whether there is to be more.
  public mutating func read(_ append: (inout [UInt8], Int) -> Bool) -> Bool {
    walk.refill(append)
    return goOn()
  }

  private mutating func goOn() -> Bool {
    while true {
      switch walk.next() {
      case .certificate: if let number = index.position(of: walk.der) { areTrusted[number] = true }
      case .needsMore: return true
      case .end: return false
      case .mark, .irregular:
        isRegular = false
        return false
      }
    }
  }
}
