import Certificates
import Text

// The private bundle: its contents, its location, and the variables that name it.

extension Planner {
  /// Plans the private bundle that replaces a file which cannot be written.
  /// - Parameter file: that file; nil for the system store's bundle.
  /// - Returns: its path; nil if no state directory is usable, or if that is not known yet.
  mutating func planPrivate(beside file: BundleSnapshot.File?) -> Path? {
    if let text = file?.text, BundleContents(reading: ManagedSection.base(of: text)).certificates.isEmpty {
      return nil
    }
    _ = hasBundleTexts()
    if let store = snapshot.system, store.identity != nil, store.failure == nil, store.text == nil {
      ask(.storeText)
    }
    guard let directories = snapshot.stateDirectories else {
      ask(.stateDirectories)
      return nil
    }
    if !plan.questions.isEmpty { return nil }
    if !isTrustKnown { return nil }
    let base = commonBase(of: redirectedTexts(beside: file))
    let merge = BundleMerge(of: base, mounted: mounted)
    for directory in directories {
      if let failure = directory.failure {
        let level: Level = failure == .foreign || directory.isNamed ? .warning : .debug
        find(.bundle, level, directory.path.shown, .stateDirectoryFailed(failure))
      }
    }
    for isGuarded in [true, false] {
      var choice: (directory: StateDirectorySnapshot, text: [UInt8])?
      for directory in directories where directory.isGuarded == isGuarded && directory.failure != .foreign {
        let merge = privateMerge(base, directory, like: merge)
        if merge.refusal != nil || (merge.managedCount == 0 && mounted.isEmpty) { continue }
        let text = merge.text(behind: base)
        // A directory that already contains the bundle is as good as the first one.
        if contains(directory, text) { return use(directory, text) }
        if choice == nil && directory.failure == nil { choice = (directory, text) }
      }
      if let choice { return use(choice.directory, choice.text) }
    }
    return nil
  }

  /// Whether everything that the private bundle should contain is known. Files that this user may not read (EACCES) do
  /// not matter: its clients cannot read them either.
  var isTrustKnown: Bool {
    func isKnown(_ reason: ReadError) -> Bool { reason == .system(Errno(rawValue: 13)) }
    for bundle in snapshot.bundles {
      if case .unreadable(let reason) = bundle.state, !isKnown(reason) { return false }
    }
    for failure in snapshot.patternFailures where failure.reason != .tooMany { return false }
    return snapshot.system?.failure.map { isKnown($0) } ?? true
  }

  /// - Parameter merge: the merge of the base and the mounted certificates alone.
  private func privateMerge(
    _ base: [UInt8], _ directory: StateDirectorySnapshot, like merge: BundleMerge
  ) -> BundleMerge {
    if mounted.isComplete { return merge }
    guard let old = directory.text, let range = ManagedSection.locate(in: old).range else { return merge }
    return BundleMerge(of: base, mounted: mounted.adding(certificates(in: old[range])), like: merge)
  }

  private func contains(_ directory: StateDirectorySnapshot, _ text: [UInt8]) -> Bool {
    directory.text.map { $0[...].isEqual(to: text[...]) } ?? false
  }

  private mutating func use(_ directory: StateDirectorySnapshot, _ text: [UInt8]) -> Path {
    let path = directory.path.appending(privateBundleName)
    if !contains(directory, text) {
      plan.actions.append(.writePrivate(in: directory.path, text: text))
      var change = StoreChange(store: path, kind: .privateBundle)
      let held = directory.text.map { fingerprints(ofSectionIn: $0) } ?? []
      let new = fingerprints(ofSectionIn: text)
      change.added = difference(of: new, and: held)
      change.removed = difference(of: held, and: new)
      plan.changes.append(change)
    }
    if !directory.isGuarded { find(.bundle, .warning, directory.path.shown, .stateDirectoryUnguarded) }
    plan.exported = path
    plan.isPrivate = true
    redirectVariables(to: path, text)
    return path
  }

  /// What the clients that are redirected to the private bundle trusted before: the base of every bundle and of the
  /// system store, without what psm-entry has added.
  /// - Parameter file: the bundle that comes first; nil for the first in the snapshot.
  func redirectedTexts(beside file: BundleSnapshot.File?) -> [[UInt8]] {
    var texts = file?.text.map { [ManagedSection.base(of: $0)] } ?? []
    var identities = file.map { [$0.identity] } ?? []
    for other in snapshot.bundles.compactMap({ $0.file }) where !identities.contains(other.identity) {
      identities.append(other.identity)
      guard let text = other.text else { continue }
      texts.append(baseWithoutOurs(text, isStore: other.identity == snapshot.system?.identity))
    }
    if let store = snapshot.system, let identity = store.identity, let text = store.text,
      !identities.contains(identity)
    {
      texts.append(baseWithoutOurs(text, isStore: true))
    }
    return texts
  }

  private func baseWithoutOurs(_ text: [UInt8], isStore: Bool) -> [UInt8] {
    let base = ManagedSection.base(of: text)
    guard isStore, let store = snapshot.system else { return base }
    let anchors = store.anchors.compactMap { fingerprint(ofAnchor: $0) }
    return withoutCertificates(anchors, base, known: mounted.certificates)
  }

  /// Sets the user's variables to the private bundle if they name a file that could not be written and if the private
  /// bundle contains all its certificates.
  @inline(never)
  private mutating func redirectVariables(to path: Path, _ text: [UInt8]) {
    var known: SortedBytes?
    for variable in snapshot.variables {
      guard case .file(let identity, _) = variable.state, unwritten.contains(identity),
        let file = self.text(of: identity)
      else { continue }
      let held = known ?? SortedBytes(trustedDERs(in: text))
      known = held
      let base = baseWithoutOurs(file, isStore: identity == snapshot.system?.identity)
      if !trustedDERs(in: base).allSatisfy({ held.contains($0) }) { continue }
      plan.redirected.append(variable.name)
      find(.variable, .info, escaped(variable.name), .redirected(from: variable.path, to: path))
    }
  }

  private func text(of identity: FileIdentity) -> [UInt8]? {
    for bundle in snapshot.bundles {
      if let file = bundle.file, file.identity == identity { return file.text }
    }
    return snapshot.system?.identity == identity ? snapshot.system?.text : nil
  }

  /// Without mounted certificates, no private bundle is used.
  mutating func planRemovalOfPrivate() {
    if snapshot.bundles.allSatisfy({ $0.file == nil }) && snapshot.system == nil { return }
    guard let directories = snapshot.stateDirectories else { return ask(.stateDirectories) }
    for directory in directories where directory.failure == nil {
      guard let text = directory.text else { continue }
      plan.actions.append(.removePrivate(in: directory.path))
      var change = StoreChange(store: directory.path.appending(privateBundleName), kind: .privateBundle)
      change.removed = fingerprints(ofSectionIn: text)
      plan.changes.append(change)
    }
  }
}

/// The name of the private bundle in a state directory.
public var privateBundleName: Path { Path("cacert.pem") }

/// What clients of several files trust, as one text: the certificates of each file, in canonical form, without
/// duplicates.
func commonBase(of texts: [[UInt8]]) -> [UInt8] {
  var common: [UInt8] = []
  var trusted: [[UInt8]] = []
  for text in texts {
    let contents = BundleContents(reading: text)
    let known = SortedBytes(trusted)
    common.reserveCapacity(common.count + text.count)
    for certificate in contents.certificates {
      let der = contents.der(of: certificate)
      if !known.contains(der) { contents.appendCanonicalForm(of: certificate, to: &common) }
      if certificate.isTrustedForServers { trusted.append(der) }
    }
  }
  return common
}

/// The DER of each certificate that a client reading `text` trusts.
public func trustedDERs(in text: [UInt8]) -> [[UInt8]] { BundleContents(reading: text).trustedDERs }

extension BundleContents {
  fileprivate var trustedDERs: [[UInt8]] {
    certificates.filter { $0.isTrustedForServers }.map { der(of: $0) }
  }
}

@inline(never)
private func fingerprints(ofSectionIn text: [UInt8]) -> [Fingerprint] {
  guard let range = ManagedSection.locate(in: text).range else { return [] }
  return certificates(in: text[range]).fingerprints
}
