import Linux
import Text

/// `psm-entry install`: copies this binary to `destination`, or into it if it is a folder. An image
/// made from scratch has no `cp`.
func install(to destination: Path, _ log: Log) -> Int32 {
  let ownName = Path("psm-entry")
  let target =
    Root.system.metadata(of: destination)?.kind == .folder ? destination.appending(ownName) : destination
  let (folderPath, name) = target.split
  let binary: [UInt8]
  do throws(ReadError) {
    binary = try Root.system.read(Path("/proc/self/exe"), limit: 64 << 20)
  } catch {
    log.write(.error("/proc/self/exe", "\(error.text): mount /proc"))
    return ExitStatus.failure
  }
  do throws(Errno) {
    let folder = try Folder(folderPath, in: .system)
    defer { folder.close() }
    try copy(binary, to: name, in: folder)
    return 0
  } catch {
    log.write(.error(target.shown, "not installed (\(error.text))"))
    return ExitStatus.failure
  }
}

private func copy(_ binary: [UInt8], to name: Path, in folder: Folder) throws(Errno) {
  do throws(Replacement.Failure) {
    let replacement = Replacement(mode: 0o755, owner: nil, expected: folder.metadata(of: name))
    try replacement.replace(name, in: folder, with: binary) { _ in true }
  } catch .system(_, let error) {
    throw error
  } catch {
    throw .busy
  }
}
