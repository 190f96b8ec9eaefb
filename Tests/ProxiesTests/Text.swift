import Testing
import Text

@testable import Proxies

/// A text made of Latin-1 bytes is easier to read as a literal than as bytes.
func bytes(_ text: String) -> [UInt8] { [UInt8](text.utf8) }

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// An environment written as lines, and the result of `unifyProxies` in the same form.
struct Unified {
  let outcome: ProxyOutcome
  var environment: [String] { outcome.environment.map(text) }

  init(
    _ environment: [String], prefer: ProxySettings.Preference? = nil, additions: String = "",
    hostName: String = "", secrets: [(String, String)] = []
  ) {
    outcome = unifyProxies(
      in: environment.map(bytes),
      ProxySettings(
        preference: prefer, additions: bytes(additions), hostName: bytes(hostName),
        secrets: secrets.map { (name, contents) in
          (
            bytes(name),
            contents == Self.unreadable
              ? .unreadable(reason: "permission denied", remedy: "change its mode")
              : .contents(bytes(contents))
          )
        }))
  }

  /// Stands for the contents of a secret whose file cannot be read.
  static let unreadable = "cannot be read"

  subscript(name: String) -> String? {
    environment.first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
  }

  /// `level subject` of each note that is not information.
  var notes: [String] { outcome.notes.filter { $0.level != .debug }.map { "\($0.level) \($0.subject)" } }

  func notes(_ level: Level) -> [ProxyNote] { outcome.notes.filter { $0.level == level } }
}

extension Text {
  func contains(_ part: String) -> Bool { description.contains(part) }
}

extension StaticString {
  var string: String { "\(self)" }
}

/// Numbers that are the same in every run (SplitMix64), so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
