import Text

/// Stages of the preparation at which tests inject faults.
enum Stage {
  case start, inputs, system, bundles, environment, answer
}

#if FAULTS
  import CLinux
  import Linux

  /// In the tests' build, `PSM_ENTRY_TEST_FAULT=STAGE:KIND` makes the preparation trap, loop, exhaust memory or be
  /// killed at that stage. `PSM_ENTRY_TEST_MALLOC=N` makes its N-th allocation fail, counted from 1; `N+` all from then
  /// on.
  func injectFault(at stage: Stage, _ environment: Environment) {
    if stage == .start, let wish = environment.value(of: "PSM_ENTRY_TEST_MALLOC") {
      let digits = wish.prefix { $0 != UInt8(ascii: "+") }
      let number = digits.decimal(upTo: .max)
      if let number, number > 0 { allocationsBeforeRefusal = (number - 1, digits.count == wish.count) }
    }
    breakDown(at: stage, environment)
  }

  private func breakDown(at stage: Stage, _ environment: Environment) {
    guard let wish = environment.value(of: "PSM_ENTRY_TEST_FAULT") else { return }
    let parts = wish.split(separator: UInt8(ascii: ":"))
    guard parts.count == 2, parts[0].isEqual(to: stage.name) else { return }
    if parts[1].isEqual(to: "trap") { fatalError() }
    if parts[1].isEqual(to: "kill") { kill(getpid(), SIGKILL) }
    if parts[1].isEqual(to: "stop") { kill(getpid(), SIGSTOP) }
    while parts[1].isEqual(to: "loop") {}
    var hoard: [[UInt8]] = []
    while parts[1].isEqual(to: "memory") { hoard.append([UInt8](repeating: 1, count: 1 << 20)) }
  }

  extension Stage {
    var name: StaticString {
      switch self {
      case .start: "start"
      case .inputs: "inputs"
      case .system: "system"
      case .bundles: "bundles"
      case .environment: "environment"
      case .answer: "answer"
      }
    }
  }

  func isTestVariable(_ name: ArraySlice<UInt8>) -> Bool { name.begins(with: "PSM_ENTRY_TEST_") }
#else
  @inline(__always) func injectFault(at _: Stage, _: Environment) {}
  @inline(__always) func isTestVariable(_: ArraySlice<UInt8>) -> Bool { false }
#endif
