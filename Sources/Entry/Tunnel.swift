import Certificates
import Linux
import Proxies
import Text

// Requests a tunnel to a target from a proxy.

/// Why there is no tunnel, for display.
struct Refusal: Error {
  let detail: Text
  init(_ detail: Text) { self.detail = detail }
}

/// - Source: RFC 9110 §9.3.6 (CONNECT); RFC 7617 (Basic).
func connectRequest(_ proxy: ProxyURL, _ target: ConnectTarget) -> [UInt8] {
  let authority = target.authority
  return ("CONNECT \(authority) HTTP/1.1\r\nHost: \(authority)\r\n\(authorization(proxy))\r\n" as Text).utf8
}

/// The header with the user, including its line end; empty if there is no user.
func authorization(_ proxy: ProxyURL) -> Text {
  proxy.userinfo.map { "Proxy-Authorization: Basic \(base64($0.basicCredentials.bytes))\r\n" } ?? ""
}

/// Requests a tunnel with CONNECT.
func openTunnel(_ connection: Connection, _ proxy: ProxyURL, _ target: ConnectTarget) throws(Refusal) {
  let answer: [UInt8]
  do throws(Connection.Failure) {
    try connection.send(connectRequest(proxy, target))
    answer = try connection.receiveHead()
  } catch {
    throw Refusal(
      error == .late
        ? "no answer to CONNECT (not an HTTP proxy?); check host and port"
        : "connection closed on CONNECT (not an HTTP proxy?); check host and port")
  }
  if let refusal = refusal(of: answer, proxy, target) { throw refusal }
}

extension Connection {
  /// Reads an HTTP answer up to its empty line. A peer that speaks another protocol, such as SSH, may wait for the
  /// client to speak.
  func receiveHead() throws(Failure) -> [UInt8] {
    try receive(limit: 16384) {
      $0[...].firstOccurrence(of: "\r\n\r\n") != nil || ($0.count >= 7 && !isHTTP($0))
    }
  }
}

private func isHTTP(_ answer: [UInt8]) -> Bool { answer[...].begins(with: "HTTP/1.") }

/// The status of an HTTP answer; nil if it is not one.
func httpStatus(_ answer: [UInt8]) -> Int? {
  guard isHTTP(answer), answer.count >= 12 else { return nil }
  return answer[9..<12].decimal(upTo: 999)
}

/// What is wrong with a proxy's answer to CONNECT; nil if the tunnel is open.
func refusal(of answer: [UInt8], _ proxy: ProxyURL, _ target: ConnectTarget) -> Refusal? {
  guard let status = httpStatus(answer) else { return Refusal("not an HTTP proxy; check host and port") }
  if (200..<300).contains(status) {
    return answer[...].firstOccurrence(of: "\r\n\r\n") != nil ? nil : Refusal("incomplete answer to CONNECT")
  }
  return Refusal(proxyRefusal(status, offered: offeredSchemes(answer), proxy, target.authority))
}

/// - Parameter offered: the authentication schemes that the proxy offers.
func proxyRefusal(_ status: Int, offered: [[UInt8]], _ proxy: ProxyURL, _ authority: Text) -> Text {
  switch status {
  case 407:
    let refused: Text = "407 Proxy Authentication Required"
    if !offered.isEmpty && !offered.contains(where: { isBasic($0) }) {
      return
        "\(refused): the proxy offers only \(offered.map { escaped($0) }.joinedByAnd), which conda and Python's clients cannot use; ask for Basic, or run a local forwarder (px, cntlm)"
    }
    guard let userinfo = proxy.userinfo else {
      return "\(refused): no user given; write http://user:password@host:port"
    }
    return "\(refused): credentials of user \(userinfo.displayedUser) rejected; correct user and password"
  case 403: return "403 Forbidden: the proxy does not allow \(authority); ask its administrator to allow it"
  case 502, 503, 504:
    return "\(status): the proxy cannot reach \(authority); check that the proxy can resolve the name"
  case 400, 404, 405, 501:
    return
      "status \(status) for CONNECT \(authority): not an HTTP proxy, perhaps a web server; check host and port"
  default: return "status \(status) for CONNECT \(authority); ask the proxy's administrator"
  }
}

private func isBasic(_ scheme: [UInt8]) -> Bool { scheme.map { $0 | 0x20 }[...].isEqual(to: "basic") }

/// The schemes in the Proxy-Authenticate lines of the answer, without duplicates.
/// - Source: RFC 9110 §11.7.1 and §11.3: challenges are separated by commas, and so are their parameters, which have an
///   equals sign.
func offeredSchemes(_ answer: [UInt8]) -> [[UInt8]] {
  var schemes: [[UInt8]] = []
  for value in headerValues("proxy-authenticate:", in: answer) {
    for part in value.parts(between: ",") {
      guard let word = part.parts(between: " \t").first,
        word.allSatisfy({ $0.isLetterOrDigit(or: "-_") })
      else {
        continue
      }
      if !schemes.contains(where: { $0[...].isEqual(to: word) }) { schemes.append([UInt8](word)) }
    }
  }
  return schemes
}

/// The values of all headers with this name in an HTTP answer.
/// - Parameter name: in lower case, with its colon. Setting the lower-case bit changes neither a dash nor a colon.
func headerValues(_ name: StaticString, in answer: [UInt8]) -> [ArraySlice<UInt8>] {
  let count = name.utf8CodeUnitCount
  return answer[...].parts(between: "\r\n").filter { line in
    line.prefix(count).map { $0 | 0x20 }[...].isEqual(to: name)
  }.map { $0.dropFirst(count) }
}

// MARK: SOCKS

/// Requests a tunnel from a SOCKS proxy.
/// - Source: RFC 1928 and RFC 1929 for version 5; "SOCKS: A protocol for TCP proxy across firewalls" and "SOCKS 4A" for 4.
@inline(never)
func openSOCKSTunnel(_ connection: Connection, _ proxy: ProxyURL, _ target: ConnectTarget) throws(Refusal) {
  switch proxy.scheme {
  case .socks5, .socks5h: try openSOCKS5Tunnel(connection, proxy, target)
  default: try openSOCKS4Tunnel(connection, proxy, target)
  }
}

private func openSOCKS5Tunnel(
  _ connection: Connection, _ proxy: ProxyURL, _ target: ConnectTarget
) throws(Refusal) {
  let method = try exchange(connection, proxy.userinfo == nil ? [5, 1, 0] : [5, 2, 0, 2], answer: 2)
  guard method[0] == 5 else { throw Refusal("not a SOCKS 5 proxy; check scheme and port") }
  if method[1] == 2, let userinfo = proxy.userinfo {
    let (user, password) = (userinfo.decodedUser, userinfo.decodedPassword.bytes)
    guard let userLength = UInt8(exactly: user.count), let passwordLength = UInt8(exactly: password.count)
    else {
      throw Refusal("user or password longer than SOCKS 5 allows (255 bytes)")
    }
    let verdict = try exchange(connection, [1, userLength] + user + [passwordLength] + password, answer: 2)
    if verdict[1] != 0 {
      throw Refusal("credentials of user \(userinfo.displayedUser) rejected; correct user and password")
    }
  } else if method[1] != 0 {
    throw Refusal(
      proxy.userinfo == nil
        ? "user and password required; write socks5://user:password@host:port"
        : "the proxy supports neither anonymous access nor user and password")
  }
  var place: [UInt8]
  if let address = try address(target, resolving: proxy.scheme == .socks5) {
    place = [address.count == 4 ? 1 : 4] + address
  } else {
    place = [3, UInt8(truncatingIfNeeded: target.host.count)] + target.host
  }
  place += portBytes(target)
  let reply = try exchange(connection, [5, 1, 0] + place, answer: 4)
  if reply[1] != 0 {
    throw Refusal("the SOCKS proxy cannot reach \(target.authority): \(socks5Text(reply[1]))")
  }
}

private func openSOCKS4Tunnel(
  _ connection: Connection, _ proxy: ProxyURL, _ target: ConnectTarget
) throws(Refusal) {
  // Version 4A: an invalid address, with the name at the end.
  var place: [UInt8] = [0, 0, 0, 1]
  var name: [UInt8] = target.host + [0]
  if let address = try address(target, resolving: proxy.scheme == .socks4) {
    guard address.count == 4 else { throw Refusal("SOCKS 4 does not support IPv6; use socks5://") }
    (place, name) = (address, [])
  }
  let user = (proxy.userinfo?.decodedUser ?? []).filter { $0 != 0 } + [0]
  let reply = try exchange(connection, [4, 1] + portBytes(target) + place + user + name, answer: 8)
  guard reply[0] == 0 else { throw Refusal("not a SOCKS 4 proxy; check scheme and port") }
  if reply[1] != 90 {
    throw Refusal("the SOCKS proxy cannot reach \(target.authority) (code \(Int(reply[1])))")
  }
}

/// The target's address; nil if the proxy resolves the name. IPv4 is preferred, which every proxy can reach.
private func address(_ target: ConnectTarget, resolving: Bool) throws(Refusal) -> [UInt8]? {
  let found = Connection.addresses(of: target.host, isLiteral: !resolving)
  if let address = found.first(where: { $0.count == 4 }) ?? found.first { return address }
  if !resolving { return nil }
  throw Refusal(
    "cannot resolve \(escaped(target.host)) in this container; use socks5h:// to let the proxy resolve it"
  )
}

private func portBytes(_ target: ConnectTarget) -> [UInt8] {
  [UInt8(target.port >> 8), UInt8(target.port & 255)]
}

/// Sends bytes and reads at least the given number.
private func exchange(
  _ connection: Connection, _ request: [UInt8], answer count: Int
) throws(Refusal) -> [UInt8] {
  do throws(Connection.Failure) {
    try connection.send(request)
    let answer = try connection.receive(limit: 512) { $0.count >= count }
    if answer.count >= count { return answer }
  } catch .late {
    throw Refusal("no answer (not a SOCKS proxy?); check scheme and port")
  } catch {}
  throw Refusal("connection closed (not a SOCKS proxy?); check scheme and port")
}

/// - Source: RFC 1928 §6.
private func socks5Text(_ code: UInt8) -> Text {
  switch code {
  case 2: "not allowed by its rules"
  case 3: "network unreachable"
  case 4: "host unreachable"
  case 5: "connection refused"
  case 6: "connection timed out"
  default: "code \(Int(code))"
  }
}
