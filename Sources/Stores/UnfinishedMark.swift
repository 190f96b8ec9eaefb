import Certificates
import Linux
import Text
import Trust

/// What a start notes beside the store's bundle while the distribution's tool runs, and removes once the result is
/// verified. If the start is killed, the next one continues from it.
struct UnfinishedMark {
  /// Links to the store, which the tool may have destroyed.
  private(set) var links: [ClientNames.Link] = []
  /// Certificates that were removed from the anchors and may still be in the bundle.
  private(set) var withdrawn: [Fingerprint] = []

  init(links: [ClientNames.Link], withdrawn: [Fingerprint]) {
    self.links = links
    self.withdrawn = withdrawn
  }

  // On disk: the path of a link and its target, or a fingerprint in hex and an empty string, each terminated by NUL.

  init(_ bytes: [UInt8]) {
    let parts = bytes[...].parts(between: "\0", keepsEmpty: true)
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

/// The mark left by an earlier start; empty if there is none.
func unfinished(_ family: StoreFamily, in root: Root) -> UnfinishedMark {
  UnfinishedMark((try? root.read(family.unfinishedMark, limit: 1 << 20)) ?? [])
}
