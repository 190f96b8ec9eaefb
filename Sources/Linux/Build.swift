import CBuild
import Text

/// Describes this build. `readelf -n` shows the same for the file.
public enum Build {
  /// According to Semantic Versioning.
  public static var version: Text { Text(string: cbuild_version()) }
  /// 40 hex digits, or `unknown`.
  public static var commit: Text { Text(string: cbuild_commit()) }
  /// As printed by `uname -m`.
  public static var architecture: Text { Text(string: cbuild_architecture()) }
}
