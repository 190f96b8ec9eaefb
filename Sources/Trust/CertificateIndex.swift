import Certificates
import Text

/// Finds certificates by their DER, which identifies them.
///
/// It sorts and searches bytes instead of hashing: the 150 certificates of a bundle need not be hashed to find three
/// wanted ones among them, and no input can make the search slow.
public struct CertificateIndex {
  private let order: SortedBytes
  /// Their sizes: for most certificates of a bundle the size alone rules out a match.
  let lengths: [Int]

  @inline(never)
  public init(_ certificates: [Certificate]) {
    order = SortedBytes(certificates.map { $0.der })
    var lengths: [Int] = []
    for certificate in certificates where !lengths.contains(certificate.der.count) {
      lengths.append(certificate.der.count)
    }
    self.lengths = lengths
  }

  /// The position of the certificate with this DER; nil if it is not in the index.
  public func position(of der: ArraySlice<UInt8>) -> Int? { order.number(of: der) }

  /// Which certificates of the index a text trusts: a Bool for each, in order.
  public func trusted(by contents: BundleContents) -> [Bool] {
    var areTrusted = none
    for certificate in contents.certificates
    where certificate.isTrustedForServers && lengths.contains(certificate.count) {
      if let position = position(of: contents.der(of: certificate)[...]) { areTrusted[position] = true }
    }
    return areTrusted
  }

  /// The same for a text whose damage does not matter: it is read only as far as needed.
  public func trusted(in text: [UInt8]) -> [Bool] {
    TrustReader(self, over: text).trusted ?? trusted(by: BundleContents(reading: text))
  }

  var none: [Bool] { [Bool](repeating: false, count: order.numbers.count) }
}

/// Determines which certificates a text trusts, reading it in pieces. Damage in the text does not matter.
public struct TrustReader {
  private let index: CertificateIndex
  private var walk: BundleWalk
  private var areTrusted: [Bool]
  private var isRegular = true
  /// A Bool for each certificate of the index; nil if the text has to be read as a whole.
  public var trusted: [Bool]? { isRegular ? areTrusted : nil }

  /// - Parameter whole: the text, if it is already in memory; nil if it arrives in pieces.
  @inline(never)
  public init(_ index: CertificateIndex, over whole: [UInt8]? = nil) {
    self.index = index
    walk = BundleWalk(.named, lengths: index.lengths, over: whole)
    areTrusted = index.none
    if whole != nil { _ = goOn() }
  }

  /// Reads more of the text.
  /// - Parameter append: appends up to the given number of bytes to an array, and returns whether the text ends with
  ///   them.
  /// - Returns: whether more text is needed.
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
