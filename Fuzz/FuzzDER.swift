import CFuzz
import Text

/// Any bytes as a certificate: OpenSSL must read it where we do, and all that is shown of it must be fit to be shown.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDER(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  _ = kindOfDER(bytes)
  let lax = try? CertificateLayout(bytes.span, in: 0..<bytes.count, isStrict: false)
  // What is not damage in a base is read by OpenSSL.
  if lax != nil { precondition(fuzz_openssl_reads_der(start, count) == 1) }
  guard let certificate = withinBudget(count, { Certificate(der: bytes) }) else { return 0 }
  // What is a certificate to us is one to OpenSSL, which is less strict, and is read in a bundle.
  precondition(lax?.whole.count == bytes.count)
  var text: [UInt8] = []
  appendCanonicalPEM(bytes, to: &text)
  precondition(fuzz_openssl_certificates(text, text.count) == 1)
  precondition(isHarmless(certificate.subjectText) && isHarmless(certificate.issuerText))
  precondition(isHarmless(certificate.serialHex) && certificate.fingerprint.hex.utf8.count == 64)
  for warning in certificate.warnings(now: 1_800_000_000) { precondition(isHarmless(warning.text)) }
  return 0
}
