import Linux
import Stores
import Text
import Trust

/// Why a file must not be overwritten.
enum ReservedPath { case store, input }

/// `psm-entry write-bundle`: writes the contents of a private bundle to a file or to standard output. No store is
/// changed.
/// - Parameter operand: the file; nil or `-` for standard output.
/// - Returns: the exit status: 1, or 78 under strict, if there are errors.
@inline(never)
func writeBundle(_ context: StartContext, to operand: [UInt8]?) -> Int32 {
  let log = context.settings.basics.log
  let isStrict = context.settings.basics.isStrict
  let failure = isStrict ? ExitStatus.strictError : ExitStatus.failure
  let path = operand.flatMap { $0[...].isEqual(to: "-") ? nil : Path($0) }
  var problems = context.settings.problems + context.inputs.problems
  var destination: BundleDestination?
  defer { destination?.close() }
  if let path {
    do throws(ReadError) { destination = try BundleDestination(path, in: context.root) } catch {
      log.write(problems + [report(noDestination: path, error)])
      return failure
    }
  }
  var reader = SnapshotReader(context.root, context.request(for: .current))
  var snapshot = reader.read(keepsTexts: true)
  if let store = snapshot.system, store.identity != nil, store.failure == nil, store.text == nil {
    reader.answer([.storeText], in: &snapshot)
  }
  let (findings, result) = mergedBundle(snapshot, former: destination?.text)
  problems += report(findings)
  if let path, let reason = destination.flatMap({ reserved($0, snapshot, context) }) {
    problems.append(report(reserved: path, reason))
    log.write(problems)
    return failure
  }
  log.write(problems)
  let merged: MergedBundle
  switch result {
  case .failure(let refusal):
    log.write(refusal.problem(path?.shown ?? "standard output"))
    return failure
  case .success(let success): merged = success
  }
  if isStrict && problems.hasErrors {
    log.write(
      .error(
        "PSM_ENTRY_STRICT",
        "errors (see above), so nothing was written; \(context.settings.basics.strictRemedy)",
        "strict.refused"))
    return failure
  }
  guard let path, let destination else {
    let written = Output.write(merged.text, log)
    return written != 0 || problems.hasErrors ? failure : 0
  }
  do throws(Blocker) {
    let isNew = try destination.write(merged.text)
    log.write(report(written: path, merged, isNew: isNew))
  } catch {
    log.write(report(notWritten: path, error))
    return failure
  }
  return problems.hasErrors ? failure : 0
}

/// The role of an existing destination: writing a bundle over a store would change the store, and over an input it
/// would turn each public CA into a mounted one.
private func reserved(
  _ destination: BundleDestination, _ snapshot: Snapshot, _ context: StartContext
) -> ReservedPath? {
  let (file, directory) = destination.identities
  if let file {
    if snapshot.system?.identity == file || snapshot.bundles.contains(where: { $0.identity == file }) {
      return .store
    }
    for input in context.settings.inputs where context.root.metadata(of: input.path)?.identity == file {
      return .input
    }
  }
  return directory.map { context.mounted.directories.contains($0) } == true ? .input : nil
}
