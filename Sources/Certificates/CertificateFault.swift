import Text

/// Why a certificate is not used: a library would refuse it, and with it the whole bundle that contains it.
public struct CertificateFault: Error, Equatable, Sendable {
  /// The faulty part of the certificate.
  enum Field: Equatable, Sendable {
    /// It is not a certificate, or it is incomplete.
    case certificate
    case version, serialNumber, signatureAlgorithm, issuer, validity, notBefore, notAfter, subject, publicKey
    case uniqueIdentifiers, extensions, signature
    case known(KnownExtension)
  }

  enum Reason: Equatable, Sendable {
    case malformed
    /// The parameters of an algorithm have this tag.
    case parameters(tag: UInt8)
    /// It occurs twice.
    case repeated
    /// The value within the signed part differs from the one outside.
    case differs
    /// Certificates of this version do not have the field.
    case notInVersion
    case unsupported
    /// The name is empty.
    case empty
  }

  let field: Field
  let reason: Reason
  let refusers: Refusers

  /// The libraries that refuse the whole bundle.
  enum Refusers: Equatable, Sendable { case openSSL, gnuTLSAndJava, gnuTLS, java, none }

  init(_ field: Field, _ reason: Reason = .malformed, _ refusers: Refusers = .openSSL) {
    self.field = field
    self.reason = reason
    self.refusers = refusers
  }
}

extension CertificateFault {
  /// What is wrong, who refuses it, and what to do: `notBefore: not YYMMDDHHMMSSZ … ; have the certificate reissued`.
  public var text: Text {
    if field == .certificate { return "incomplete certificate; export it again" }
    return "\(finding); have the certificate reissued"
  }

  /// The same text without what to do.
  public var finding: Text {
    refusers == .none
      ? "\(field.name): \(what)" : "\(field.name): \(what) (\(refusers.text) the whole bundle)"
  }

  private var what: Text {
    switch reason {
    case .malformed:
      field == .notBefore || field == .notAfter
        ? "not a time of the form YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ" : "malformed"
    case .parameters(let tag):
      "parameters of tag 0x\(Text(utf8: hexDigits(of: [tag])))"
    case .repeated: "occurs twice"
    case .differs: "differs inside and outside of the signed part"
    case .notInVersion: "not allowed in a certificate of this version"
    case .unsupported: "unsupported"
    case .empty: "empty"
    }
  }
}

extension CertificateFault.Field {
  fileprivate var name: Text {
    switch self {
    case .certificate: "certificate"
    case .version: "version"
    case .serialNumber: "serial number"
    case .signatureAlgorithm: "signature algorithm"
    case .issuer: "issuer"
    case .validity: "validity"
    case .notBefore: "notBefore"
    case .notAfter: "notAfter"
    case .subject: "subject"
    case .publicKey: "public key"
    case .uniqueIdentifiers: "unique identifiers"
    case .extensions: "extensions"
    case .signature: "signature"
    case .known(let known): known.name
    }
  }
}

extension CertificateFault.Refusers {
  fileprivate var text: Text {
    switch self {
    case .openSSL: "OpenSSL rejects"
    case .gnuTLSAndJava: "GnuTLS and Java reject"
    case .gnuTLS: "GnuTLS rejects"
    case .java: "Java rejects"
    case .none: ""
    }
  }
}
