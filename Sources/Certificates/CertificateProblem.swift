import Text

/// What is wrong with a file or a part of it.
public struct CertificateProblem: Equatable, Sendable {
  enum Kind: Equatable, Sendable {
    case empty, html, notCertificate, pkcs12, javaKeystore, gzip, zip, privateKey, keyBeside, request, crl
    /// The common kinds of damage: see ``commonDamage(in:)``.
    case oneLine, writtenLineBreaks, indented, textBeforeBegin, misspeltBegin, noBegin
    case bareBase64, base64OfPEM, base64Twice, textInBlock
    case damagedDER
    case broken(PEM.Fault)
    case notCertificateInBlock, otherBlock, distrusted
    case badPKCS7, emptyPKCS7, badCertificateInPKCS7
    case refused(CertificateFault)
  }

  let kind: Kind
  /// The line where the problem begins, counted from 1.
  public let line: Int?

  init(_ kind: Kind, line: Int? = nil) {
    self.kind = kind
    self.line = line
  }

  /// Whether the request was fulfilled all the same. A file that was never meant as a certificate requests nothing,
  /// unless it was named explicitly.
  public var isWarning: Bool { kind == .keyBeside || isStranger }

  /// Whether the file contains nothing like a certificate.
  public var isStranger: Bool { kind == .notCertificate }

  /// Whether the damage may hide a certificate that is meant to be trusted. A file refused for its kind hides none.
  public var isDamage: Bool {
    switch kind {
    case .empty, .broken, .notCertificateInBlock, .badPKCS7, .badCertificateInPKCS7, .damagedDER: true
    case .oneLine, .writtenLineBreaks, .indented, .textBeforeBegin, .misspeltBegin, .noBegin: true
    case .bareBase64, .base64OfPEM, .base64Twice, .textInBlock: true
    case .html, .notCertificate, .pkcs12, .javaKeystore, .gzip, .zip, .privateKey, .keyBeside, .request, .crl:
      false
    case .otherBlock, .distrusted, .emptyPKCS7, .refused: false
    }
  }

  public var text: Text {
    switch kind {
    case .empty: "empty file; export the certificate again"
    case .html:
      "web page, not a certificate (a login page or a proxy's answer was saved); fetch the certificate again"
    case .notCertificate: "not a certificate"
    case .pkcs12:
      "PKCS#12 file; extract its certificates: openssl pkcs12 -in FILE -nokeys -out ca.pem (old exports need -legacy)"
    case .javaKeystore:
      "Java keystore; extract its certificates: keytool -exportcert -rfc -keystore FILE -alias NAME -file ca.pem"
    case .gzip: "gzip file; decompress it: gzip -dc FILE > ca.pem"
    case .zip: "ZIP file; unpack it and mount the certificate in it"
    case .privateKey: "private key without a certificate (not read); remove it"
    case .keyBeside: "contains a private key (not copied); remove it"
    case .request: "certificate signing request; mount the issued certificate or its CA"
    case .crl: "list of revoked certificates (CRL), not a certificate; remove it"
    case .oneLine: "PEM on one line; keep its line breaks (in YAML, 'key: |' instead of 'key: >')"
    case .writtenLineBreaks:
      "PEM with '\\n' instead of line breaks; convert it: printf '%b' \"$(cat FILE)\" > ca.pem"
    case .indented: "indented PEM; remove the white space: sed 's/^[[:space:]]*//' FILE > ca.pem"
    case .textBeforeBegin: "text before -----BEGIN; start the line with -----BEGIN"
    case .misspeltBegin:
      "misspelled BEGIN line; write -----BEGIN CERTIFICATE----- with five hyphens on each side"
    case .noBegin:
      "END line without a BEGIN line; add -----BEGIN CERTIFICATE-----, or export the certificate again"
    case .bareBase64: "Base64 without BEGIN and END lines; decode it: base64 -d FILE > ca.der"
    case .base64OfPEM: "Base64 of a PEM file; decode it: base64 -d FILE > ca.pem"
    case .base64Twice: "Base64 encoded twice; decode it twice: base64 -d FILE | base64 -d > ca.der"
    case .textInBlock: "PEM block around PEM or Base64 text instead of DER; export the certificate again"
    case .damagedDER: "DER certificate cut short, or followed by other bytes; export it again"
    case .broken(let fault): "\(fault.text), not used; export the certificate again"
    case .notCertificateInBlock:
      "PEM block without a complete certificate, not used; export the certificate again"
    case .otherBlock: "PEM block that is not a certificate; remove it"
    case .distrusted:
      "TRUSTED CERTIFICATE whose settings do not allow TLS servers, not used; drop the settings: openssl x509 -in FILE -out ca.pem"
    case .badPKCS7: "PKCS#7 block without signed data; export the chain again"
    case .emptyPKCS7: "PKCS#7 without certificates; export the chain again"
    case .refused(let fault): fault.text
    case .badCertificateInPKCS7: "incomplete certificate in a PKCS#7, not used; export the chain again"
    }
  }
}
