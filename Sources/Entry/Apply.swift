import Linux
import Text

/// `psm-entry apply`: updates the stores like a start, in a child like a start, and runs nothing afterwards.
/// - Returns: the exit status: 1 if there are errors, 70 and 78 as for a start.
func apply(_ source: Source, _ basics: BasicSettings) -> Int32 {
  let signals = SignalGuard()
  let answer = prepareInChild(source, basics, signals)
  signals.exitIfSignalled()
  switch answer {
  case .refused(let status) where status != ExitStatus.failure: return status
  case .failed(let reason):
    basics.log.write(
      .error(
        "preparation", "\(reason), so not every store was updated; run psm-entry apply again",
        "preparation.failed"))
    return ExitStatus.preparationFailed
  case .ready, .refused:
    if let problem = userProblem(basics) {
      basics.log.write(problem)
      return ExitStatus.preparationFailed
    }
    if case .refused(let status) = answer { return status }
    return 0
  }
}

/// Why a start could not switch to the requested user.
private func userProblem(_ basics: BasicSettings) -> Problem? {
  guard let user = basics.user, let root = try? openRoot(basics.root) else { return nil }
  do throws(Problem) { _ = try findAccount(user, in: root) } catch { return error }
  return nil
}

/// Lists the processes that may still use the trust from before a change, one in each line and without a limit.
/// - Parameter moment: the time of the change, in ``Clock/ticksSinceBoot``.
@inline(never)
func nameOlderProcesses(_ decision: Decision, than moment: Int64) {
  let context = decision.context
  if !decision.hasChangedStores || !context.root.isSystem { return }
  let log = context.settings.basics.log
  do throws(Errno) {
    var search = TLSSearch()
    for process in try RunningProcess.all(startedBefore: moment) where search.mayFindTLS(in: process) {
      log.writeEach(report(older: process))
    }
  } catch {
    log.write(report(noProcesses: error))
  }
}
