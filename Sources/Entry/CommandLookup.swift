import Linux
import Text

/// Why a command certainly cannot be run; nil if it can, or in case of doubt, which only `execve` resolves: a directory
/// that this process may not enter may be open to the user that it will switch to.
func certainFault(of command: [UInt8], in environment: Environment) -> CommandFault? {
  var fault = CommandFault.missing
  for path in paths(of: command, in: environment) {
    do throws(Errno) {
      let metadata = try Root.system.status(of: path)
      if metadata.kind != .directory && metadata.mode & 0o111 != 0 { return nil }
      fault = metadata.kind == .directory ? .directory : .notExecutable
    } catch {
      if ![.noSuchFile, .notDirectory, .nameTooLong].contains(error) { return nil }
    }
  }
  return fault
}

/// The files that a command may refer to: itself if it contains a slash, otherwise one in each directory of PATH.
func paths(of command: [UInt8], in environment: Environment) -> [Path] {
  if command.isEmpty { return [] }
  if command.contains(UInt8(ascii: "/")) { return [Path(command)] }
  let path =
    environment.value(of: "PATH")
    ?? ("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" as StaticString).bytes
  return path[...].parts(between: ":", keepsEmpty: true).map { directory in
    // An empty component means the current directory (POSIX, Environment Variables, PATH).
    (directory.isEmpty ? Path(".") : Path(directory)).appending(command[...])
  }
}
