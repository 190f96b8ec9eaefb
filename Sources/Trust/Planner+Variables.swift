import Certificates
import Text

// The variables of the user that name stores.

extension Planner {
  /// Reports problems of the CA variables that the user has set. The variables are kept, but clients that honor them
  /// may not trust the mounted certificates. A file that psm-entry writes is judged by its future contents.
  mutating func planVariables() {
    if mounted.isEmpty { return }
    let redirected = SortedBytes(plan.redirected)
    var problems: [(names: Text, kind: Finding.Kind)] = []
    for variable in snapshot.variables where variable.path != plan.exported {
      if redirected.contains(variable.name) { continue }
      guard let kind = problem(of: variable) else { continue }
      let name = escaped(variable.name)
      // Several variables usually name the same file.
      if let number = problems.firstIndex(where: { $0.kind == kind }) {
        problems[number].names += ", \(name)"
      } else {
        problems.append((name, kind))
      }
    }
    for problem in problems { find(.variable, .warning, problem.names, problem.kind) }
  }

  @inline(never)
  private mutating func problem(of variable: VariableSnapshot) -> Finding.Kind? {
    let path = variable.path
    func unreadable(_ reason: ReadError) -> Finding.Kind {
      .variableUnreadable(path, reason, isOnlyTrust: variable.use.isOnlyTrust)
    }
    let lacking: [Certificate]
    // What its clients trust; nil for a file that psm-entry writes.
    let trusted: SortedBytes?
    var isBundle = false
    switch variable.state {
    case .unreadable(let reason): return unreadable(reason)
    case .file where variable.use == .addsDirectory: return unreadable(.system(Errno(rawValue: 20)))
    case .directory where variable.use == .addsDirectory: return nil
    case .directory where variable.use != .replacesFileOrDirectory: return unreadable(.notRegular)
    case .file(let identity, let text):
      let known = self.lacking(identity)
      isBundle = known == nil
      lacking = known ?? text.map { missing(mounted.certificates, in: $0) } ?? []
      trusted = text.map { SortedBytes(trustedDERs(in: $0)) }
    case .directory(let ders):
      lacking = mounted.certificates.filter { !ders.contains($0.der) }
      trusted = ders
    }
    if let first = lacking.first {
      return .variableLacks(path, subject: first.shownSubject, more: lacking.count - 1, isBundle: isBundle)
    }
    guard variable.use != .adds, let trusted, hasBundleTexts(), !includesPublic(trusted) else { return nil }
    return .variableLacksPublic(path)
  }

  /// Whether a client that trusts only these certificates still trusts a host that the image trusts.
  private func includesPublic(_ ders: SortedBytes) -> Bool {
    guard let lastMerge else { return true }
    return lastMerge.baseDERs.contains { ders.contains($0) }
  }
}
