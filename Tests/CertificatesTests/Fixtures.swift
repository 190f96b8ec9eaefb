import Text

extension Text {
  /// What a test expects to read.
  init(_ string: String) { self.init(utf8: Array(string.utf8)) }
}
