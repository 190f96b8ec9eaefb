/// Any bytes as PKCS #7: the certificates found are parts of it, one after another.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPKCS7(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  var end = 0
  let found = readSignedData(bytes, in: 0..<bytes.count) { der in
    precondition(der.lowerBound >= end && der.upperBound <= bytes.count)
    end = der.upperBound
  }
  let file = withinBudget(count) { CertificateFile(reading: bytes) }
  precondition(found == nil || file.certificates.count <= found ?? 0)
  precondition(file.problems.count <= 16)
  return 0
}
