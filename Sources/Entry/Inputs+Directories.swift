import Linux
import Stores
import Text
import Trust

// Walks the directories among the inputs.

extension Inputs {
  private struct OpenDirectory {
    let descriptor: FileDescriptor
    let path: Path
    let identity: FileIdentity
    /// The path with all links resolved.
    let realPath: Path
    var names: ArraySlice<Path>
  }

  /// Reads a directory and its subdirectories in byte order, without names that start with a dot.
  @inline(never)
  mutating func readDirectory(
    _ descriptor: FileDescriptor, _ path: Path, _ identity: FileIdentity
  ) {
    var stack: [OpenDirectory] = []
    enter(descriptor, path, identity, &stack)
    while var directory = stack.popLast() {
      guard let name = directory.names.popFirst() else {
        if !stack.isEmpty { directory.descriptor.close() }
        continue
      }
      stack.append(directory)
      if hasReachedLimit { continue }
      readEntry(name, of: directory, &stack)
    }
  }

  private mutating func enter(
    _ descriptor: FileDescriptor, _ path: Path, _ identity: FileIdentity, _ stack: inout [OpenDirectory]
  ) {
    do throws(Errno) {
      let names = try Directory(descriptor: descriptor, path: path).names().filter {
        $0.bytes.first != UInt8(ascii: ".")
      }
      visitedDirectories.append(identity)
      stack.append(
        OpenDirectory(
          descriptor: descriptor, path: path, identity: identity, realPath: descriptor.realPath ?? path,
          names: names[...]))
    } catch {
      if !stack.isEmpty { descriptor.close() }
      refuse(path, error)
    }
  }

  @inline(never)
  private mutating func readEntry(_ name: Path, of directory: OpenDirectory, _ stack: inout [OpenDirectory]) {
    let path = directory.path.appending(name)
    entriesSeen += 1
    if entriesSeen > Self.countLimit {
      return reachLimit(
        path, "more than \(Self.countLimit) files and directories")
    }
    if OwnFiles.isOurs(name) || isLostAndFound(name, directory) { return }
    let (file, isLink): (FileDescriptor, Bool)
    let metadata: Metadata
    do throws(Errno) {
      guard let opened = try root.openToRead(name, in: directory.descriptor, at: path) else {
        return sayError(path, notRegularMessage)
      }
      (file, isLink) = opened
      do throws(Errno) { metadata = try file.metadata() } catch {
        file.close()
        throw error
      }
    } catch {
      return refuse(path, error)
    }
    if metadata.kind != .directory {
      defer { file.close() }
      return readFile(
        file, path, metadata, in: stack.map { $0.identity },
        realPath: isLink ? nil : directory.realPath.appending(name))
    }
    if stack.contains(where: { $0.identity == metadata.identity }) {
      file.close()
      sayError(path, linkLoopMessage)
    } else if visitedDirectories.contains(metadata.identity) {
      // Another name of a file that was already read.
      file.close()
    } else if stack.count >= Self.depthLimit {
      file.close()
      areIncomplete = true
      sayError(
        path,
        "more than \(Self.depthLimit) directories deep, not read; move its certificates up\(nothingIsRemoved)"
      )
    } else if Settings.Input.isFile(path) && isEmptyDirectory(file, path, metadata.identity) {
      file.close()
    } else {
      enter(file, path, metadata.identity, &stack)
    }
  }

  /// The directory in every ext4 volume that only root may enter.
  private func isLostAndFound(_ name: Path, _ directory: OpenDirectory) -> Bool {
    name.bytes.isEqual(to: "lost+found")
      && Directory(descriptor: directory.descriptor, path: directory.path).metadata(of: name)?.kind
        == .directory
  }

  mutating func refuse(_ path: Path, _ error: Errno) {
    switch error {
    case .noSuchFile, .notDirectory:
      sayError(path, "dangling symbolic link; remove it or mount its target")
    case .tooManyLinks: sayError(path, linkLoopMessage)
    default:
      areIncomplete = true
      sayError(path, "\(cannotRead(error))\(nothingIsRemoved)")
    }
  }

  mutating func reachLimit(_ path: Path, _ message: Text) {
    if hasReachedLimit { return }
    hasReachedLimit = true
    areIncomplete = true
    sayError(
      path,
      "\(message), not read from here on; remove what is not a CA certificate\(nothingIsRemoved)")
  }
}
