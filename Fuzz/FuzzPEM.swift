import CFuzz
import Text

/// Any bytes as a file that was mounted, and as a bundle.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPEM(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let file = withinBudget(count) { CertificateFile(reading: bytes) }
  precondition(file.problems.count <= 16)
  for problem in file.problems { precondition(isHarmless(problem.text)) }
  for certificate in file.certificates { precondition(Certificate(der: certificate.der) != nil) }

  let contents = withinBudget(count) { BundleContents(reading: bytes) }
  if let damage = contents.damage { precondition(damage.line >= 1 && isHarmless(damage.text)) }
  // OpenSSL reads what is not damaged, and finds the same. Of a key, which no bundle should hold, only the outermost
  // SEQUENCE is looked at; OpenSSL goes on to the numbers.
  if contents.damage == nil && !bytes[...].contains("KEY-----") {
    precondition(fuzz_openssl_certificates(start, count) == contents.certificates.count)
  }
  // What was saved is a bundle without damage that holds the same.
  let again = BundleContents(reading: contents.canonicalText)
  precondition(again.damage == nil)
  precondition(
    again.certificates.map { again.der(of: $0) } == contents.certificates.map { contents.der(of: $0) })
  // What is read of a plain bundle in haste is what is in it.
  let lengths = contents.certificates.map { $0.count }
  var plain: [[UInt8]] = []
  if contents.damage == nil && readPlainBundle(bytes, lengths: lengths, take: { plain.append(Array($0)) }) {
    for certificate in contents.certificates {
      precondition(certificate.isTrustedForServers && plain.contains(contents.der(of: certificate)))
    }
    for der in plain where (try? CertificateLayout(der.span, in: 0..<der.count, isStrict: false)) != nil {
      precondition(contents.certificates.contains { contents.der(of: $0) == der })
    }
  }
  return 0
}
