import Linux
import Text

/// `psm-entry install`: copies this binary to `destination`, or into it if it is a directory. A scratch image has no
/// `cp`.
@inline(never)
func install(to destination: Path, _ log: Log) -> Int32 {
  let ownName = Path("psm-entry")
  let target =
    Root.system.metadata(of: destination)?.kind == .directory ? destination.appending(ownName) : destination
  let (directoryPath, name) = target.split
  let binary: [UInt8]
  do throws(ReadError) {
    binary = try Root.system.read(Path("/proc/self/exe"), limit: 64 << 20)
  } catch {
    log.write(
      .error("/proc/self/exe", "cannot read: \(error.shortText); mount /proc", "binary.not_installed"))
    return ExitStatus.failure
  }
  do throws(Errno) {
    let directory = try Directory(directoryPath, in: .system)
    defer { directory.close() }
    try copy(binary, to: name, in: directory)
    log.write(Problem(level: .info, subject: target.shown, message: "installed", event: "binary.installed"))
    return 0
  } catch {
    log.write(.error(target.shown, "cannot install: \(lowerCased(error))", "binary.not_installed"))
    return ExitStatus.failure
  }
}

private func copy(_ binary: [UInt8], to name: Path, in directory: Directory) throws(Errno) {
  do throws(Replacement.Failure) {
    let replacement = Replacement(mode: 0o755, owner: nil, expected: directory.metadata(of: name))
    try replacement.replace(name, in: directory, with: binary) { _ in true }
  } catch .system(_, let error) {
    throw error
  } catch {
    throw .busy
  }
}
