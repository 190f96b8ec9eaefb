import CFuzz
import Text

/// Any bytes as a certificate: OpenSSL must accept what psm-entry accepts, and everything shown of it must be safe to
/// show.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDER(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  _ = kindOfDER(bytes)
  let lax = try? CertificateLayout(bytes.span, in: 0..<bytes.count, isStrict: false)
  // OpenSSL reads a certificate that is not damage in a base.
  if lax != nil { precondition(fuzz_openssl_reads_der(start, count) == 1) }
  guard let certificate = withinBudget(count, { Certificate(der: bytes) }) else { return 0 }
  // What psm-entry accepts as a certificate, OpenSSL, which is less strict, accepts alone and in a bundle.
  precondition(lax?.whole.count == bytes.count)
  var text: [UInt8] = []
  appendCanonicalPEM(bytes, to: &text)
  precondition(fuzz_openssl_certificates(text, text.count) == 1)
  precondition(isHarmless(certificate.subjectText) && isHarmless(certificate.issuerText))
  precondition(isHarmless(certificate.serialHex) && certificate.fingerprint.hex.utf8.count == 64)
  for warning in certificate.warnings(now: 1_800_000_000) { precondition(isHarmless(warning.text)) }
  return 0
}
