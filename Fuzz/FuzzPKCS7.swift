/// Any bytes as PKCS #7: what is found are parts of it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPKCS7(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let found = certificatesOfSignedData(bytes) ?? []
  precondition(found.reduce(0) { $0 + $1.count } <= bytes.count)
  for der in found { _ = Certificate(der: der) }
  return 0
}
