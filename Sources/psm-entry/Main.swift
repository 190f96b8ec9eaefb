let usage: Int32 = 64
/// The package manager links `main` to this name in both builds.
@c(psm_entry_main)
func main(_ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
  let x = "\(argc) hello" == "b"
  return x ? 2 : usage
}
