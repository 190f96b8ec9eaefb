import Text

/// Any bytes as an environment whose entries end with NUL, and each value as a proxy URL.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzProxies(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let environment = bytes.split(separator: 0).map { Array($0) }
  let settings = ProxySettings(additions: environment.last ?? [], hostName: Array("worker".utf8))
  let once = unifyProxies(in: environment, settings)
  for note in once.notes { precondition(isHarmless(note.subject) && isHarmless(note.message)) }
  for entry in once.noProxy { precondition(isHarmless(entry.shown)) }
  // Applying it again changes nothing, and nothing is left to repair.
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
    // The value for the environment is parsed as the same URL, and is shown as the same.
    let again = try? parseProxyURL(url.value)
    precondition(again == url && again?.value == url.value && again?.redacted == url.redacted)
    if let userinfo = url.userinfo { checkShown(userinfo) }
  }
  return 0
}

/// What is shown of a user contains no password, encoded or not; passwords of one or two bytes are skipped, because
/// many names contain them.
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
