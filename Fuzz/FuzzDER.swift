import Text

/// Any bytes as a certificate: all that is shown of it must be fit to be shown.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDER(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  _ = kindOfDER(bytes)
  let lax = CertificateLayout(bytes.span, in: 0..<bytes.count, isStrict: false)
  guard let certificate = Certificate(der: bytes) else { return 0 }
  // What is a certificate to us is one to OpenSSL, which is less strict.
  precondition(lax?.whole.count == bytes.count)
  precondition(isHarmless(certificate.subjectText) && isHarmless(certificate.issuerText))
  precondition(isHarmless(certificate.serialHex) && certificate.fingerprint.hex.utf8.count == 64)
  for warning in certificate.warnings(now: 1_800_000_000) { precondition(isHarmless(warning.text)) }
  return 0
}
