import Linux
import Stores
import Text
import Trust

// The words for why something cannot be read or written.

/// The value of a variable; a URL that was put there by mistake may contain a password.
func shownValue(_ path: Path) -> Text {
  if path.isEmpty { return "empty value" }
  return path.isAbsolute || !path.bytes.contains(UInt8(ascii: "@")) ? path.shown : "(not shown: not a path)"
}

/// The C library's text, as used within a sentence.
func lowerCased(_ error: Errno) -> Text {
  var text = error.text.utf8
  // Not an abbreviation, as in "I/O error".
  if text.count > 1, (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(text[0]), text[1] >= UInt8(ascii: "a") {
    text[0] |= 0x20
  }
  return Text(utf8: text)
}

extension ReadError {
  /// Follows the name of a file and a colon.
  @inline(never)
  var shortText: Text {
    switch self {
    case .system(let error): lowerCased(error)
    case .notRegular: "not a regular file"
    case .tooLarge: "too large"
    }
  }

  /// What to do about a bundle that cannot be read.
  var remedy: Text {
    switch self {
    case .system: "check its permissions and the mount"
    case .notRegular, .tooLarge: "restore it from the image"
    }
  }
}

extension Blocker {
  var text: Text {
    switch self {
    case .refused(let step, let error): "\(step.text): \(lowerCased(error))"
    case .readOnly(let place):
      "read-only file system\(place.map { ", mounted at \($0.shown)" as Text } ?? "")"
    case .mountPoint: "mounted as a single file"
    case .notWhole: "read-back verification failed"
    case .overtaken: "another program keeps replacing it"
    case .originalNotKept(let error): "cannot save the malformed original: \(lowerCased(error))"
    }
  }
}

extension Blocker.Step {
  var text: Text {
    switch self {
    case .create: "cannot create a temporary file"
    case .owner: "cannot preserve the owner"
    case .mode: "cannot preserve the mode"
    case .write: "cannot write"
    case .readBack: "cannot read back"
    case .rename: "cannot rename"
    }
  }
}

extension StoreSnapshot.ToolRun.Ending {
  var text: Text {
    switch self {
    case .exited(let status): "(exit status \(status))"
    case .signalled(let signal): "(killed by signal \(signal))"
    case .late: "(killed at its time limit)"
    case .notStarted(let error): "(not started: \(lowerCased(error)))"
    }
  }
}
