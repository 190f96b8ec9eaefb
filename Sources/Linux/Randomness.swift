import CLinux
import Text

#if hasFeature(Embedded)
  /// Provides the seed for hashing in the embedded standard library; musl has no such function.
  /// The corresponding C function is `getrandom`.
  @c(arc4random_buf)
  func fillWithRandomBytes(_ buffer: UnsafeMutableRawPointer, _ count: Int) {
    var filled = 0
    while filled < count {
      let part = getrandom(buffer + filled, count - filled, 0)
      if part > 0 { filled += part } else if Errno.current != .interrupted { return }
    }
  }
#endif
