import Text

/// What a client that uses OpenSSL finds in a bundle.
///
/// It does not change after initialization, except that ``valueFault`` is computed on first use. The program has no
/// threads, so it may be `Sendable`.
/// - Source: OpenSSL's X509_load_cert_crl_file(3) and PEM_X509_INFO_read_bio(3).
public final class BundleContents: @unchecked Sendable {
  /// Why OpenSSL would refuse the whole file, or stop reading before its end.
  public struct Damage: Equatable, Sendable {
    /// Counted from 1.
    public let line: Int
    let reason: Reason

    /// Whether OpenSSL reads the file all the same, and misses certificates.
    public var isIncomplete: Bool { reason == .block(.noEnd) }

    enum Reason: Equatable, Sendable {
      case block(PEM.Fault)
      case notCertificate, notCRL, notKey, lineOfNothing
    }

    public var text: Text {
      switch reason {
      case .block(let fault): fault.text
      case .notCertificate: "CERTIFICATE block without a valid certificate"
      case .notCRL: "X509 CRL block without a valid CRL"
      case .notKey: "private key block without a valid key"
      case .lineOfNothing: "NUL byte at the start of a line"
      }
    }
  }

  /// All readable certificates, in file order.
  public private(set) var certificates: [TrustedCertificate] = []
  /// The first damage in the file.
  public private(set) var damage: Damage?
  /// The first certificate that makes GnuTLS or Java refuse the whole file although OpenSSL reads it: the line of its
  /// BEGIN, and the reason.
  public private(set) var fault: (line: Int, reason: CertificateFault)?
  private let text: [UInt8]
  private let end: Int

  /// - Parameter end: the end of the text to read; nil for all of it.
  public init(reading text: [UInt8], upTo end: Int? = nil) {
    self.text = text
    self.end = end ?? text.count
    certificates.reserveCapacity((end ?? text.count) / 1200)
    // Where lines were joined, both certificates are found; the joined line still counts as damage.
    var pem = PEM(text, upTo: end, splitsJoinedLines: true)
    while let block = pem.next() {
      if block.isJoined { note(block.line, .block(.badEnd)) }
      if let fault = block.fault {
        note(block.line, .block(fault))
        if fault == .noEnd { takeUnended(block, pem.decoded.span) }
      } else {
        take(block, pem.decoded.span)
      }
    }
    if pem.hasLineOfNothing { note(1, .lineOfNothing) }
  }

  /// The DER of one of its certificates, without the settings that may follow it. It is decoded again on each call: few
  /// are ever requested.
  @inline(never)
  public func der(of certificate: TrustedCertificate) -> [UInt8] {
    Array(contents(of: certificate).prefix(certificate.count))
  }

  private func contents(of certificate: TrustedCertificate) -> ArraySlice<UInt8> {
    let range = certificate.range
    var pem = PEM(text, from: range.lowerBound, upTo: range.upperBound, splitsJoinedLines: true)
    return pem.next().map { pem.decoded[$0.contents] } ?? []
  }

  /// Its certificates alone, in lines of 64 characters that end with LF.
  public var canonicalText: [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(end)
    for certificate in certificates { appendCanonicalForm(of: certificate, to: &text) }
    return text
  }

  /// Appends one of its certificates in lines of 64 characters that end with LF.
  public func appendCanonicalForm(of certificate: TrustedCertificate, to text: inout [UInt8]) {
    appendBlock(
      certificate.isTrustedForm ? "TRUSTED CERTIFICATE" : "CERTIFICATE",
      contents(of: certificate).prefix(certificate.endOfSettings), to: &text)
  }

  /// The same for the values within certificates: keys and extensions. Reading those takes too long for a
  /// start that changes nothing.
  public private(set) lazy var valueFault: (line: Int, reason: CertificateFault)? = findValueFault()

  private func findValueFault() -> (line: Int, reason: CertificateFault)? {
    var pem = PEM(text, upTo: end, splitsJoinedLines: true)
    while let block = pem.next() {
      guard block.fault == nil, [.certificate, .trustedCertificate].contains(block.label),
        let layout = try? CertificateLayout(pem.decoded.span, in: block.contents, isStrict: true)
      else { continue }
      let fault = layout.valueFault(pem.decoded.span)
      if let fault, fault.refusers != .none { return (block.line, fault) }
      let tolerated = toleratedFaults(
        pem.decoded, issuer: layout.issuer, subject: layout.subject, extensions: layout.extensions ?? 0..<0)
      if let first = tolerated.first { return (block.line, first) }
    }
    return nil
  }

  /// The subject of each certificate, as DER.
  public var subjects: [[UInt8]] {
    certificates.compactMap { certificate in
      let der = der(of: certificate)
      let layout = try? CertificateLayout(der.span, in: 0..<der.count, isStrict: false)
      return layout.map { Array(der[$0.subject]) }
    }
  }

  /// The text without the blocks of the selected certificates.
  public func text(without isRemoved: (TrustedCertificate) -> Bool) -> [UInt8] {
    var kept: [UInt8] = []
    var position = 0
    for certificate in certificates where isRemoved(certificate) {
      kept += text[position..<certificate.range.lowerBound]
      position = certificate.range.upperBound
    }
    return kept + text[position...]
  }

  private func note(_ line: Int, _ reason: Damage.Reason) {
    if damage == nil { damage = Damage(line: line, reason: reason) }
  }

  private func take(_ block: PEM.Block, _ decoded: Span<UInt8>) {
    if block.hasHeader && [.certificate, .trustedCertificate, .crl].contains(block.label) {
      return note(block.line, .block(.misplacedLine))
    }
    switch block.label {
    case .certificate, .trustedCertificate:
      if let certificate = TrustedCertificate(block, decoded) {
        certificates.append(certificate)
        if let fault = certificate.fault, fault.refusers != .none, self.fault == nil {
          self.fault = (block.line, fault)
        }
      } else {
        note(block.line, .notCertificate)
      }
    case .crl:
      if !isRevocationList(decoded, in: block.contents) { note(block.line, .notCRL) }
    case .privateKey:
      // OpenSSL keeps an encrypted key without looking inside.
      if !block.hasHeader && !containsSequence(block, decoded) { note(block.line, .notKey) }
    case .encryptedKey, .pkcs7, .request, .other: break
    }
  }

  /// Takes the certificate of a block without its END line, if it is complete: some clients trust it.
  private func takeUnended(_ block: PEM.Block, _ decoded: Span<UInt8>) {
    guard !block.hasHeader, [.certificate, .trustedCertificate].contains(block.label),
      let certificate = TrustedCertificate(block, decoded)
    else { return }
    certificates.append(certificate)
  }

  private func containsSequence(_ block: PEM.Block, _ decoded: Span<UInt8>) -> Bool {
    var walk = DER(block.contents, isStrict: false)
    return walk.next(Tag.sequence, decoded) != nil
  }
}

/// A certificate of a bundle, with the settings that a `TRUSTED CERTIFICATE` adds.
public struct TrustedCertificate: Sendable {
  /// The range of its block in the text.
  let range: Range<Int>
  /// The size of its DER in bytes.
  public let count: Int
  /// The end of its settings, relative to the start of its DER.
  let endOfSettings: Int
  let isTrustedForm: Bool
  /// False if its settings reject TLS servers, or list uses without that one.
  public let isTrustedForServers: Bool
  /// Why GnuTLS or Java would refuse the whole bundle.
  let fault: CertificateFault?

  /// - Parameter decoded: contains the decoded contents of the block.
  init?(_ block: PEM.Block, _ decoded: Span<UInt8>) {
    self.init(block.contents, decoded, block.range, isTrustedForm: block.label == .trustedCertificate)
  }

  /// - Parameters:
  ///   - contents: the range in `decoded` of the block's contents.
  ///   - range: the range of the block in the text.
  init?(
    _ contents: Range<Int>, _ decoded: Span<UInt8>, _ range: Range<Int>, isTrustedForm: Bool = false
  ) {
    let layout: CertificateLayout
    do throws(CertificateFault) {
      layout = try CertificateLayout(decoded, in: contents, isStrict: true)
      fault = layout.structureFault(decoded)
    } catch {
      guard let readable = try? CertificateLayout(decoded, in: contents, isStrict: false) else { return nil }
      layout = readable
      fault = CertificateFault(error.field, error.reason, .gnuTLSAndJava)
    }
    self.isTrustedForm = isTrustedForm
    self.range = range
    let der = layout.whole
    let end = isTrustedForm ? contents.upperBound : der.upperBound
    count = der.count
    endOfSettings = end - der.lowerBound
    guard let trust = Self.trustsServers(der.upperBound..<end, decoded) else { return nil }
    isTrustedForServers = trust
  }

  /// Whether the settings allow TLS servers; nil if OpenSSL cannot read them.
  /// - Source: OpenSSL's X509_CERT_AUX: `SEQUENCE { trust SEQUENCE OF OID OPTIONAL, reject [0] SEQUENCE OF OID OPTIONAL,
  ///   alias UTF8String OPTIONAL, keyid OCTET STRING OPTIONAL, other [1] SEQUENCE OF AlgorithmIdentifier OPTIONAL }`.
  private static func trustsServers(_ settings: Range<Int>, _ bytes: Span<UInt8>) -> Bool? {
    if settings.isEmpty { return true }
    var outer = DER(settings, isStrict: false)
    guard let sequence = outer.next(Tag.sequence, bytes) else { return nil }
    var fields = outer.inside(sequence)
    var isTrusted = true
    if let trust = fields.next(Tag.sequence, bytes) {
      if !areUses(fields.inside(trust), bytes) { return nil }
      isTrusted = allowsServerAuth(fields.inside(trust), bytes)
    }
    if let reject = fields.next(Tag.context(0), bytes) {
      if !areUses(fields.inside(reject), bytes) { return nil }
      if allowsServerAuth(fields.inside(reject), bytes) { isTrusted = false }
    }
    _ = fields.next(Tag.utf8String, bytes)
    _ = fields.next(Tag.octetString, bytes)
    if let other = fields.next(Tag.context(1), bytes) {
      var algorithms = fields.inside(other)
      while !algorithms.isAtEnd {
        guard let algorithm = algorithms.next(Tag.sequence, bytes) else { return nil }
        do throws(CertificateFault) {
          try checkAlgorithm(algorithms.inside(algorithm), bytes, .certificate)
        } catch { return nil }
      }
    }
    return fields.isAtEnd ? isTrusted : nil
  }

  private static func areUses(_ walk: DER, _ bytes: Span<UInt8>) -> Bool {
    var walk = walk
    while !walk.isAtEnd {
      guard let use = walk.next(Tag.objectIdentifier, bytes),
        isObjectIdentifier(bytes.extracting(use.content), isStrict: false)
      else { return false }
    }
    return true
  }
}

/// Appends a certificate's block, in lines of 64 characters that end with LF.
/// - Source: RFC 7468 §5.1.
public func appendCanonicalPEM(_ der: [UInt8], to text: inout [UInt8]) {
  appendBlock("CERTIFICATE", der[...], to: &text)
}

@inline(never)
private func appendBlock(_ label: StaticString, _ bytes: ArraySlice<UInt8>, to text: inout [UInt8]) {
  func appendMark(_ word: StaticString) {
    for part in ["-----", word, label, "-----\n"] as [StaticString] {
      part.withUTF8Buffer { text.append(contentsOf: $0) }
    }
  }
  appendMark("BEGIN ")
  Base64.appendLines(of: bytes, to: &text)
  appendMark("END ")
}

extension PEM {
  /// The labels that are told apart.
  enum Label: Equatable {
    case certificate, trustedCertificate, pkcs7, crl, privateKey, encryptedKey, request, other

    /// - Source: RFC 7468; OpenSSL's pem.h.
    init(_ label: ArraySlice<UInt8>) {
      if label.isEqual(to: "CERTIFICATE") || label.isEqual(to: "X509 CERTIFICATE") {
        self = .certificate
      } else if label.isEqual(to: "TRUSTED CERTIFICATE") {
        self = .trustedCertificate
      } else if label.isEqual(to: "PKCS7") || label.isEqual(to: "CMS") {
        self = .pkcs7
      } else if label.isEqual(to: "X509 CRL") {
        self = .crl
      } else if label.isEqual(to: "ENCRYPTED PRIVATE KEY") {
        self = .encryptedKey
      } else if label.isEqual(to: "CERTIFICATE REQUEST") || label.isEqual(to: "NEW CERTIFICATE REQUEST") {
        self = .request
      } else {
        self = label.contains("PRIVATE KEY") ? .privateKey : .other
      }
    }
  }
}

extension PEM.Fault {
  var text: Text {
    switch self {
    case .noEnd: "missing END line"
    case .badEnd: "END line does not match BEGIN (files joined without a newline?)"
    case .notBase64: "empty block or invalid Base64"
    case .misplacedLine: "blank line or header inside the block"
    }
  }
}
