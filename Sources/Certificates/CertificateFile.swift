import Text

/// A file that was mounted, judged by what is in it and never by its name.
public struct CertificateFile {
  /// In their order.
  public private(set) var certificates: [Certificate] = []
  public private(set) var problems: [CertificateProblem] = []

  private var hasKeyBeside = false

  public init(reading bytes: [UInt8]) {
    // A text may begin with a zero, which is DER's first byte.
    if bytes.first != Tag.sequence || !readDER(bytes) { readText(bytes) }
  }

  private init() {}

  private mutating func readText(_ bytes: [UInt8]) {
    let text = plainText(bytes)
    if text.allSatisfy({ $0 <= UInt8(ascii: " ") }) {
      problems.append(CertificateProblem(.empty))
    } else if let kind = kindOfKeystore(bytes) {
      problems.append(CertificateProblem(kind))
    } else {
      readPEM(text)
      readLinesThatEndWithCR(text)
    }
  }

  /// Reads the text again with LF for CR where that finds more: in a file of CR alone, or one that was joined to
  /// another. OpenSSL's verdict on what it can read itself stands.
  private mutating func readLinesThatEndWithCR(_ text: [UInt8]) {
    guard let changed = withLineFeeds(text) else { return }
    var other = CertificateFile()
    other.readPEM(changed)
    if other.certificates.count > certificates.count || !text.contains(newline) { self = other }
  }

  // MARK: DER

  /// - Returns: whether it is DER of a kind that is known.
  private mutating func readDER(_ bytes: [UInt8]) -> Bool {
    do throws(CertificateFault) {
      certificates = [try Certificate(reading: bytes)]
    } catch {
      if let ders = certificatesOfSignedData(bytes) {
        add(ders, line: nil)
      } else if let kind = kindOfDER(bytes) {
        problems.append(CertificateProblem(kind))
      } else if error.field != .certificate {
        problems.append(CertificateProblem(.refused(error)))
      }
    }
    return !(certificates.isEmpty && problems.isEmpty)
  }

  /// Takes the certificates of a PKCS #7.
  private mutating func add(_ ders: [[UInt8]], line: Int?) {
    if ders.isEmpty { problems.append(CertificateProblem(.emptyPKCS7, line: line)) }
    for der in ders { take(der, line, .badCertificateInPKCS7) }
  }

  // MARK: PEM

  private mutating func readPEM(_ text: [UInt8]) {
    var pem = PEM(text)
    var hasBlocks = false
    while let block = pem.next() {
      hasBlocks = true
      if let fault = block.fault {
        problems.append(CertificateProblem(.broken(fault), line: block.line))
      } else {
        take(block, pem.decoded)
      }
    }
    if !hasBlocks {
      problems.append(CertificateProblem(isHTML(text) ? .html : .notCertificate))
    } else if certificates.isEmpty && hasKeyBeside {
      problems.removeAll { $0.kind == .keyBeside }
      problems.append(CertificateProblem(.privateKey))
    }
  }

  private mutating func take(_ block: PEM.Block, _ decoded: [UInt8]) {
    let label = PEM.Label(block.label)
    if block.hasHeader && [.certificate, .trustedCertificate, .pkcs7].contains(label) {
      problems.append(CertificateProblem(.broken(.misplacedLine), line: block.line))
      return
    }
    switch label {
    case .certificate: take(Array(decoded[block.contents]), block.line, .notCertificateInBlock)
    case .trustedCertificate: takeTrustedCertificate(block, decoded)
    case .pkcs7:
      if let ders = certificatesOfSignedData(Array(decoded[block.contents])) {
        add(ders, line: block.line)
      } else {
        problems.append(CertificateProblem(.badPKCS7, line: block.line))
      }
    case .privateKey, .encryptedKey: noteKey(block)
    case .request: problems.append(CertificateProblem(.request, line: block.line))
    case .crl: problems.append(CertificateProblem(.crl, line: block.line))
    case .other: problems.append(CertificateProblem(.otherBlock, line: block.line))
    }
  }

  /// Takes one certificate.
  /// - Parameter broken: what it is where it is no certificate at all.
  private mutating func take(_ der: [UInt8], _ line: Int?, _ broken: CertificateProblem.Kind) {
    do throws(CertificateFault) {
      certificates.append(try Certificate(reading: der))
    } catch {
      let kind = error.field == .certificate ? broken : .refused(error)
      problems.append(CertificateProblem(kind, line: line))
    }
  }

  private mutating func takeTrustedCertificate(_ block: PEM.Block, _ decoded: [UInt8]) {
    guard let trusted = TrustedCertificate(block, .trustedCertificate, decoded.span) else {
      problems.append(CertificateProblem(.notCertificateInBlock, line: block.line))
      return
    }
    if trusted.isTrustedForServers {
      take(Array(decoded[block.contents].prefix(trusted.count)), block.line, .notCertificateInBlock)
    } else {
      problems.append(CertificateProblem(.distrusted, line: block.line))
    }
  }

  private mutating func noteKey(_ block: PEM.Block) {
    hasKeyBeside = true
    problems.append(CertificateProblem(.keyBeside, line: block.line))
  }
}

/// What is wrong with a file or a part of it.
public struct CertificateProblem: Equatable, Sendable {
  enum Kind: Equatable, Sendable {
    case empty, html, notCertificate, pkcs12, javaKeystore, privateKey, keyBeside, request, crl
    case broken(PEM.Fault)
    case notCertificateInBlock, otherBlock, distrusted
    case badPKCS7, emptyPKCS7, badCertificateInPKCS7
    case refused(CertificateFault)
  }

  let kind: Kind
  /// The line that it begins in, counted from 1.
  public let line: Int?

  init(_ kind: Kind, line: Int? = nil) {
    self.kind = kind
    self.line = line
  }

  /// Whether what was asked for was done all the same.
  public var isWarning: Bool { kind == .keyBeside }

  public var text: Text {
    switch kind {
    case .empty: "the file is empty: export the certificate again"
    case .html:
      "a web page, not a certificate: a login page or a proxy's answer was saved; fetch the certificate again"
    case .notCertificate: "not a certificate"
    case .pkcs12:
      "a PKCS#12 file: take the certificates out with openssl pkcs12 -in FILE -nokeys -out ca.pem, and mount that"
    case .javaKeystore:
      "a Java keystore: take the certificate out with keytool -exportcert -rfc -keystore FILE -alias NAME, and mount that"
    case .privateKey: "a private key and no certificate: it is not read; take it out of the folder"
    case .keyBeside: "a private key lies here; it is not copied; take it out of the file"
    case .request:
      "a certificate request, not a certificate: mount what the CA has made of it, or the CA itself"
    case .crl: "a list of revoked certificates, not a certificate"
    case .broken(let fault): "\(fault.text); it is not used"
    case .notCertificateInBlock: "a block that holds no whole certificate; it is not used"
    case .otherBlock: "not a certificate: a block of another kind"
    case .distrusted: "a TRUSTED CERTIFICATE whose settings do not allow TLS servers; it is not used"
    case .badPKCS7: "a PKCS#7 block without signed data; export the chain again"
    case .emptyPKCS7: "a PKCS#7 without certificates: export the chain again"
    case .refused(let fault): fault.text
    case .badCertificateInPKCS7: "a certificate in the PKCS#7 is not whole; it is not used"
    }
  }
}
