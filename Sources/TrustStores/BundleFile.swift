import Certificates
import Linux

/// A bundle on disk: where it really stands once links are followed, and what is in it.
public final class BundleFile: Sendable {
  public enum Failure: Error, Equatable, Sendable {
    case missing
    case unreadable(ReadError)
  }

  /// The largest bundle that is read, in bytes; the Mozilla set has 250,000.
  public static let sizeLimit = 64 << 20

  public let folder: Folder
  public let name: Path
  public let text: [UInt8]
  public let metadata: Metadata

  private init(
    folder: Folder, name: Path, like other: [UInt8], reusing spare: inout [UInt8]
  ) throws(ReadError) {
    self.folder = folder
    self.name = name
    let file = try folder.descriptor.openFile(name, [.noFollow])
    defer { file.close() }
    (text, metadata) = try file.readAll(limit: Self.sizeLimit, like: other, reusing: &spare)
  }

  /// Opens and reads the bundle at `path`, a link followed to the file that it means. Whoever
  /// gets it closes its folder.
  /// - Parameters:
  ///   - other: what it may well hold.
  ///   - spare: a text that nobody needs any more.
  public static func open(
    _ path: Path, in root: Root, like other: [UInt8] = [], reusing spare: inout [UInt8]
  ) throws(Failure) -> BundleFile {
    var path = path
    // As many links as the kernel would follow.
    for _ in 0..<40 {
      let (folderPath, name) = path.split
      let folder: Folder
      do throws(Errno) { folder = try Folder(folderPath, in: root) } catch { throw failure(.system(error)) }
      do throws(ReadError) {
        return try BundleFile(folder: folder, name: name, like: other, reusing: &spare)
      } catch {
        defer { folder.close() }
        guard error == .system(.tooManyLinks), let target = try? folder.target(ofLink: name) else {
          throw failure(error)
        }
        path = target.isAbsolute ? target : folderPath.appending(target)
      }
    }
    throw .unreadable(.system(.tooManyLinks))
  }

  /// Reads it again from the same folder.
  func reread() throws(Failure) -> BundleFile {
    var none: [UInt8] = []
    do throws(ReadError) {
      return try BundleFile(folder: folder, name: name, like: text, reusing: &none)
    } catch {
      throw Self.failure(error)
    }
  }

  private static func failure(_ error: ReadError) -> Failure {
    error == .system(.noSuchFile) || error == .system(.notDirectory) ? .missing : .unreadable(error)
  }

  /// Whether a killed start has left a temporary file beside it. A folder that cannot be listed
  /// cannot be written to by us either.
  func hasLeftovers() -> Bool {
    ((try? folder.descriptor.unsortedNames()) ?? []).contains { Replacement.isTemporary($0, for: name) }
  }

  /// Why it could not be replaced by a rename, as far as that can be known without trying.
  public var obstacle: Replacement.Failure? {
    do throws(Errno) { try folder.allowsChanges() } catch { return .system(.create, error) }
    return folder.isMountPoint(name) ? .system(.rename, .busy) : nil
  }

  /// Where a damaged bundle's original is kept.
  public var keptName: Path { name.suffixed(".psm-entry-damaged") }
}
