import Text

/// Makes the proxy variables mean one thing to every client.
///
/// Of each variable one value is chosen, repaired, and put under its lower case and its upper case name; other
/// spellings and empty ones go. NO_PROXY gets what must never be asked of a proxy. All other entries stay as they
/// are and where they are. Doing it twice is doing it once.
/// - Parameters:
///   - environment: entries as in `environ`, usually `NAME=value`.
///   - settings: psm-entry's own, with the text of the `_FILE` variables' files.
public func unifyProxies(in environment: [[UInt8]], _ settings: ProxySettings) -> ProxyOutcome {
  var outcome = ProxyOutcome()
  var placements: [Placement] = []
  for variable in ProxyVariable.each {
    let found = FoundSpellings(of: variable, in: environment)
    let chosen = choose(variable, found, settings, &outcome.notes)
    var value = chosen?.value ?? []
    if variable == .no {
      outcome.noProxy = hostsWithoutProxy(
        chosen, settings, environment, aProxyIsSet: !outcome.proxies.isEmpty, &outcome.notes)
      value = commaSeparated(outcome.noProxy.map { $0.text })
    } else if let chosen {
      var url: ProxyURL?
      if case .url(let read, _) = chosen.reading { url = read }
      outcome.proxies.append(.init(variable: variable, source: chosen.title, url: url))
    }
    placements.append(Placement(variable: variable, found: found, value: value))
  }
  outcome.notes += notesOnTheWhole(outcome.proxies, environment)
  outcome.environment = rebuilt(environment, placements)
  return outcome
}

/// The names under which a variable is in an environment, and where.
private struct FoundSpellings {
  private var all: [(index: Int, spelling: Spelling)] = []
  private let names: SortedBytes
  /// The first entry of each name, in order of appearance.
  private(set) var first: [(index: Int, spelling: Spelling)] = []
  /// The other entries of these names: nothing reads them but a client that lists the environment itself.
  private(set) var repeated: [Spelling] = []

  init(of variable: ProxyVariable, in environment: [[UInt8]]) {
    for (index, entry) in environment.enumerated() {
      guard let (name, value) = entry[...].cut(at: ASCII.equals), ProxyVariable(named: name) == variable
      else {
        continue
      }
      all.append((index, Spelling(variable, name: [UInt8](name), raw: [UInt8](value))))
    }
    names = SortedBytes(all.map { $0.spelling.name })
    for (number, one) in all.enumerated() {
      if names.number(of: one.spelling.name) == number {
        first.append(one)
      } else {
        repeated.append(one.spelling)
      }
    }
  }

  func spelling(named name: [UInt8]) -> Spelling? { names.number(of: name).map { all[$0].spelling } }

  func index(of name: [UInt8]) -> Int? { names.number(of: name).map { all[$0].index } }
}

/// The value that counts: the file's, else the preferred exact case, the other exact case, other spellings. Of NO_PROXY it
/// is all of them, unless somebody chose one.
private func choose(
  _ variable: ProxyVariable, _ found: FoundSpellings, _ settings: ProxySettings, _ notes: inout [ProxyNote]
) -> Spelling? {
  let exact =
    settings.preference == .upper
    ? [variable.upperCase.bytes, variable.lowerCase.bytes]
    : [variable.lowerCase.bytes, variable.upperCase.bytes]
  let others = found.first.map { $0.spelling }.filter { !exact.contains($0.name) }
  let plain = exact.compactMap { found.spelling(named: $0) } + others
  let firstPlain = plain.first { $0.isSet }
  let file = secret(variable, settings, insteadOf: firstPlain?.title, &notes)
  let chosen = file ?? firstPlain
  var merged: Spelling?
  if let chosen {
    merged = settings.preference == nil ? union(of: plain.filter { $0.isSet }) : nil
    if let repair = chosen.repairNote { notes.append(repair) }
    notes += (merged ?? chosen).standingNotes
    var others = plain.filter { $0.name != chosen.name && $0.raw != chosen.raw }
    // Empty beside a file is meant: a Compose override can empty a variable and not remove it.
    if file != nil { others = others.filter { $0.isSet } }
    notes.append(counted: others, variable) { other in
      if !other.isSet { return .emptyBeside(other.title, used: chosen.title) }
      if other.value == chosen.value { return file == nil ? other.repairNote : nil }
      if file != nil { return .besideFile(chosen.title, chosen.shown, other.title, other.shown) }
      return merged == nil
        ? .differing(chosen.title, chosen.shown, other.title, other.shown)
        : .merged(chosen.title, chosen.shown, other.title, other.shown)
    }
  }
  let differing = found.repeated.filter { found.spelling(named: $0.name)?.value != $0.value }
  notes.append(counted: differing, variable) { .duplicate($0.title) }
  return merged ?? chosen
}

/// The entries of all lists in their order, each once; nil where they are not several lists, or one of them is `*`.
private func union(of spellings: [Spelling]) -> Spelling? {
  guard let first = spellings.first, spellings.count > 1, case .hosts(var list) = first.reading,
    !list.isEverything
  else { return nil }
  for other in spellings.dropFirst() {
    guard case .hosts(let more) = other.reading, !more.isEverything else { return nil }
    _ = list.add(more)
  }
  return Spelling(name: first.name, raw: first.raw, hosts: list)
}

extension [ProxyNote] {
  /// Adds what is to be said of each spelling or entry. There may be thousands of them: of more than eight, only how many
  /// they are.
  fileprivate mutating func append<Subject>(
    counted subjects: [Subject], _ variable: ProxyVariable, _ note: (Subject) -> ProxyNote?
  ) {
    let limit = 8
    self += subjects.prefix(limit).compactMap(note)
    if subjects.count > limit { append(.more(variable, subjects.count - limit)) }
  }
}

/// The text of the file that the variable's `_FILE` form names, without its last newline.
/// - Parameter plain: the variable that is used where the file gives nothing.
private func secret(
  _ variable: ProxyVariable, _ settings: ProxySettings, insteadOf plain: Text?, _ notes: inout [ProxyNote]
) -> Spelling? {
  guard let name = variable.fileVariable,
    let secret = settings.secrets.first(where: { $0.variable[...].isEqual(to: name) })
  else { return nil }
  var text: ArraySlice<UInt8>
  switch secret.file {
  case .contents(let contents): text = contents[...]
  case .unreadable(let reason, let remedy):
    notes.append(.unreadableFile("\(name)", reason, remedy, used: plain))
    return nil
  }
  if text.last == ASCII.lineFeed {
    text = text.dropLast()
    if text.last == ASCII.carriageReturn { text = text.dropLast() }
  }
  // Neither would a variable hold a NUL, nor does UTF-16 come without one.
  if text.has(0) {
    notes.append(.binaryFile("\(name)", used: plain))
    return nil
  }
  let spelling = Spelling(variable, name: name.bytes, raw: [UInt8](text))
  if spelling.isSet { return spelling }
  notes.append(.emptyFile("\(name)", used: plain))
  return nil
}

/// NO_PROXY's entries, and, where a proxy is set, what must not be asked of one.
private func hostsWithoutProxy(
  _ chosen: Spelling?, _ settings: ProxySettings, _ environment: [[UInt8]], aProxyIsSet: Bool,
  _ notes: inout [ProxyNote]
) -> [NoProxyEntry] {
  var list = NoProxyList([])
  if let chosen, case .hosts(let read) = chosen.reading { list = read }
  // It takes no entry for what it is once one is `*`.
  if !list.isEverything && !list.hasWildcardAmongOthers {
    notes.append(counted: list.entries.filter { $0.failsHTTPX }, .no) { .failsHTTPX($0) }
  }
  guard aProxyIsSet, !list.isEverything else { return list.entries }
  let loopback = NoProxyList(StaticString("localhost,127.0.0.1,::1").bytes).entries
  let host = NoProxyList(settings.hostName).entries
  let asked = NoProxyList(settings.additions).entries
  let hadWildcard = list.hasWildcardAmongOthers
  let added = list.add(
    NoProxyList(
      entries: loopback + (host.count == 1 ? host : []) + clusterHosts(environment) + asked))
  if !added.isEmpty { notes.append(.added(added)) }
  if !list.hasWildcardAmongOthers {
    notes.append(counted: added.filter { $0.failsHTTPX }, .no) { .failsHTTPX($0) }
  }
  if list.hasWildcardAmongOthers && !hadWildcard {
    notes.append(.everythingAmongOthers("PSM_ENTRY_NO_PROXY"))
  }
  return list.entries
}

/// In a pod, the addresses inside the cluster, which no proxy outside of it knows.
/// - Source: Kubernetes, "Accessing the Kubernetes API from a Pod": KUBERNETES_SERVICE_HOST is in every container; "DNS for
///   Services and Pods": names end in `.svc.cluster.local`, and `.svc` is their short form.
private func clusterHosts(_ environment: [[UInt8]]) -> [NoProxyEntry] {
  let name: StaticString = "KUBERNETES_SERVICE_HOST="
  guard let entry = environment.first(where: { $0[...].begins(with: name) }) else { return [] }
  let host = NoProxyList([UInt8](entry.dropFirst(name.utf8CodeUnitCount))).entries
  // A list would be somebody's own.
  guard host.count == 1 else { return [] }
  return host + NoProxyList(StaticString(".svc,.cluster.local").bytes).entries
}

private func notesOnTheWhole(_ proxies: [ProxyOutcome.Proxy], _ environment: [[UInt8]]) -> [ProxyNote] {
  if proxies.isEmpty { return [] }
  var notes: [ProxyNote] = []
  let variables = proxies.map { $0.variable }
  if variables.contains(.http) && !variables.contains(.https) { notes.append(.httpWithoutHTTPS) }
  if environment.contains(where: { $0[...].begins(with: "REQUEST_METHOD=") }) {
    notes.append(.requestMethod)
  }
  return notes
}

/// Where a variable's two names go, and with what value; none if the value is empty.
private struct Placement {
  let variable: ProxyVariable
  let value: [UInt8]
  private let lowerIndex: Int?
  private let upperIndex: Int?
  private let firstIndex: Int?

  init(variable: ProxyVariable, found: FoundSpellings, value: [UInt8]) {
    self.variable = variable
    self.value = value
    lowerIndex = found.index(of: variable.lowerCase.bytes)
    upperIndex = found.index(of: variable.upperCase.bytes)
    firstIndex = found.first.first?.index
  }

  /// What replaces the entry at this index: each exact name keeps its place, a missing one follows the
  /// other; an index beyond the environment asks for what has no place yet.
  func entries(at index: Int, end: Int) -> [[UInt8]] {
    if value.isEmpty { return [] }
    let lower = lowerIndex ?? upperIndex ?? firstIndex ?? end
    let upper = upperIndex ?? lowerIndex ?? firstIndex ?? end
    let upperFirst = lowerIndex == nil && upperIndex != nil
    let pair = (
      lower == index ? [entry(variable.lowerCase)] : [],
      upper == index ? [entry(variable.upperCase)] : []
    )
    return upperFirst ? pair.1 + pair.0 : pair.0 + pair.1
  }

  private func entry(_ name: StaticString) -> [UInt8] { name.bytes + [ASCII.equals] + value }
}

private func rebuilt(_ environment: [[UInt8]], _ placements: [Placement]) -> [[UInt8]] {
  var entries: [[UInt8]] = []
  for (index, entry) in environment.enumerated() {
    if let name = entry[...].cut(at: ASCII.equals)?.before, let variable = ProxyVariable(named: name) {
      for placement in placements where placement.variable == variable {
        entries += placement.entries(at: index, end: environment.count)
      }
    } else {
      entries.append(entry)
    }
  }
  for placement in placements {
    entries += placement.entries(at: environment.count, end: environment.count)
  }
  return entries
}
