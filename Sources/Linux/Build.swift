import CBuild
import Text

/// What this build is. `readelf -n` shows the same of the file.
public enum Build {
  /// By Semantic Versioning.
  public static var version: Text { Text(string: cbuild_version()) }
  /// 40 hex digits, or `unknown`.
  public static var commit: Text { Text(string: cbuild_commit()) }
  /// As `uname -m` says it.
  public static var architecture: Text { Text(string: cbuild_architecture()) }
}
