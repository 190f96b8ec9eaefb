import Clients
import Linux
import Text

// The result of `check`, for people and as JSON.

@inline(never)
func text(of checks: [Check], inForce: Text) -> Text {
  let problems = checks.filter { $0.level <= .warning }
  let routes = checks.filter { $0.name == .connect && $0.level > .warning }
  let notes = checks.filter { $0.level > .warning && $0.differs }
  let success: Text = "ok: \(checks.count) checks; \(inForce)\n"
  if problems.isEmpty && routes.isEmpty && notes.isEmpty { return success }
  var table = Table(endsInSentences: true)
  for route in routes { table.row(["✓ ok", route.name.text, route.target, route.detail]) }
  for note in notes { table.row(["· info", note.name.text, note.target, note.detail]) }
  for check in problems {
    table.row([check.level == .error ? "✗ error" : "! warning", check.name.text, check.target, check.detail])
  }
  if problems.isEmpty { return table.text + success }
  let errors = checks.count { !$0.isOK }
  let warnings = problems.count - errors
  let counts: Text =
    "\(checks.count) checks, \(errors) error\(errors == 1 ? "" : "s"), \(warnings) warning\(warnings == 1 ? "" : "s")"
  return table.text + (errors == 0 ? "ok: \(counts); \(inForce)\n" : "not ok: \(counts)\n")
}

@inline(never)
func json(of checks: [Check]) -> [UInt8] {
  var json = JSON()
  json.object { result in
    result.member("ok", checks.allSatisfy { $0.isOK })
    result.name("checks")
    result.array { list in
      for check in checks {
        list.object { object in
          object.member("name", check.name.text)
          object.member("target", check.target)
          object.member("ok", check.isOK)
          object.member("level", check.level.name)
          object.member("detail", check.detail)
          if let verdict = check.verdict {
            object.member("trust", verdict.trust.word)
            object.member("proxy", verdict.proxy.word)
          }
          if !check.steps.isEmpty {
            object.name("milliseconds")
            object.object { steps in
              for step in check.steps { steps.member("\(step.name)", step.milliseconds) }
            }
          }
        }
      }
    }
  }
  return json.bytes + [UInt8(ascii: "\n")]
}
