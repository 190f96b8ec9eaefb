import Text

/// Any bytes as an environment, its entries ended by NUL, and each value as a proxy's URL.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzProxies(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let environment = bytes.split(separator: 0).map { Array($0) }
  let settings = ProxySettings(additions: environment.last ?? [], hostName: Array("worker".utf8))
  let once = unifyProxies(in: environment, settings)
  for note in once.notes { precondition(isHarmless(note.subject) && isHarmless(note.message)) }
  for entry in once.noProxy { precondition(isHarmless(entry.shown)) }
  // Doing it twice is doing it once, and nothing is left to repair.
  let twice = unifyProxies(in: once.environment, ProxySettings(hostName: Array("worker".utf8)))
  precondition(twice.environment == once.environment)

  for variable in ProxyVariable.each {
    let values = [variable.lowerCase, variable.upperCase].map { value(of: $0, in: once.environment) }
    precondition(values[0] == values[1])
  }
  for entry in environment {
    let text = entry.split(separator: UInt8(ascii: "="), maxSplits: 1).last.map { Array($0) } ?? []
    guard let url = try? parseProxyURL(text) else { continue }
    precondition(isHarmless(url.redacted) && isHarmless(url.endpoint))
    // What is handed on is read again as the same, and shown as the same.
    let again = try? parseProxyURL(url.value)
    precondition(again == url && again?.value == url.value && again?.redacted == url.redacted)
    if let userinfo = url.userinfo { checkShown(userinfo) }
  }
  return 0
}

/// What is shown of a user holds no password, be it encoded or not; one of a byte or two is a part of many a name.
private func checkShown(_ userinfo: Userinfo) {
  let shown = userinfo.displayedUser.utf8
  for secret in [userinfo.password?.bytes ?? [], userinfo.decodedPassword.bytes] where secret.count > 2 {
    precondition(!shown.contains(secret))
  }
}

private func value(of name: StaticString, in environment: [[UInt8]]) -> ArraySlice<UInt8>? {
  let entry = environment.first {
    $0[...].begins(with: name) && $0.dropFirst(name.utf8CodeUnitCount).first == UInt8(ascii: "=")
  }
  return entry.map { $0[(name.utf8CodeUnitCount + 1)...] }
}
