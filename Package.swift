// swift-tools-version: 6.2
import PackageDescription

// One source, two builds. `swift build` and `swift test` are the everyday way. With
// PSM_ENTRY_STATIC=1 (set by `make static`) the same targets become the binary that ships:
// Embedded Swift on musl, static-pie, stripped.
let shipped = Context.environment["PSM_ENTRY_STATIC"] != nil
let musl = Context.environment["PSM_ENTRY_MUSL"] ?? "x86_64-linux-musl"
let toolchain = Context.environment["PSM_ENTRY_TOOLCHAIN"] ?? "/opt/swift"

let swiftFlags: [String] =
  ["-warnings-as-errors"]
  + (shipped
    ? [
      "-wmo", "-Osize", "-Xcc", "-isystem", "-Xcc", "/usr/include/\(musl)",
    ] : [])

let swiftSettings: [SwiftSetting] =
  (shipped ? [.enableExperimentalFeature("Embedded")] : []) + [.unsafeFlags(swiftFlags)]

let linkerSettings: [LinkerSetting] =
  shipped
  ? [
    .unsafeFlags([
      "-use-ld=lld", "-Xclang-linker", "-static-pie", "-Xclang-linker", "-nostdlib",
      "-Xclang-linker", "-nostartfiles", "-Xclang-linker", "-Wno-unused-command-line-argument",
      "/usr/lib/\(musl)/rcrt1.o", "-L/usr/lib/\(musl)",
      "-Xlinker", "-s", "-Xlinker", "--gc-sections", "-Xlinker", "--build-id=none",
      "\(toolchain)/usr/lib/swift/embedded/x86_64-unknown-linux-gnu/libswiftUnicodeDataTables.a",
      "-lc",
    ])
  ] : []

func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

let package = Package(
  name: "psm-entry",
  targets: [
    .systemLibrary(name: "CLinux"),
    module("Linux", ["CLinux"]),
    module("Certificates"),
    module("Proxies"),
    module("TrustStores", ["Certificates", "Linux"]),
    .executableTarget(
      name: "psm-entry", dependencies: ["Certificates", "Linux", "Proxies", "TrustStores"],
      swiftSettings: swiftSettings + [.unsafeFlags(["-parse-as-library"])],
      linkerSettings: linkerSettings),
  ]
    + (shipped
      ? []
      : [
        tests("LinuxTests", ["Linux"]),
        tests("CertificatesTests", ["Certificates"]),
        tests("ProxiesTests", ["Proxies"]),
        tests("TrustStoresTests", ["TrustStores", "Certificates", "Linux"]),
        tests("psm-entryTests", ["psm-entry"]),
      ])
)
