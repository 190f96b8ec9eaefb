import Linux
import Text
import Trust

/// `psm-entry env`: prints the environment that a start would give the service. The output is for machines and is not
/// redacted.
@inline(never)
func printEnvironment(_ context: StartContext, _ flags: [CommandLine.Flag]) -> Int32 {
  let plan = PlannedStart(context)
  let log = context.settings.basics.log
  log.write(plan.problems.filter { $0.level <= .warning })
  if flags.contains(.null) {
    return Output.write(plan.environment.entries.flatMap { $0 + [0] }, log)
  }
  if flags.contains(.json) { return Output.write(json(plan.environment), log) }
  let difference = EnvironmentDifference(from: context.environment, to: plan.environment)
  return Output.write(shellText(difference), log)
}

/// `export` and `unset` lines for any POSIX shell. Names that are not valid in a shell are left out.
private func shellText(_ difference: EnvironmentDifference) -> [UInt8] {
  var text: [UInt8] = []
  for (name, value) in difference.set where isShellName(name) {
    text += ("export " as StaticString).bytes + name + ("='" as StaticString).bytes
    for byte in value {
      // A quote is written as: end of the string, escaped quote, start of the next string.
      if byte == UInt8(ascii: "'") { text += ("'\\''" as StaticString).bytes } else { text.append(byte) }
    }
    text += ("'\n" as StaticString).bytes
  }
  for name in difference.unset where isShellName(name) {
    text += ("unset " as StaticString).bytes + name + [newline]
  }
  return text
}

/// - Source: POSIX.1-2017 Base Definitions §3.235 (Name).
private func isShellName(_ name: [UInt8]) -> Bool {
  guard let first = name.first, !first.isDigit else { return false }
  return name.allSatisfy { isNameByte($0) }
}

/// Whether it is an ASCII letter or digit, or an underscore.
func isNameByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"),
    UInt8(ascii: "_"):
    true
  default: false
  }
}

private func json(_ environment: Environment) -> [UInt8] {
  var json = JSON()
  let named = environment.entries.compactMap { entry in
    name(ofEntry: entry).map { (name: repaired($0), value: entry[($0.count + 1)...]) }
  }
  json.object { object in
    // Replacing invalid UTF-8 by U+FFFD may make two names equal.
    for number in SortedBytes(named.map { $0.name.utf8 }).firsts {
      object.member(named[number].name, repaired(named[number].value))
    }
  }
  return json.bytes + [UInt8(ascii: "\n")]
}
