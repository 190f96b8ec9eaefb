import Clients
import Proxies
import Text

// What clients will do, in words.

extension ClientTrust {
  /// One word, for machines and for the table.
  var word: Text {
    switch self {
    case .unasked: "unasked"
    case .mounted: "mounted"
    case .off: "off"
    case .lacking: "lacking"
    case .unusable: "unusable"
    case .ownRoots: "own"
    case .refusing: "refusing"
    }
  }
}

extension ClientProxy {
  var word: Text {
    switch self {
    case .unasked: "unasked"
    case .environment: "environment"
    case .unused: "unused"
    case .own: "own"
    case .none: "none"
    }
  }
}

/// - Parameter isManaged: whether a start keeps the store at this path.
func report(_ verdict: ClientVerdict, isManaged: (Path) -> Bool) -> Text {
  let trust = trustText(verdict, isManaged)
  let proxy = proxyText(verdict)
  return [trust, proxy].filter { !$0.isEmpty }.joined(by: "; ")
}

private func trustText(_ verdict: ClientVerdict, _ isManaged: (Path) -> Bool) -> Text {
  switch verdict.trust {
  case .unasked: ""
  case .mounted(let origin): "trusts the mounted CAs\(through(origin))"
  case .off(let origin): "does not verify certificates (\(origin.shown)); remove the setting"
  case .lacking(let path, .byDefault):
    isManaged(path)
      ? "does not trust the mounted CAs: \(path.shown) lacks them (see above)"
      : "does not trust the mounted CAs: \(path.shown) lacks them; set PSM_ENTRY_BUNDLES=default:\(path.shown)"
  case .lacking(let path, let origin):
    "does not trust the mounted CAs: \(path.shown) (\(origin.shown)) lacks them; remove the setting, or set PSM_ENTRY_BUNDLES=default:\(path.shown)"
  case .unusable(let path, let contents, .byDefault):
    "trusts nothing: \(path.shown): \(contents.text); restore it from the image"
  case .unusable(let path, let contents, let origin):
    "trusts nothing: \(path.shown) (\(origin.shown)): \(contents.text); correct or remove the setting"
  case .ownRoots: ownRootsText(verdict.client.kind)
  case .refusing:
    "rejects a mounted CA (Python 3.13 and later, see above); mount the issuing CA beside the root, or have it reissued"
  }
}

private func ownRootsText(_ kind: ClientKind) -> Text {
  switch kind {
  case .uv:
    "trusts only roots of its own; set PSM_ENTRY_EXPORT=NODE_EXTRA_CA_CERTS,SSL_CERT_FILE"
  default: "trusts only roots of its own; set PSM_ENTRY_EXPORT=NODE_EXTRA_CA_CERTS"
  }
}

private func proxyText(_ verdict: ClientVerdict) -> Text {
  switch verdict.proxy {
  case .unasked: ""
  case .environment: "uses the proxy variables"
  case .unused: unusedText(verdict.client.kind)
  case .own(let value, let origin):
    "uses a proxy of its own, \(shownProxy(value)) (\(origin.shown)); remove the setting to use the proxy variables"
  case .none(let origin): "uses no proxy (\(origin.shown)); remove the setting to use the proxy variables"
  }
}

private func unusedText(_ kind: ClientKind) -> Text {
  switch kind {
  case .aiohttp: "uses the proxy variables only where a program sets trust_env=True"
  case .node: "uses no proxy variable; set NODE_USE_ENV_PROXY=1 (Node 24 and later)"
  default: "uses no proxy for https; set HTTPS_PROXY"
  }
}

/// The address without its password; nothing of one that cannot be read.
private func shownProxy(_ value: [UInt8]) -> Text {
  do throws(ProxyURLFault) { return try parseProxyURL(value).redacted } catch {
    return "an address that cannot be read"
  }
}

private func through(_ origin: Origin) -> Text { origin == .byDefault ? "" : " (\(origin.shown))" }

extension Origin {
  fileprivate var shown: Text {
    switch self {
    case .byDefault: "by default"
    case .variable(let name): escaped(name[...])
    case .file(let path, let key): "\(path.shown): \(shownKey(key))"
    }
  }
}

/// A key; of one for a URL not the URL, which may hold a password.
private func shownKey(_ key: [UInt8]) -> Text {
  key[...].contains("@") ? "a setting for a URL" : escaped(key[...]).cut(to: 128)
}

extension ClientFacts.Store {
  fileprivate var text: Text {
    switch self {
    case .missing: "no such file or directory"
    case .unreadable(let reason): reason.shortText
    case .malformed: "malformed"
    case .empty: "contains no certificate"
    case .read: "lacks the mounted CAs"
    }
  }
}

func report(unmanagedBundle path: Path) -> Text {
  "not managed: a start does not add the mounted CAs; to change that, set PSM_ENTRY_BUNDLES=default:\(path.shown)"
}

let foreignStoreText: Text =
  "a trust store of its own, which psm-entry does not manage; import the CAs with its own tool"

/// - Parameter reason: why a configuration file was not read.
func report(unreadConfiguration reason: ReadError) -> Text {
  "\(reason.shortText); not read, so what its client does is not known; make it smaller"
}

/// - Parameters:
///   - problem: the warning of a CA that VERIFY_X509_STRICT refuses.
///   - python: one that sets it.
func report(refused problem: Problem, by python: Path) -> Problem {
  Problem(
    level: .error, subject: problem.subject, message: "\(problem.message) (\(python.shown) is such a Python)",
    event: problem.event)
}
