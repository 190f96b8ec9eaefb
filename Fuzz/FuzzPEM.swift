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
  // What is read of a bundle in haste is what is in it.
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
  // A bundle that is read in pieces is what it is as a whole, and has no damage that the reader of a whole text finds.
  for scope in [.all, .named] as [BundleWalk.Scope] {
    let whole = walked(bytes, scope, lengths)
    for size in [1 + count % 7, 1 + count % 1009, 5000] {
      // Of a large block that is asked for by its length, only the whole text tells.
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

/// What a walk finds, marks passed over; nil where the text is irregular.
/// - Parameter size: of the pieces in which the text comes; nil for the whole at once.
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
