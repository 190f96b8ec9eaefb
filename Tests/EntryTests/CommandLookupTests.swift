import Linux
import Testing
import Text

@testable import Entry
@testable import TestSupport

/// What is certain about a command before anything changes, and what only execve tells.
struct CommandLookupTests {
  let temporary: TemporaryDirectory
  init() throws {
    temporary = try TemporaryDirectory()
    let program = Array("#!/gone/interpreter\n".utf8)
    try temporary.write("bin/run", program, mode: 0o755)
    try temporary.write("bin/plain", program)
    try temporary.write("more/plain", program, mode: 0o100)
    try temporary.write("bin/odd", program, mode: 0o001)
    try temporary.makeDirectory("bin/directory")
    try temporary.link("bin/dangling", to: "gone")
    try temporary.link("bin/loop", to: "loop")
    try temporary.link("bin/link", to: "run")
  }

  struct Row: Sendable {
    let command: String
    var path: String? = "BASE/none:BASE/bin"
    let fault: CommandFault?
  }

  @Test(arguments: [
    Row(command: "run", fault: nil),
    Row(command: "link", fault: nil),
    // One bit is enough for doubt.
    Row(command: "odd", fault: nil),
    Row(command: "BASE/bin/run", fault: nil),
    Row(command: "", fault: .missing),
    Row(command: "gone", fault: .missing),
    Row(command: "dangling", fault: .missing),
    Row(command: "BASE/bin/gone", fault: .missing),
    Row(command: "BASE/bin/run/gone", fault: .missing),
    Row(command: String(repeating: "x", count: 300), fault: .missing),
    Row(command: "run", path: "", fault: .missing),
    Row(command: "run", path: "BASE/none", fault: .missing),
    Row(command: "plain", fault: .notExecutable),
    Row(command: "BASE/bin/plain", fault: .notExecutable),
    Row(command: "BASE/bin/directory", fault: .directory),
    Row(command: "/dev/null", fault: .notExecutable),
    // A later directory may contain one that can be run.
    Row(command: "plain", path: "BASE/bin:BASE/more", fault: nil),
    Row(command: "loop", fault: nil),
    // The system's default if PATH is not set.
    Row(command: "sh", path: nil, fault: nil),
  ])
  func onlyWhatIsCertainIsAFault(row: Row) {
    func resolved(_ text: String) -> [UInt8] {
      Array(text.replacing("BASE", with: temporary.path.shown.description).utf8)
    }
    let entries = row.path.map { [Array("PATH=".utf8) + resolved($0)] } ?? []
    #expect(certainFault(of: resolved(row.command), in: Environment(entries: entries)) == row.fault)
  }

  @Test func aMessageNamesTheCommandAndNoPassword() {
    func text(_ command: String, _ fault: CommandFault) -> String {
      let problem = report(command: Array(command.utf8), fault)
      return "\(problem.level.name) \(problem.subject): \(problem.message)"
    }
    #expect(
      text("servce", .missing)
        == "error servce: command not found in PATH; correct its name, or write its full path")
    #expect(
      text("/bin/servce", .missing)
        == "error /bin/servce: command not found; correct its path, or install it in the image")
    for (mistyped, meant) in [("chek", "check"), ("plam", "plan"), ("writebundle", "write-bundle")] {
      #expect(
        text(mistyped, .missing)
          == "error \(mistyped): command not found in PATH; did you mean 'psm-entry \(meant)'?")
    }
    #expect(!text("http://user:s3cretpw@proxy", .missing).contains("s3cretpw"))
    #expect(CommandFault.missing.status == 127 && CommandFault.notExecutable.status == 126)
  }
}
