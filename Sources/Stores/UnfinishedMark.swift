import Certificates
import Linux
import Text
import Trust

/// What a start notes beside the store's bundle while the distribution's tool runs, and removes when it has seen that all is
/// well: the next start goes on from it where this one is killed.
struct UnfinishedMark {
  /// Links to the store, which the tool may have lost.
  private(set) var links: [ClientNames.Link] = []
  /// What was taken out of the anchors and may still be in the bundle.
  private(set) var withdrawn: [Fingerprint] = []

  init(links: [ClientNames.Link], withdrawn: [Fingerprint]) {
    self.links = links
    self.withdrawn = withdrawn
  }

  // On disk: a link's path and its target, or a fingerprint in hex and nothing, each with a NUL behind it.

  init(_ bytes: [UInt8]) {
    let parts = bytes[...].split(separator: 0, omittingEmptySubsequences: false)
    var number = 0
    while number + 1 < parts.count {
      let (first, target) = (Path(parts[number]), Path(parts[number + 1]))
      if first.isAbsolute {
        links.append(ClientNames.Link(path: first, realPath: first, target: target))
      } else if let fingerprint = Fingerprint(hex: parts[number]) {
        withdrawn.append(fingerprint)
      }
      number += 2
    }
  }

  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    for link in links { bytes += Array(link.realPath.bytes) + [0] + Array(link.target.bytes) + [0] }
    for fingerprint in withdrawn { bytes += fingerprint.hex.utf8 + [0, 0] }
    return bytes
  }
}

/// The mark that an earlier start has left; an empty one where there is none.
func unfinished(_ family: StoreFamily, in root: Root) -> UnfinishedMark {
  UnfinishedMark((try? root.read(family.unfinishedMark, limit: 1 << 20)) ?? [])
}
