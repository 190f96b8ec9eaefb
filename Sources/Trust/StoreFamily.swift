import Certificates
import Text

/// A family of distributions with the same layout of trusted CAs: one row of ``all``.
///
/// A family is recognized by its layout, not by the name of its tool alone: SUSE's tool has the same name as Debian's,
/// and Arch's the same as RHEL's.
/// - Source: update-ca-trust(8) of RHEL, Fedora and Arch; update-ca-certificates(8) of Debian, Alpine and SUSE.
public final class StoreFamily: Sendable {
  /// A directory or file that only this family has.
  public let layout: Path
  /// The program that builds the bundle from the anchors.
  public let tool: Path
  /// The directory for anchors, one certificate per file.
  public let anchors: Path
  /// Other directories whose certificates the tool trusts; an administrator fills them.
  public let otherAnchors: [Path]
  /// The suffix that the tool requires of an anchor's name.
  public let anchorEnding: StaticString
  /// The bundle that clients read.
  public let bundle: Path
  /// Whether the tool ignores what is not a CA for TLS servers, as p11-kit's `trust extract` does.
  public let isExtracted: Bool
  /// Directories of certificates that the tool never trusts.
  public let blocklists: [Path]
  private let clientNames: [StaticString]

  private init(
    layout: StaticString, tool: StaticString, anchors: StaticString, ending: StaticString,
    bundle: StaticString, clientNames: [StaticString], otherAnchors: [StaticString] = [], isExtracted: Bool,
    blocklists: [StaticString]
  ) {
    self.layout = Path(layout)
    self.tool = Path(tool)
    self.anchors = Path(anchors)
    self.otherAnchors = otherAnchors.map { Path($0) }
    anchorEnding = ending
    self.bundle = Path(bundle)
    self.clientNames = clientNames
    self.isExtracted = isExtracted
    self.blocklists = blocklists.map { Path($0) }
  }

  /// RHEL, UBI and Fedora.
  public static var redHat: StoreFamily {
    StoreFamily(
      layout: "/etc/pki/ca-trust", tool: "/usr/bin/update-ca-trust",
      anchors: "/usr/share/pki/ca-trust-source/anchors", ending: ".pem",
      bundle: "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
      clientNames: [
        "/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/tls/cert.pem", "/etc/ssl/certs/ca-bundle.crt",
        "/etc/ssl/certs",
      ],
      otherAnchors: ["/etc/pki/ca-trust/source/anchors"], isExtracted: true,
      blocklists: [
        "/etc/pki/ca-trust/source/blocklist", "/etc/pki/ca-trust/source/blacklist",
        "/usr/share/pki/ca-trust-source/blocklist", "/usr/share/pki/ca-trust-source/blacklist",
      ])
  }

  public static var suse: StoreFamily {
    StoreFamily(
      layout: "/etc/pki/trust", tool: "/usr/sbin/update-ca-certificates", anchors: "/etc/pki/trust/anchors",
      ending: ".crt", bundle: "/var/lib/ca-certificates/ca-bundle.pem",
      clientNames: ["/etc/ssl/ca-bundle.pem", "/etc/ssl/certs"], isExtracted: true,
      blocklists: [
        "/etc/pki/trust/blocklist", "/etc/pki/trust/blacklist", "/usr/share/pki/trust/blocklist",
        "/usr/share/pki/trust/blacklist",
      ])
  }

  public static var arch: StoreFamily {
    StoreFamily(
      layout: "/etc/ca-certificates/trust-source", tool: "/usr/bin/update-ca-trust",
      anchors: "/etc/ca-certificates/trust-source/anchors", ending: ".pem",
      bundle: "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
      clientNames: ["/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem", "/etc/ssl/certs"],
      isExtracted: true,
      blocklists: [
        "/etc/ca-certificates/trust-source/blocklist", "/etc/ca-certificates/trust-source/blacklist",
        "/usr/share/ca-certificates/trust-source/blocklist",
        "/usr/share/ca-certificates/trust-source/blacklist",
      ])
  }

  /// Debian, Ubuntu and Alpine.
  public static var debian: StoreFamily {
    StoreFamily(
      layout: "/etc/ssl/certs", tool: "/usr/sbin/update-ca-certificates",
      anchors: "/usr/local/share/ca-certificates", ending: ".crt",
      bundle: "/etc/ssl/certs/ca-certificates.crt",
      clientNames: ["/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem", "/etc/ssl/certs"],
      isExtracted: false,
      blocklists: [])
  }

  /// In the order in which they are tried. Debian comes last: others have `/etc/ssl/certs`, too.
  public static let all: [StoreFamily] = [redHat, suse, arch, debian]
}

extension StoreFamily {
  /// Whether a family's bundle has this name. Called for every mounted file, so it does not build the rows.
  public static func isBundleName(_ name: Path) -> Bool {
    let names: [StaticString] = ["tls-ca-bundle.pem", "ca-bundle.pem", "ca-certificates.crt"]
    return names.contains { name.bytes.isEqual(to: $0) }
  }

  /// The files and directories of hashed names by which clients reach the bundle, or what the tool makes beside it; the
  /// file that the family's own programs are built with comes first.
  public var clientPaths: [Path] { clientNames.map { Path($0) } }

  static let anchorPrefix: StaticString = "psm-entry-"

  /// The file name of psm-entry's anchor: its prefix identifies it among other anchors.
  public func anchorName(_ fingerprint: Fingerprint) -> Path {
    Path(Self.anchorPrefix.bytes + fingerprint.hex.utf8 + anchorEnding.bytes)
  }

  /// Whether the tool reads an anchor with this name: Debian's reads only `*.crt`, p11-kit reads every file.
  public func readsAnchor(named name: Path) -> Bool {
    isExtracted || name.bytes.suffix(anchorEnding.utf8CodeUnitCount).isEqual(to: anchorEnding)
  }

  /// Exists while anchors are being changed, until the tool has been seen to finish. It is beside the bundle, not among
  /// the anchors, where a tool might read it.
  public var unfinishedMark: Path { bundle.split.directory.appending(".psm-entry-unfinished") }
}

/// The fingerprint in the name of one of psm-entry's anchors; nil for any other file.
@inline(never)
public func fingerprint(ofAnchor name: Path) -> Fingerprint? {
  let prefix = StoreFamily.anchorPrefix
  let name = name.bytes
  guard name.begins(with: prefix), name.count == prefix.utf8CodeUnitCount + 68,
    name.suffix(4).isEqual(to: ".pem") || name.suffix(4).isEqual(to: ".crt")
  else { return nil }
  return Fingerprint(hex: name.dropFirst(prefix.utf8CodeUnitCount).prefix(64))
}
