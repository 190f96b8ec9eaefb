import Text

/// Any bytes as a file that was mounted, and as a bundle.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPEM(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let file = CertificateFile(reading: bytes)
  precondition(file.problems.count <= 9)
  for problem in file.problems { precondition(isHarmless(problem.text)) }
  for certificate in file.certificates { precondition(Certificate(der: certificate.der) != nil) }

  let contents = BundleContents(reading: bytes)
  if let damage = contents.damage { precondition(damage.line >= 1 && isHarmless(damage.text)) }
  // What was saved is a bundle without damage that holds the same.
  var canonical: [UInt8] = []
  for certificate in contents.certificates { certificate.appendCanonicalPEM(to: &canonical) }
  let again = BundleContents(reading: canonical)
  precondition(again.damage == nil)
  precondition(again.certificates.map { $0.der } == contents.certificates.map { $0.der })
  return 0
}
