import Linux
import Text
import Trust

// What `apply` and `write-bundle` have to say beside what a start says.

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

extension MergedBundle.Refusal {
  /// Why there is no merged bundle. What it is about stands in the findings, but for what is in none.
  func problem(_ subject: Text) -> Problem {
    let message: Text =
      switch self {
      case .noBase:
        "no bundle and no system store with a certificate, so clients would reject public hosts; not written; set PSM_ENTRY_BUNDLES"
      case .baseUnknown: "what clients trust cannot all be read (see above); not written"
      case .tooLarge: "would have more than 64 MiB; not written; mount fewer CAs"
      }
    return Problem(level: .error, subject: subject, message: message, event: "bundle.not_written")
  }
}

/// What the merged bundle must not be written over.
func report(reserved path: Path, _ reason: ReservedPath) -> Problem {
  let message: Text =
    switch reason {
    case .store: "a bundle that a start updates; not written; name another file"
    case .input: "an input, or in a directory of inputs; not written; name a file elsewhere"
    }
  return Problem(level: .error, subject: path.shown, message: message, event: "bundle.not_written")
}

func report(written path: Path, _ merged: MergedBundle, isNew: Bool) -> Problem {
  let done: Text = isNew ? "written" : "up to date"
  return Problem(
    level: .info, subject: path.shown,
    message: "\(done): \(merged.count) certificates, \(merged.managedCount) of them mounted",
    event: "bundle.written")
}
