import Text

/// One spelling of a proxy variable found in the environment, with its value.
final class Spelling {
  /// The name as spelled, or the name of the `_FILE` variable; ASCII letters and underscores.
  let name: [UInt8]
  /// The original value.
  let raw: [UInt8]
  let reading: Reading

  /// The parsed value.
  enum Reading {
    case unset
    case url(ProxyURL, ProxyURLRepairs)
    case unreadable(ProxyURLFault)
    case hosts(NoProxyList)
  }

  init(_ variable: ProxyVariable, name: [UInt8], raw: [UInt8]) {
    self.name = name
    self.raw = raw
    if variable == .no {
      let list = NoProxyList(raw)
      reading = list.entries.isEmpty ? .unset : .hosts(list)
    } else {
      do throws(ProxyURLFault) {
        let read = try readProxyURL(raw)
        reading = .url(read.url, read.repairs)
      } catch {
        reading = error == .empty ? .unset : .unreadable(error)
      }
    }
  }

  /// A list merged from several.
  init(name: [UInt8], raw: [UInt8], hosts: NoProxyList) {
    (self.name, self.raw, reading) = (name, raw, .hosts(hosts))
  }

  /// The name for display.
  var title: Text { Text(utf8: name) }

  var isSet: Bool {
    if case .unset = reading { false } else { true }
  }

  /// The value for the environment.
  var value: [UInt8] {
    switch reading {
    case .unset: []
    case .url(let url, _): url.value
    case .unreadable: raw
    case .hosts(let list): list.value
    }
  }

  var shown: Text {
    switch reading {
    case .unset: "empty"
    case .url(let url, _): url.redacted
    case .unreadable: unreadableValue
    case .hosts(let list): list.shown
    }
  }

  /// The repairs; nil if there were none.
  var repairNote: ProxyNote? {
    switch reading {
    case .url(_, let repairs): repairs.isEmpty ? nil : .repaired(title, repairs, now: shown)
    case .hosts(let list): list.repairs.isEmpty ? nil : .repaired(title, list.repairs, now: shown)
    case .unset, .unreadable: nil
    }
  }

  /// The problems that remain.
  @inline(never)
  var standingNotes: [ProxyNote] {
    switch reading {
    case .unset: []
    case .unreadable(let fault): [.unreadable(title, fault)]
    case .hosts(let list): list.hasWildcardAmongOthers ? [.everythingAmongOthers(title)] : []
    case .url(let url, _):
      (url.port == nil ? [.noPort(title, url)] : []) + (url.scheme == .http ? [] : [.scheme(title, url)])
        + (url.userinfo?.isASCII == false ? [.notASCII(title, url)] : [])
        + (url.userinfo?.isIncomplete == true ? [.incompleteUser(title, url)] : [])
        + url.pitfalls.map { .pitfall(title, url, $0) }
    }
  }
}
