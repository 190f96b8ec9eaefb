import Linux
import Text
import Trust

// Messages of `apply` and `write-bundle` that a start does not have.

/// A process that may still use the trust from before a change. See docs/rotation.md.
func report(older process: RunningProcess) -> Problem {
  Problem(
    level: .warning, subject: "process \(process.id.rawValue) (\(escaped(process.name)))",
    message: "started before the change and may keep the old trust; restart it",
    event: "process.older")
}

/// - Parameter error: why /proc does not show the processes.
func report(noProcesses error: Errno) -> Problem {
  Problem(
    level: .warning, subject: "/proc",
    message:
      "cannot list the processes that started before the change (\(lowerCased(error))); restart those that use TLS",
    event: "process.unknown")
}

extension MergedBundle.Refusal {
  /// Why there is no merged bundle. The findings usually name the cause.
  func problem(_ subject: Text) -> Problem {
    let message: Text =
      switch self {
      case .noBase:
        "not written: no bundle and no system store contains a public CA; set PSM_ENTRY_BUNDLES to the bundles of this image"
      case .baseUnknown:
        "not written: a bundle or the system store cannot be read (see above); correct the errors above"
      case .tooLarge: "not written: would exceed 64 MiB; mount fewer CAs"
      }
    return Problem(level: .error, subject: subject, message: message, event: "bundle.not_written")
  }
}

/// Why the merged bundle must not overwrite this file.
func report(reserved path: Path, _ reason: ReservedPath) -> Problem {
  let message: Text =
    switch reason {
    case .store: "not written: a start updates this bundle; name another file"
    case .input: "not written: it is an input, or in an input directory; name a file elsewhere"
    }
  return Problem(level: .error, subject: path.shown, message: message, event: "bundle.not_written")
}

func report(written path: Path, _ merged: MergedBundle, isNew: Bool) -> Problem {
  let done: Text = isNew ? "written" : "up to date"
  return Problem(
    level: .info, subject: path.shown,
    message: "\(done): \(certificates(merged.count)), \(merged.managedCount) of them added",
    event: "bundle.written")
}
