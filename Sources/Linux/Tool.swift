import CLinux
import Text

/// A run of one of the system's own programs, with nothing of ours but a time limit.
public struct ToolRun: Sendable {
  public enum Ending: Equatable, Sendable {
    case ended(ProcessID.Ending)
    /// It was killed when its time was up.
    case late
    case notStarted(Errno)
  }

  public let ending: Ending
  /// The start of what it wrote to standard output and error.
  public let output: [UInt8]

  /// What of a tool's output is kept, in bytes.
  private static let outputLimit = 16384

  /// Runs the program at `path`: nothing to read, a pipe to write to, in `/`.
  ///
  /// It ends when the program does, whoever else may still hold the pipe; what the program leaves
  /// running stays in this process's group.
  /// - Parameters:
  ///   - arguments: what it gets behind its own name.
  ///   - environment: PATH and LC_ALL alone if nil.
  ///   - descriptor: what it gets as descriptor 3.
  public static func run(
    _ path: Path, _ arguments: [[UInt8]] = [], environment: [[UInt8]]? = nil,
    passing descriptor: FileDescriptor? = nil,
    until deadline: Deadline
  ) -> ToolRun {
    // Where SIGCHLD is ignored the kernel would reap the tool and say nothing.
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
        // From a copy: one that has the number already would be closed by the exec.
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
      // Before the look: one that comes later tells of the tool's end.
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

  /// Takes what is in the pipe now.
  /// - Returns: whether more may come.
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
      // Where there is no /dev, nothing is to be read all the same: what standard input holds is the service's.
      empty.writing.close()
      empty.reading.duplicate(as: .standardInput)
    } else {
      FileDescriptor.standardInput.close()
    }
    output.duplicate(as: .standardOutput)
    output.duplicate(as: .standardError)
  }
}
