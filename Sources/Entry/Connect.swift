import Certificates
import Linux
import Proxies
import Text
import Trust

// `check --connect`: does a client of this container get through its proxies, and does it trust what answers?

/// A host that is asked for, from an `https://` URL.
struct ConnectTarget {
  let host: [UInt8]
  let port: UInt16

  /// - Returns: nil where it is no `https://` URL.
  init?(_ url: [UInt8]) {
    let scheme = Path("https://").bytes
    // A scheme is the same in either case; neither the colon nor the slash has this bit unset.
    guard url.prefix(scheme.count).map({ $0 | 0x20 })[...].isEqual(to: scheme) else { return nil }
    // The rest is read like a proxy's address: host and port are written the same way.
    let authority = url.dropFirst(scheme.count).prefix { $0 != UInt8(ascii: "/") }
    guard !authority.contains(UInt8(ascii: "@")),
      let address = try? parseProxyURL(Array(Path("http://").bytes) + authority)
    else { return nil }
    host = address.host
    port = address.port ?? 443
  }

  /// Host and port as a URL writes them.
  var shown: Text {
    let isIPv6 = host.contains(UInt8(ascii: ":"))
    return isIPv6 ? "[\(escaped(host))]:\(port)" : "\(escaped(host)):\(port)"
  }
}

/// A proxy to go through, and what it is called in the result; no address where it cannot be read.
struct ConnectRoute {
  let name: Text
  let proxy: ProxyURL?
  let problem: Text?
}

/// Goes every route to every target.
/// - Parameter bundle: what the connection is verified against; nil where there is none.
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
      checks.append(Check(name: .connect, target: name, level: verdict.level, detail: verdict.detail))
    }
  }
  showProgress("")
  return checks
}

/// One line that is written over and over, on a terminal only.
private func showProgress(_ text: Text) {
  let output = FileDescriptor.standardError
  if !output.isTerminal { return }
  // A line that wraps could not be written over.
  let shown = cut(text, output.terminalColumns.map { $0 - 3 })
  let line: Text = text.isEmpty ? "\r\u{1B}[K" : "\r\u{1B}[K\(shown) …"
  try? output.write(line.utf8)
}

/// The routes that `--connect` goes: the environment's proxies as a start would leave them, and those of the
/// command line; the direct one where there is none.
func connectRoutes(_ context: StartContext, _ commandLine: CommandLine) -> [ConnectRoute] {
  var routes: [ConnectRoute] = []
  for proxy in context.proxies.proxies {
    guard let url = proxy.url else {
      routes.append(
        ConnectRoute(name: proxy.source, proxy: nil, problem: "its value cannot be read: see proxy"))
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
      routes.append(ConnectRoute(name: path.shown, proxy: nil, problem: error.text))
    }
  }
  return routes.isEmpty ? [ConnectRoute(name: "direct", proxy: nil, problem: nil)] : routes
}

private func route(_ value: [UInt8], named name: Text) -> ConnectRoute {
  do throws(ProxyURLFault) {
    let url = try parseProxyURL(value)
    return ConnectRoute(name: url.redacted, proxy: url, problem: nil)
  } catch {
    return ConnectRoute(name: name, proxy: nil, problem: "cannot be read: \(error.reason)")
  }
}
