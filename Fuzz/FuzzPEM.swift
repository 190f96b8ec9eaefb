import CFuzz
import Text

/// Any bytes as a mounted file, and as a bundle.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPEM(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let file = withinBudget(count) { CertificateFile(reading: bytes) }
  precondition(file.problems.count <= 16)
  for problem in file.problems { precondition(isHarmless(problem.text)) }
  for certificate in file.certificates { precondition(Certificate(der: certificate.der) != nil) }

  let contents = withinBudget(count) { BundleContents(reading: bytes) }
  if let damage = contents.damage { precondition(damage.line >= 1 && isHarmless(damage.text)) }
  // OpenSSL reads what is not damaged and finds the same. Of a key, which no bundle should contain, psm-entry checks
  // only the outermost SEQUENCE, while OpenSSL continues to the numbers.
  if contents.damage == nil && !bytes[...].contains("KEY-----") {
    precondition(fuzz_openssl_certificates(start, count) == contents.certificates.count)
  }
  // The saved certificates form a bundle without damage that contains the same.
  let again = BundleContents(reading: contents.canonicalText)
  precondition(again.damage == nil)
  precondition(
    again.certificates.map { again.der(of: $0) } == contents.certificates.map { contents.der(of: $0) })
  // The fast reading of a bundle finds what is in it.
  let lengths = contents.certificates.map { $0.count }
  if contents.damage == nil, let plain = walked(bytes, .named, lengths) {
    for certificate in contents.certificates {
      precondition(certificate.isTrustedForServers && plain.ders.contains(contents.der(of: certificate)))
    }
    for der in plain.ders where (try? CertificateLayout(der.span, in: 0..<der.count, isStrict: false)) != nil
    {
      precondition(contents.certificates.contains { contents.der(of: $0) == der })
    }
  }
  // A bundle read in pieces yields the same as a whole one, without any damage that the reader of the whole text finds.
  for scope in [.all, .named] as [BundleWalk.Scope] {
    let whole = walked(bytes, scope, lengths)
    for size in [1 + count % 7, 1 + count % 1009, 5000] {
      // For a large block of a requested length, only the whole text is conclusive.
      if let pieces = walked(bytes, scope, lengths, size: size) { precondition(pieces == whole) }
      precondition(scope == .named || whole == nil || walked(bytes, scope, lengths, size: size) != nil)
    }
    guard scope == .all, let whole else { continue }
    precondition(contents.damage == nil && whole.count == contents.certificates.count)
    precondition(whole.ders == contents.certificates.map { contents.der(of: $0) })
    precondition(whole.faultLine == contents.fault?.line)
  }
  return 0
}

private struct Walked: Equatable {
  var ders: [[UInt8]] = []
  var count = 0
  var faultLine: Int?
}

/// What a walk finds, skipping markers; nil if the text is irregular.
/// - Parameter size: the size of the pieces; nil for the whole text at once.
private func walked(
  _ text: [UInt8], _ scope: BundleWalk.Scope, _ lengths: [Int], size: Int? = nil
) -> Walked? {
  var walk = BundleWalk(scope, lengths: lengths, over: size == nil ? text : nil)
  var walked = Walked()
  var given = 0
  while true {
    switch walk.next() {
    case .certificate: walked.ders.append(Array(walk.der))
    case .mark: walk.skip(1)
    case .needsMore:
      walk.refill { window, room in
        let end = min(given + min(room, size ?? 1), text.count)
        window += text[given..<end]
        given = end
        return given == text.count
      }
    case .end:
      walked.count = walk.certificateCount
      walked.faultLine = walk.fault?.line
      return walked
    case .irregular: return nil
    }
  }
}
