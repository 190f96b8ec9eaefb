import Text

/// Bytes that are never printed.
///
/// Interpolation, `print` and `debugPrint` show `***`. The bytes are captured by a function, because `dump` and a
/// debugger's summary walk through stored properties, including private ones, and find nothing in a function.
public struct Secret: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  private let reveal: @Sendable () -> [UInt8]

  public init(_ bytes: [UInt8]) { reveal = { bytes } }

  /// The bytes themselves: for the environment, not for display.
  public var bytes: [UInt8] { reveal() }

  public var description: String { "***" }
  public var debugDescription: String { "***" }

  public static func == (left: Secret, right: Secret) -> Bool { left.bytes == right.bytes }
}
