import Text

/// Makes the proxy variables mean the same to every client.
///
/// For each variable one value is chosen, repaired, and stored under the lower-case and the upper-case name; other
/// spellings and empty values are removed. NO_PROXY gets the hosts that must always bypass a proxy. All other entries
/// stay unchanged and in place. Applying it again changes nothing.
/// - Parameters:
///   - environment: entries as in `environ`, usually `NAME=value`.
///   - settings: psm-entry's own settings, with the contents of the files that `_FILE` variables name.
@inline(never)
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

/// The spellings of a variable in an environment, with their positions.
private struct FoundSpellings {
  private var all: [(index: Int, spelling: Spelling)] = []
  private let names: SortedBytes
  /// The first entry of each spelling, in order of appearance.
  private(set) var first: [(index: Int, spelling: Spelling)] = []
  /// Further entries of these spellings: only a client that lists the environment itself sees them.
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

/// The effective value: that of the file, otherwise the preferred exact case, the other exact case, or other spellings.
/// For NO_PROXY all lists are merged, unless a preference is set.
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
    // An empty variable beside a file is intentional: a Compose override can empty a variable but not remove it.
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

/// The entries of all lists in order, without duplicates; nil if there is only one list, or if one of them is `*`.
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
  /// Adds a note for each spelling or entry. There may be thousands: beyond eight, only their number is given.
  fileprivate mutating func append<Subject>(
    counted subjects: [Subject], _ variable: ProxyVariable, _ note: (Subject) -> ProxyNote?
  ) {
    let limit = 8
    self += subjects.prefix(limit).compactMap(note)
    if subjects.count > limit { append(.more(variable, subjects.count - limit)) }
  }
}

/// The contents of the file that the variable's `_FILE` form names, without the last newline.
/// - Parameter plain: the variable that is used if the file yields no value.
@inline(never)
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
  // A variable cannot contain a NUL, and UTF-16 always does.
  if text.has(0) {
    notes.append(.binaryFile("\(name)", used: plain))
    return nil
  }
  let spelling = Spelling(variable, name: name.bytes, raw: [UInt8](text))
  if spelling.isSet { return spelling }
  notes.append(.emptyFile("\(name)", used: plain))
  return nil
}

/// The entries of NO_PROXY and, if a proxy is set, the hosts that must bypass it.
private func hostsWithoutProxy(
  _ chosen: Spelling?, _ settings: ProxySettings, _ environment: [[UInt8]], aProxyIsSet: Bool,
  _ notes: inout [ProxyNote]
) -> [NoProxyEntry] {
  var list = NoProxyList([])
  if let chosen, case .hosts(let read) = chosen.reading { list = read }
  // httpx does not read the other entries if one of them is `*`.
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

/// In a pod, the addresses inside the cluster, which a proxy outside cannot reach.
/// - Source: Kubernetes, "Accessing the Kubernetes API from a Pod": KUBERNETES_SERVICE_HOST is set in every container;
///   "DNS for Services and Pods": names end in `.svc.cluster.local`, or `.svc` in short.
private func clusterHosts(_ environment: [[UInt8]]) -> [NoProxyEntry] {
  let name: StaticString = "KUBERNETES_SERVICE_HOST="
  guard let entry = environment.first(where: { $0[...].begins(with: name) }) else { return [] }
  let host = NoProxyList([UInt8](entry.dropFirst(name.utf8CodeUnitCount))).entries
  // Several addresses in it would be the user's own doing.
  guard host.count == 1 else { return [] }
  return host + NoProxyList(StaticString(".svc,.cluster.local").bytes).entries
}

private func notesOnTheWhole(_ proxies: [ProxyOutcome.Proxy], _ environment: [[UInt8]]) -> [ProxyNote] {
  if proxies.isEmpty { return [] }
  var notes: [ProxyNote] = []
  let variables = proxies.map { $0.variable }
  if variables.contains(.http) && !variables.contains(.https) {
    notes.append(.httpWithoutHTTPS(hasAllProxy: variables.contains(.all)))
  }
  if environment.contains(where: { $0[...].begins(with: "REQUEST_METHOD=") }) {
    notes.append(.requestMethod)
  }
  return notes
}

/// The positions of a variable's two names, and their value; no positions if the value is empty.
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

  /// The replacement of the entry at this index: each exact name keeps its position, and a missing one follows the
  /// other. An index beyond the environment returns what has no position yet.
  @inline(never)
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

@inline(never)
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
