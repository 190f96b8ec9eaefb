import Text

/// Any bytes as an environment, an entry a line, and as psm-entry's own settings: what comes out is settled, and
/// nothing of it shows a password.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzProxies(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map { Array($0) }
  let settings = ProxySettings(
    preference: count % 2 == 0 ? .lower : .upper, additions: lines.first ?? [], hostName: lines.last ?? [],
    secrets: [(StaticString("HTTP_PROXY_FILE").bytes, lines.last ?? [])])

  let once = unifyProxies(in: Array(lines.dropFirst()), settings)
  for note in once.notes { precondition(isHarmless(note.subject) && isHarmless(note.message)) }
  for entry in once.noProxy { precondition(isHarmless(entry.shown)) }
  for proxy in once.proxies {
    precondition(isHarmless(proxy.source))
    if let url = proxy.url { check(url) }
  }
  let twice = unifyProxies(in: once.environment, settings)
  precondition(twice.environment == once.environment)
  precondition(twice.noProxy.map { $0.text } == once.noProxy.map { $0.text })

  if let url = try? parseProxyURL(bytes) { check(url) }
  return 0
}

/// What is handed on is read as the same again, in plain ASCII where it was repaired, and shown without its password.
private func check(_ url: ProxyURL) {
  guard let again = try? parseProxyURL(url.value) else { preconditionFailure("what is handed on cannot be read") }
  precondition(again == url)
  precondition(isHarmless(url.redacted) && isHarmless(url.endpoint))
  guard let userinfo = url.userinfo, let password = userinfo.password else { return }
  let shown = userinfo.displayedUser.utf8
  // A password of a byte or two may well be a part of a name.
  for secret in [password.bytes, userinfo.decodedPassword.bytes] where secret.count > 2 {
    precondition(shown.isEmpty || !shown.contains(secret))
  }
}
