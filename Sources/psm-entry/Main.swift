import Entry

/// What the C runtime calls: the package manager links `main` to this name in both builds.
@c(psm_entry_main)
func main(_ argc: Int32, _ argv: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Int32 {
  run(argc, argv)
}
