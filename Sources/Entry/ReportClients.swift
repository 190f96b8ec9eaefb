import Clients
import Proxies
import Text

// Messages about what clients will do.

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

/// - Parameters:
///   - isManaged: whether a start keeps the store at this path up to date.
///   - unmanaged: the bundles that a user may want to add.
///   - exported: the file that a start writes or verifies, and names in variables.
func report(
  _ verdict: ClientVerdict, isManaged: (Path) -> Bool, _ unmanaged: [Path], exported: Path? = nil
) -> Text {
  let trust = trustText(verdict, isManaged, unmanaged, exported)
  let proxy = proxyText(verdict)
  return [trust, proxy].filter { !$0.isEmpty }.joined(by: "; ")
}

/// One setting for all the bundles that a user may want to add, so that a later one does not undo an earlier one.
/// - Parameter others: added as well.
private func bundlesSetting(adding path: Path, _ others: [Path]) -> Text {
  var setting: Text = "PSM_ENTRY_BUNDLES=default:\(path.shown)"
  for other in others where other != path { setting = "\(setting):\(other.shown)" }
  return setting
}

private func trustText(
  _ verdict: ClientVerdict, _ isManaged: (Path) -> Bool, _ unmanaged: [Path], _ exported: Path?
) -> Text {
  switch verdict.trust {
  case .unasked: ""
  case .mounted(let origin): "trusts the mounted CAs\(through(origin))"
  case .off(let origin): "does not verify certificates (\(origin.shown)); remove the setting"
  case .lacking(let path, .byDefault):
    isManaged(path)
      ? "does not trust the mounted CAs: \(path.shown) lacks them (see above)"
      : "does not trust the mounted CAs: \(path.shown) lacks them; set \(bundlesSetting(adding: path, unmanaged))"
  case .lacking(let path, let origin):
    "does not trust the mounted CAs: \(path.shown) (\(origin.shown)) lacks them; remove the setting, or set \(bundlesSetting(adding: path, unmanaged))"
  case .unusable(let path, let contents, .byDefault):
    "trusts nothing: \(path.shown): \(contents.text); restore it from the image"
  case .unusable(let path, let contents, let origin):
    "trusts nothing: \(shownValue(path)) (\(origin.shown)): \(contents.text); \(path == exported ? "restart the container" : "correct or remove the setting" as Text)"
  case .ownRoots: ownRootsText(verdict.client.kind)
  case .refusing:
    "rejects a mounted CA, as Python 3.13 and later do (see above); mount the issuing CA beside the root, or have it reissued"
  }
}

private func ownRootsText(_ kind: ClientKind) -> Text {
  switch kind {
  case .uv:
    "trusts only its built-in roots; set PSM_ENTRY_EXPORT=NODE_EXTRA_CA_CERTS,SSL_CERT_FILE"
  default: "trusts only its built-in roots; set PSM_ENTRY_EXPORT=NODE_EXTRA_CA_CERTS"
  }
}

private func proxyText(_ verdict: ClientVerdict) -> Text {
  switch verdict.proxy {
  case .unasked: ""
  case .environment: "uses the proxy variables"
  case .unused: unusedText(verdict.client.kind)
  case .own(let value, let origin):
    "uses its own proxy \(shownProxy(value)) (\(origin.shown)); remove the setting to use the proxy variables"
  case .none(let origin): "uses no proxy (\(origin.shown)); remove the setting to use the proxy variables"
  }
}

private func unusedText(_ kind: ClientKind) -> Text {
  switch kind {
  case .aiohttp: "uses the proxy variables only if the program sets trust_env=True"
  case .node: "ignores the proxy variables; set NODE_USE_ENV_PROXY=1 (Node 24 and later)"
  default: "uses no proxy for https:// URLs; set HTTPS_PROXY"
  }
}

/// The URL without its password; nothing of a value that cannot be parsed.
private func shownProxy(_ value: [UInt8]) -> Text {
  do throws(ProxyURLFault) { return try parseProxyURL(value).redacted } catch {
    return "(invalid URL)"
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

/// A key without the URL that it may contain, which may include a password.
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

/// - Parameter all: the bundles that a user may want to add.
func report(unmanaged path: Path, _ all: [Path]) -> Text {
  "not managed, so the mounted CAs are not added; to add them, set \(bundlesSetting(adding: path, all))"
}

let foreignStoreText: Text =
  "separate trust store, not managed by psm-entry; import the CAs with its own tool (keytool, certutil)"

/// - Parameter reason: why a configuration file was not read.
func report(unreadConfiguration reason: ReadError) -> Text {
  "cannot read (\(reason.shortText)), so its client's settings are unknown; \(reason == .tooLarge ? "make it smaller" : "make it a readable file" as Text)"
}

/// - Parameters:
///   - problem: the warning about a CA that VERIFY_X509_STRICT refuses.
///   - python: a Python that sets it.
func report(refused problem: Problem, by python: Path) -> Problem {
  Problem(
    level: .error, subject: problem.subject, message: "\(problem.message) (\(python.shown) is 3.13 or later)",
    event: problem.event)
}
