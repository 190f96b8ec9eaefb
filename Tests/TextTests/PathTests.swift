import Testing
import Text

/// Paths for display.
@Suite struct PathTests {
  @Test(arguments: [
    ("/certs/@scope/ca.pem", "/certs/@scope/ca.pem"), ("C:/ca.pem", "C:/ca.pem"), ("a\u{1B}[2J", "a\\x1b[2J"),
  ])
  func aPathIsShown(path: String, shown: String) {
    #expect(Path(Array(path.utf8)).shown.description == shown)
  }

  @Test(arguments: [
    "http://proxy", "/http://u:secret@h", "//u:secret@h:1", "http:/u:secret@h:1", "u:secret@h", "u:@secret",
  ])
  func whatMayBeAURLIsNotShown(path: String) {
    #expect(Path(Array(path.utf8)).shown.description == "(not shown: no path)")
  }
}
