extension Text {
  init(_ string: String) { self.init(utf8: Array(string.utf8)) }
}
