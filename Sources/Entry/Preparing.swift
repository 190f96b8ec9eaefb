import Linux
import Text

/// A psm-entry of this container that is preparing a start or runs `apply`; nil if none is seen.
///
/// Such a process waits for a child that is the same program with the same arguments. A single process is the child of
/// a start that was given up and is stuck in the kernel beside the service. `check`, `plan` and the like are recognized
/// by their arguments, and so is one that prepares another root.
@inline(never)
func preparingProcess() -> RunningProcess? {
  guard let processes = try? RunningProcess.ofThisProgram() else { return nil }
  let preparing = processes.filter { process in
    guard let arguments = try? process.arguments(),
      let commandLine = try? CommandLine(Array(arguments.dropFirst()))
    else { return false }
    let roots = commandLine.settings.filter { $0.setting == .root }
    return (commandLine.verb == .start || commandLine.verb == .apply)
      && roots.allSatisfy { $0.value[...].isEqual(to: "/") }
  }
  return preparing.first { parent in preparing.contains { $0.parent == parent.id } }
}
