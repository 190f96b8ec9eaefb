import Linux
import Text

// What `apply` has to say beside what a start says.

/// A process that may keep what it read before a change. See docs/rotation.md.
func report(older process: RunningProcess) -> Problem {
  Problem(
    level: .warning, subject: "process \(process.id.rawValue) (\(escaped(process.name)))",
    message: "started before the change and may keep the old trust; restart it", event: "process.older")
}

/// - Parameter error: why /proc does not tell which processes there are.
func report(noProcesses error: Errno) -> Problem {
  Problem(
    level: .warning, subject: "/proc",
    message:
      "cannot tell which processes started before the change (\(error.text)); restart those that connect with TLS",
    event: "process.unknown")
}
