import Certificates
import Linux
import Proxies
import Text
import Trust

// `check --connect`: can a client of this container connect through its proxies, and does it trust the server?

/// The target of a request, from an `https://` or `http://` URL.
struct ConnectTarget {
  let isTLS: Bool
  let host: [UInt8]
  let port: UInt16
  /// What follows the port, at least `/`; it may contain a token.
  private let resource: [UInt8]

  /// - Returns: nil if it is not an `https://` or `http://` URL, or contains a user.
  init?(_ url: [UInt8]) {
    let schemes: [(name: StaticString, isTLS: Bool)] = [("https://", true), ("http://", false)]
    // Schemes ignore case; the bit is set in the colon and the slash anyway.
    guard
      let scheme = schemes.first(where: { scheme in
        url.prefix(scheme.name.utf8CodeUnitCount).map { $0 | 0x20 }[...].isEqual(to: scheme.name)
      })
    else { return nil }
    let rest = url.dropFirst(scheme.name.utf8CodeUnitCount)
    // The authority is parsed like a proxy URL, since host and port have the same form.
    let authority = rest.prefix {
      $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
    }
    let path = rest.dropFirst(authority.count).prefix { $0 != UInt8(ascii: "#") }
    guard !authority.contains(UInt8(ascii: "@")), path.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
      let address = try? parseProxyURL(("http://" as StaticString).bytes + authority)
    else { return nil }
    isTLS = scheme.isTLS
    host = address.host
    port = address.port ?? (isTLS ? 443 : 80)
    resource = path.first == UInt8(ascii: "/") ? [UInt8](path) : [UInt8(ascii: "/")] + path
  }

  /// Whether the URL has a path other than `/`.
  var hasPath: Bool { resource.count > 1 }

  /// Host and port as in a URL.
  var authority: Text {
    let isIPv6 = host.contains(UInt8(ascii: ":"))
    return isIPv6 ? "[\(escaped(host))]:\(port)" : "\(escaped(host)):\(port)"
  }

  /// The path for display, without a query.
  var path: Text {
    let path = resource.prefix { $0 != UInt8(ascii: "?") }
    return path.count < resource.count ? "\(escaped(path))?***" : escaped(path)
  }

  /// Host, port and, if there is one, path.
  var shown: Text { hasPath ? authority + path : authority }

  /// - Parameter proxy: the proxy that receives a plain request, with the whole URL; nil for the server itself.
  /// - Source: RFC 9112 §3.2.
  func headRequest(of proxy: ProxyURL?) -> [UInt8] {
    let place: Text = proxy == nil ? "" : "http://\(authority)"
    let user = proxy.map { authorization($0) } ?? ""
    let end: Text =
      " HTTP/1.1\r\nHost: \(authority)\r\nUser-Agent: psm-entry\r\nConnection: close\r\n\(user)\r\n"
    return ("HEAD \(place)" as Text).utf8 + resource + end.utf8
  }
}

/// The host of a redirect; nil if the answer does not redirect to another host.
func redirectedHost(_ answer: [UInt8]) -> [UInt8]? {
  guard let value = headerValues("location:", in: answer).first else { return nil }
  return ConnectTarget([UInt8](value.drop { $0 == UInt8(ascii: " ") }))?.host
}

/// A proxy to connect through, and its name in the result. The URL is nil if it cannot be parsed.
final class ConnectRoute {
  let name: Text
  let proxy: ProxyURL?
  let problem: Text?

  init(name: Text, proxy: ProxyURL?, problem: Text?) {
    self.name = name
    self.proxy = proxy
    self.problem = problem
  }
}

/// Checks every target through every route.
/// - Parameter bundle: the bundle to verify the connection against; nil if there is none.
@inline(never)
func connectChecks(
  _ routes: [ConnectRoute], _ targets: [ConnectTarget], _ context: StartContext, bundle: Path?
) -> [Check] {
  var checks: [Check] = []
  let probe = Probe(context: context, bundle: bundle)
  for route in routes {
    for target in targets {
      showProgress("\(route.name) → \(target.shown)")
      let name: Text = "\(route.name) → \(target.shown)"
      if let problem = route.problem {
        checks.append(Check(name: .connect, target: name, level: .error, detail: problem))
        continue
      }
      let verdict = probe.run(route, target)
      checks.append(
        Check(
          name: .connect, target: name, level: verdict.level, detail: verdict.detail, steps: verdict.steps))
    }
  }
  showProgress("")
  return checks
}

/// Shows a line that is overwritten by the next one; only on a terminal.
@inline(never)
private func showProgress(_ text: Text) {
  let output = FileDescriptor.standardError
  if !output.isTerminal { return }
  // A line that wraps could not be overwritten.
  let shown = cut(text, output.terminalColumns.map { $0 - 3 })
  let line: Text = text.isEmpty ? "\r\u{1B}[K" : "\r\u{1B}[K\(shown) …"
  try? output.write(line.utf8)
}

/// The routes for `--connect`: the proxies in the environment that a start would create, and those of the command line;
/// the direct route if there are none.
@inline(never)
func connectRoutes(_ context: StartContext, _ commandLine: CommandLine) -> [ConnectRoute] {
  var routes: [ConnectRoute] = []
  for proxy in context.proxies.proxies {
    guard let url = proxy.url else {
      routes.append(
        ConnectRoute(name: proxy.source, proxy: nil, problem: "invalid proxy URL (see proxy)"))
      continue
    }
    if routes.contains(where: { $0.proxy == url }) { continue }
    routes.append(ConnectRoute(name: url.redacted, proxy: url, problem: nil))
  }
  for (index, value) in commandLine.proxies.enumerated() {
    routes.append(route(value, named: "--proxy number \(index + 1)"))
  }
  for file in commandLine.proxyFiles {
    let path = Path(file)
    do throws(ReadError) {
      var value = try context.root.read(path, limit: 65536)
      while value.last == UInt8(ascii: "\n") || value.last == UInt8(ascii: "\r") { value.removeLast() }
      routes.append(route(value, named: path.shown))
    } catch {
      routes.append(ConnectRoute(name: path.shown, proxy: nil, problem: error.shortText))
    }
  }
  return routes.isEmpty ? [ConnectRoute(name: "direct", proxy: nil, problem: nil)] : routes
}

@inline(never)
private func route(_ value: [UInt8], named name: Text) -> ConnectRoute {
  do throws(ProxyURLFault) {
    let url = try parseProxyURL(value)
    return ConnectRoute(name: url.redacted, proxy: url, problem: nil)
  } catch {
    return ConnectRoute(
      name: name, proxy: nil, problem: "invalid proxy URL (\(error.reason)); \(error.remedy)")
  }
}
