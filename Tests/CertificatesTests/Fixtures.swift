import Text

extension Text {
  /// The text that a test expects.
  init(_ string: String) { self.init(utf8: Array(string.utf8)) }
}
