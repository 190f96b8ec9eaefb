import Text

/// A mounted file, judged by its content and never by its name.
public struct CertificateFile {
  /// In file order.
  public private(set) var certificates: [Certificate] = []
  /// The first errors and the first warnings, at most `problemLimit` of each: a file may have a million.
  public private(set) var problems: [CertificateProblem] = []
  /// The number of errors that are not in ``problems``.
  public private(set) var omittedErrors = 0
  public private(set) var omittedWarnings = 0
  /// Whether the damage may hide a certificate that is meant to be trusted.
  public private(set) var hasDamage = false

  private static let problemLimit = 8
  private var hasKeyBeside = false

  public init(reading bytes: [UInt8]) {
    // A text may also begin with "0", which is the first byte of DER.
    if bytes.first != Tag.sequence || !readDER(bytes) { readText(bytes) }
  }

  private init() {}

  private mutating func readText(_ bytes: [UInt8]) {
    let text = plainText(bytes)
    if text.allSatisfy({ $0 <= UInt8(ascii: " ") }) {
      note(.empty)
    } else if let kind = kindOfContainer(bytes) {
      note(kind)
    } else {
      readPEM(text)
      readLinesThatEndWithCR(text)
    }
  }

  /// Reads the text again with LF instead of CR if that finds more: in a file that uses CR alone, or one that was
  /// joined to such a file. Where OpenSSL can read the text itself, its verdict is final.
  private mutating func readLinesThatEndWithCR(_ text: [UInt8]) {
    guard let changed = withLineFeeds(text) else { return }
    var other = CertificateFile()
    other.readPEM(changed)
    if other.certificates.count > certificates.count || !text.contains(newline) { self = other }
  }

  @inline(never)
  private mutating func note(_ kind: CertificateProblem.Kind, line: Int? = nil) {
    let problem = CertificateProblem(kind, line: line)
    if problem.isDamage { hasDamage = true }
    if problems.count(where: { $0.isWarning == problem.isWarning }) < Self.problemLimit {
      problems.append(problem)
    } else if problem.isWarning {
      omittedWarnings += 1
    } else {
      omittedErrors += 1
    }
  }

  // MARK: DER

  /// - Returns: whether it is DER of a known kind.
  private mutating func readDER(_ bytes: [UInt8]) -> Bool {
    do throws(CertificateFault) {
      certificates = [try Certificate(reading: bytes)]
    } catch {
      if takeSignedData(bytes, in: 0..<bytes.count, line: nil) { return true }
      if let kind = kindOfDER(bytes) {
        note(kind)
      } else if error.field != .certificate {
        note(.refused(error))
      } else if beginsCertificate(bytes) {
        note(.damagedDER)
      }
    }
    return !(certificates.isEmpty && problems.isEmpty)
  }

  /// Reads the certificates of a PKCS #7 message.
  /// - Returns: whether it is one.
  private mutating func takeSignedData(_ bytes: [UInt8], in range: Range<Int>, line: Int?) -> Bool {
    let count = readSignedData(bytes, in: range) { take(Array(bytes[$0]), line, .badCertificateInPKCS7) }
    if count == 0 { note(.emptyPKCS7, line: line) }
    return count != nil
  }

  // MARK: PEM

  private mutating func readPEM(_ text: [UInt8]) {
    var pem = PEM(text)
    var hasBlocks = false
    var blockEnd = 0
    var damage: (kind: CertificateProblem.Kind, line: Int)?
    func look(upTo end: Int) {
      if damage == nil && blockEnd < end { damage = commonDamage(beside: blockEnd..<end, in: text) }
    }
    while let block = pem.next() {
      hasBlocks = true
      look(upTo: block.range.lowerBound)
      blockEnd = block.range.upperBound
      if let fault = block.fault {
        note(.broken(fault), line: block.line)
      } else {
        take(block, pem.decoded)
      }
    }
    if !hasBlocks {
      let damage = isHTML(text) ? (.html, nil) : commonDamage(in: text) ?? (.notCertificate, nil)
      return note(damage.kind, line: damage.line)
    }
    look(upTo: text.count)
    // What follows a broken block is part of the damage.
    if let damage, !hasDamage { note(damage.kind, line: damage.line) }
    if certificates.isEmpty && hasKeyBeside {
      problems.removeAll { $0.kind == .keyBeside }
      omittedWarnings = 0
      note(.privateKey)
    }
  }

  private mutating func take(_ block: PEM.Block, _ decoded: [UInt8]) {
    if block.hasHeader && [.certificate, .trustedCertificate, .pkcs7].contains(block.label) {
      note(.broken(.misplacedLine), line: block.line)
      return
    }
    switch block.label {
    case .certificate:
      let contents = decoded[block.contents]
      let broken = kindOfBlock(contents)
      take(Array(contents), block.line, broken)
    case .trustedCertificate: takeTrustedCertificate(block, decoded)
    case .pkcs7:
      if !takeSignedData(decoded, in: block.contents, line: block.line) { note(.badPKCS7, line: block.line) }
    case .privateKey, .encryptedKey: noteKey(block)
    case .request: note(.request, line: block.line)
    case .crl: note(.crl, line: block.line)
    case .other: note(.otherBlock, line: block.line)
    }
  }

  /// Reads one certificate.
  /// - Parameter broken: the problem to report if it is not a certificate at all.
  private mutating func take(_ der: [UInt8], _ line: Int?, _ broken: CertificateProblem.Kind) {
    do throws(CertificateFault) {
      certificates.append(try Certificate(reading: der))
    } catch {
      let kind = error.field == .certificate ? broken : .refused(error)
      note(kind, line: line)
    }
  }

  private mutating func takeTrustedCertificate(_ block: PEM.Block, _ decoded: [UInt8]) {
    guard let trusted = TrustedCertificate(block, decoded.span) else {
      note(.notCertificateInBlock, line: block.line)
      return
    }
    if trusted.isTrustedForServers {
      take(Array(decoded[block.contents].prefix(trusted.count)), block.line, .notCertificateInBlock)
    } else {
      note(.distrusted, line: block.line)
    }
  }

  private mutating func noteKey(_ block: PEM.Block) {
    hasKeyBeside = true
    note(.keyBeside, line: block.line)
  }
}
