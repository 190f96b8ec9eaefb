import Text

/// Bytes that are never printed.
///
/// Interpolation, `print` and `debugPrint` see `***`. The bytes are behind a function, because `dump` and a
/// debugger's summary walk through stored properties, private ones too, and find nothing in a function.
public struct Secret: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  private let reveal: @Sendable () -> [UInt8]

  public init(_ bytes: [UInt8]) { reveal = { bytes } }

  /// The bytes themselves, to be handed on and not to be shown.
  public var bytes: [UInt8] { reveal() }

  public var description: String { "***" }
  public var debugDescription: String { "***" }

  public static func == (left: Secret, right: Secret) -> Bool { left.bytes == right.bytes }
}
