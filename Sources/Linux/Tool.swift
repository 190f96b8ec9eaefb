import CLinux
import Text

/// Runs one of the system's programs with a time limit.
public struct ToolRun: Sendable {
  public enum Ending: Equatable, Sendable {
    case ended(ProcessID.Ending)
    /// It was killed because its time was up.
    case late
    case notStarted(Errno)
  }

  public let ending: Ending
  /// The beginning of its standard output and error.
  public let output: [UInt8]

  /// The number of bytes of the output that are kept.
  private static let outputLimit = 16384

  /// Runs the program at `path` in `/` with empty standard input and a pipe for its output.
  ///
  /// It returns when the program ends, even if other processes still hold the pipe; processes that the program leaves
  /// behind stay in this process's group.
  /// - Parameters:
  ///   - arguments: those after the program's name.
  ///   - environment: only PATH and LC_ALL if nil.
  ///   - descriptor: becomes the program's descriptor 3.
  public static func run(
    _ path: Path, _ arguments: [[UInt8]] = [], environment: [[UInt8]]? = nil,
    passing descriptor: FileDescriptor? = nil,
    until deadline: Deadline
  ) -> ToolRun {
    // If SIGCHLD is ignored, the kernel reaps the tool without reporting it.
    SignalSet.restore([SignalSet.childEnded])
    let mask = SignalSet([SignalSet.childEnded]).block()
    defer { mask.install() }
    do throws(Errno) {
      let childEnded = SignalSet([SignalSet.childEnded]).descriptor()
      defer { childEnded?.close() }
      let pipe = try FileDescriptor.pipe()
      defer { pipe.reading.close() }
      let parent = ProcessID.current
      let tool: ProcessID?
      do throws(Errno) { tool = try ProcessID.fork() } catch {
        pipe.writing.close()
        throw error
      }
      guard let tool else {
        becomeTool(parent: parent, output: pipe.writing)
        // From a copy: if the descriptor already had that number, the exec would close it.
        (try? descriptor?.copy(above: 10))?.duplicate(as: FileDescriptor(rawValue: 3))
        _ = execute(
          path, arguments: CStrings(copying: [Array(path.bytes)] + arguments),
          environment: CStrings(copying: environment ?? bareEnvironment))
        ProcessID.exit(127)
      }
      pipe.writing.close()
      pipe.reading.setNonBlocking()
      return follow(tool, pipe.reading, childEnded, deadline)
    } catch {
      return ToolRun(ending: .notStarted(error), output: [])
    }
  }

  private static func follow(
    _ tool: ProcessID, _ pipe: FileDescriptor, _ childEnded: FileDescriptor?, _ deadline: Deadline
  ) -> ToolRun {
    var output: [UInt8] = []
    var isPipeOpen = true
    while true {
      let poll =
        childEnded == nil
        ? min(deadline, Deadline(nanosecondsFromNow: SignalSet.pollInterval)) : deadline
      _ = waitToRead((isPipeOpen ? [pipe] : []) + (childEnded.map { [$0] } ?? []), until: poll)
      if isPipeOpen { isPipeOpen = drain(pipe, into: &output) }
      // Before the check: a signal that arrives later reports the tool's end.
      SignalSet([SignalSet.childEnded]).discardPending()
      switch tool.state() {
      case .running: break
      case .gone: return ToolRun(ending: .notStarted(.noChild), output: output)
      case .ended(let ending):
        if isPipeOpen { _ = drain(pipe, into: &output) }
        return ToolRun(ending: .ended(ending), output: output)
      }
      if deadline.hasPassed {
        _ = kill(tool.rawValue, SIGKILL)
        _ = tool.wait(until: Deadline(secondsFromNow: 1))
        return ToolRun(ending: .late, output: output)
      }
    }
  }

  /// Reads what is in the pipe now.
  /// - Returns: whether more may follow.
  private static func drain(_ pipe: FileDescriptor, into output: inout [UInt8]) -> Bool {
    while true {
      do throws(Errno) {
        let part = try pipe.readSome()
        if part.isEmpty { return false }
        output.append(contentsOf: part.prefix(outputLimit - min(outputLimit, output.count)))
      } catch {
        return error == .wouldBlock
      }
    }
  }

  private static var bareEnvironment: [[UInt8]] {
    ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"].map { (entry: StaticString) in Array(Path(entry).bytes)
    }
  }

  private static func becomeTool(parent: ProcessID, output: FileDescriptor) {
    ProcessID.dieWith(parent)
    SignalSet.restore([SignalSet.brokenPipe, SignalSet.fileSizeExceeded, SignalSet.terminalOutput])
    SignalSet().install()
    _ = umask(0o022)
    _ = chdir("/")
    if let nothing = try? FileDescriptor.currentDirectory.open(Path("/dev/null")) {
      nothing.duplicate(as: .standardInput)
    } else if let empty = try? FileDescriptor.pipe() {
      // Without /dev the tool must not read standard input either: that belongs to the service.
      empty.writing.close()
      empty.reading.duplicate(as: .standardInput)
    } else {
      FileDescriptor.standardInput.close()
    }
    output.duplicate(as: .standardOutput)
    output.duplicate(as: .standardError)
  }
}
