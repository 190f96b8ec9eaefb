import Linux
import Text

// The process that becomes the service. All preparation happens in a child, so that no fault there keeps the service
// from starting. This process installs no handler and no timer, and passes on mask, dispositions, limits, umask,
// directory and descriptors unchanged.

/// Prepares the container in a child, then becomes the command.
func start(_ source: Source, _ basics: BasicSettings, arguments: CStrings, environment: CStrings) -> Never {
  let signals = SignalGuard()
  let answer = prepareInChild(source, basics, signals)
  signals.exitIfSignalled()
  switch answer {
  case .ready(let prepared):
    becomeService(arguments, environment: prepared, original: environment, basics, signals)
  case .refused(let status):
    ProcessID.exit(status)
  case .failed(let reason):
    let outcome: Text =
      basics.needsPreparation
      ? "the service is not started" : "the service starts with its original environment"
    signals.write(.error("preparation", "\(reason); \(outcome)", "preparation.failed"), to: basics.log)
    if basics.needsPreparation { ProcessID.exit(ExitStatus.preparationFailed) }
    becomeService(arguments, environment: source.environment, original: environment, basics, signals)
  }
}

/// The result of the child.
enum Answer {
  case ready(Environment)
  case refused(Int32)
  case failed(Text)
}

/// Runs the child and waits for its answer within the time limit. SIGTERM and SIGINT end the child, and then this
/// process.
func prepareInChild(_ source: Source, _ basics: BasicSettings, _ signals: SignalGuard) -> Answer {
  let deadline = Deadline(secondsFromNow: basics.timeout)
  do throws(Errno) {
    let opened = try FileDescriptor.pipe()
    // A pipe whose two ends have numbers above 2 shows that 0 to 2 are open.
    let hasClosedStandard = opened.reading.rawValue <= 2 || opened.writing.rawValue <= 2
    let reading = try opened.reading.aboveStandard()
    let writing = try opened.writing.aboveStandard()
    defer { reading.close() }
    let parent = ProcessID.current
    guard let child = try ProcessID.fork() else {
      reading.close()
      prepareAsChild(source, basics, of: parent, hasClosedStandard, answerTo: writing, deadline)
    }
    writing.close()
    return follow(child, reading, deadline, signals)
  } catch {
    return .failed("could not be started: \(lowerCased(error))")
  }
}

/// Waits for the child's answer and its end.
@inline(never)
private func follow(
  _ child: ProcessID, _ pipe: FileDescriptor, _ deadline: Deadline, _ signals: SignalGuard
) -> Answer {
  var received: [UInt8] = []
  var answer: Answer?
  var hasEnded = false
  while !hasEnded && answer == nil {
    let ready = waitToRead([pipe] + signals.descriptors, until: signals.nextPoll(deadline))
    if ready & ~1 != 0 || (ready == 0 && signals.arePending) {
      stop(child, pipe)
      signals.exitIfSignalled()
    }
    if ready == 0 && deadline.hasPassed {
      stop(child, pipe)
      return .failed("stopped after the time limit (PSM_ENTRY_TIMEOUT)")
    }
    if ready & 1 != 0 {
      guard let part = try? pipe.readSome() else { break }
      received.append(contentsOf: part)
      hasEnded = part.isEmpty
      answer = Answer(received)
    }
  }
  // After its answer the child only exits. If a tracer keeps it from doing so, it is left behind.
  let end = child.wait(until: Deadline(secondsFromNow: 1))
  if end == .running { child.killWithGroup() }
  if child.killGroup() { child.reapGroup() }
  if let answer { return answer }
  if case .ended(.signalled(let signal)) = end { return .failed("killed by signal \(signal)") }
  return .failed("ended without a result")
}

/// Kills the child and everything it has started. A child that is stuck in an uninterruptible call is left behind: the
/// service must not wait for a dead file server.
private func stop(_ child: ProcessID, _ pipe: FileDescriptor) {
  child.killWithGroup()
  let deadline = Deadline(secondsFromNow: 1)
  // The pipe is closed when the last process that holds it ends.
  while waitToRead([pipe], until: deadline) != 0 {
    if let part = try? pipe.readSome(), !part.isEmpty { continue }
    _ = child.wait(until: deadline)
    child.reapGroup()
    return
  }
}

/// Keeps SIGTERM and SIGINT pending during the preparation: as PID 1 this process would lose them.
struct SignalGuard {
  private let original: SignalSet
  /// The signals that were neither blocked nor ignored before: the others are up to the service.
  private let watched: [Int32]
  /// Becomes readable when one of them is pending.
  let descriptors: [FileDescriptor]

  init() {
    let all = [SignalSet.terminate, SignalSet.interrupt]
    let original = SignalSet(
      all + [SignalSet.brokenPipe, SignalSet.fileSizeExceeded, SignalSet.childEnded]
    ).block()
    self.original = original
    watched = all.filter { !original.contains($0) && !SignalSet.isIgnored($0) }
    let descriptor = watched.isEmpty ? nil : try? SignalSet(watched).descriptor()?.aboveStandard()
    descriptors = descriptor.map { [$0] } ?? []
  }

  /// Whether one of them is pending.
  var arePending: Bool {
    let pending = SignalSet.pending
    return watched.contains { pending.contains($0) }
  }

  /// When a wait for anything else has to end, so that a signal without a descriptor is noticed.
  func nextPoll(_ deadline: Deadline) -> Deadline {
    watched.isEmpty || !descriptors.isEmpty
      ? deadline : min(deadline, Deadline(nanosecondsFromNow: SignalSet.pollInterval))
  }

  /// Ends this process with status 128+N if a signal requests it.
  func exitIfSignalled() {
    let pending = SignalSet.pending
    for signal in watched where pending.contains(signal) { ProcessID.exit(128 + signal) }
  }

  /// Writes to the log. If its reader is gone, the resulting signal is discarded.
  func write(_ problem: Problem, to log: Log) {
    let before = SignalSet.pending
    log.write(problem)
    for signal in [SignalSet.brokenPipe, SignalSet.fileSizeExceeded] where !before.contains(signal) {
      SignalSet([signal]).discardPending()
    }
  }

  /// Restores the inherited mask for the service. The signal for the end of the child is discarded, because it is not
  /// meant for the service.
  func restore() {
    if original.contains(SignalSet.childEnded) { SignalSet([SignalSet.childEnded]).discardPending() }
    for descriptor in descriptors { descriptor.close() }
    exitIfSignalled()
    original.install()
  }
}
