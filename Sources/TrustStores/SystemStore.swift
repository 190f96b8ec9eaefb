import Certificates
import Linux
import Text

/// The distribution's own store of trusted CAs: anchors in a folder, and the bundle built from
/// them.
///
/// - Source: update-ca-trust(8) of RHEL and Fedora; update-ca-certificates(8) of Debian.
public struct SystemStore: Equatable, Sendable {
  public enum Family: Equatable, Sendable {
    case redHat
    case debian
  }

  public let family: Family
  /// The tool that builds the bundle; nil where we write it ourselves.
  public let tool: Path?

  public var anchors: Path {
    switch family {
    case .redHat: Path("/usr/share/pki/ca-trust-source/anchors")
    case .debian: Path("/usr/local/share/ca-certificates")
    }
  }

  public var bundle: Path {
    switch family {
    case .redHat: Path("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem")
    case .debian: Path("/etc/ssl/certs/ca-certificates.crt")
    }
  }

  private static func tool(of family: Family) -> Path {
    switch family {
    case .redHat: Path("/usr/bin/update-ca-trust")
    case .debian: Path("/usr/sbin/update-ca-certificates")
    }
  }

  /// Finds the store: the family is that of the first tool there; without one, that of the first
  /// bundle there.
  /// - Parameter runsTool: false for a store that is to be written natively in any case.
  public init?(in root: Root, runsTool: Bool) {
    let families = [Family.redHat, .debian]
    for family in families where root.exists(Self.tool(of: family)) {
      self.init(family: family, tool: runsTool && root.isSystem ? Self.tool(of: family) : nil)
      return
    }
    for family in families {
      let store = SystemStore(family: family, tool: nil)
      if root.exists(store.bundle) {
        self = store
        return
      }
    }
    return nil
  }

  init(family: Family, tool: Path?) {
    self.family = family
    self.tool = tool
  }

  /// The same store, written by ourselves.
  public var native: SystemStore { SystemStore(family: family, tool: nil) }

  /// How many certificates the distribution's tool can be given, if it is to end in time.
  public static func toolLimit(seconds: Int) -> Int { seconds * 20 }

  /// Our anchor's file name: found again by its prefix, never mistaken for anybody else's.
  func anchorName(_ fingerprint: Fingerprint) -> Path {
    let ending: StaticString = family == .redHat ? ".pem" : ".crt"
    return Path(Self.anchorPrefix.bytes + fingerprint.hex.utf8 + ending.bytes)
  }

  static let anchorPrefix: StaticString = "psm-entry-"

  /// The fingerprint, as hex digits, in the name of an anchor of ours; nil for everybody else's.
  func fingerprintDigits(inAnchorName name: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    let prefix = Self.anchorPrefix
    guard name.begins(with: prefix), name.count == prefix.utf8CodeUnitCount + 68 else { return nil }
    let digits = name.dropFirst(prefix.utf8CodeUnitCount).prefix(64)
    let ending = name.suffix(4)
    let isOurs =
      digits.allSatisfy(isLowerCaseHexDigit)
      && (ending.isEqual(to: ".pem") || ending.isEqual(to: ".crt"))
    return isOurs ? digits : nil
  }
}

func isLowerCaseHexDigit(_ byte: UInt8) -> Bool {
  (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
}
