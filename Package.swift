// swift-tools-version: 6.2
import PackageDescription

// One source, two builds. `swift build` and `swift test` are for everyday work. With PSM_ENTRY_STATIC=1, which `make
// static` sets, the same targets become the shipped binary: Embedded Swift on musl, static-pie, stripped.
let shipped = Context.environment["PSM_ENTRY_STATIC"] != nil
let toolchain = Context.environment["PSM_ENTRY_TOOLCHAIN"] ?? "/opt/swift"
let commit = Context.environment["PSM_ENTRY_COMMIT"] ?? ""
// The location of musl-dev: installed, or unpacked by Packaging/musl, for either architecture.
let sysroot = Context.environment["PSM_ENTRY_SYSROOT"] ?? ""
let architecture = Context.environment["PSM_ENTRY_ARCHITECTURE"] ?? "x86_64"
// For Linux the toolchain contains Embedded Swift for x86_64 only. The bare-metal one for aarch64 is the same code, but
// needs explicit options for what `-static-pie` and the target's name imply otherwise.
let isBare = architecture != "x86_64"
let musl = "\(architecture)-linux-musl"
let unicode = isBare ? "\(architecture)-none-none-elf" : "\(architecture)-unknown-linux-gnu"

let swiftFlags: [String] =
  ["-warnings-as-errors"]
  + (shipped
    ? [
      "-wmo", "-Osize", "-gnone", "-Xcc", "-fno-unwind-tables",
      "-Xcc", "-fno-asynchronous-unwind-tables", "-Xfrontend", "-function-sections", "-Xcc",
      "-ffunction-sections", "-Xcc", "-isystem", "-Xcc", "\(sysroot)/usr/include/\(musl)",
      // Retaining is a call, not inlined at its 1,400 uses: 28,600 bytes of 511,200, for 1.0 % more instructions.
      "-Xllvm", "-force-attribute=swift_retain:noinline",
      "-Xllvm", "-force-attribute=swift_retain_n:noinline",
      // The same for appending to any kind of array: 22,600 bytes for Array alone, for 0.2 % more instructions.
      "-Xllvm", "-sil-inline-never-functions=6append",
    ] : [])
  + (isBare ? ["-Xcc", "-D__linux__"] : [])

let swiftSettings: [SwiftSetting] =
  (shipped ? [.enableExperimentalFeature("Embedded")] : []) + [.unsafeFlags(swiftFlags)]

let linkerSettings: [LinkerSetting] =
  shipped
  ? [
    .unsafeFlags(
      [
        "-use-ld=lld", "-Xclang-linker", "-static-pie", "-Xclang-linker", "-nostdlib",
        "-Xclang-linker", "-nostartfiles", "-Xclang-linker", "-Wno-unused-command-line-argument",
        "\(sysroot)/usr/lib/\(musl)/rcrt1.o", "-L\(sysroot)/usr/lib/\(musl)",
        "-Xlinker", "-s", "-Xlinker", "--gc-sections", "-Xlinker", "--icf=all", "-Xlinker", "--build-id=none",
        // RELR relocations (musl 1.2.4 or later): 21,600 bytes less.
        "-Xlinker", "--pack-dyn-relocs=relr",
        // Memory comes from Memory.swift: Swift and the parts of musl in use call only these four functions.
        "-Xlinker", "--defsym=malloc=psm_entry_malloc", "-Xlinker", "--defsym=calloc=psm_entry_calloc",
        "-Xlinker", "--defsym=free=psm_entry_free",
        "-Xlinker", "--defsym=posix_memalign=psm_entry_posix_memalign",
        "\(toolchain)/usr/lib/swift/embedded/\(unicode)/libswiftUnicodeDataTables.a",
        "-lc",
      ] + (isBare ? ["-Xlinker", "-pie", "-Xlinker", "--no-dynamic-linker"] : [])),
    // A caller of one of these would get memory of another allocator and free it with ours. `--wrap` redirects the
    // calls to `__wrap_realloc` and the like, which do not exist: the link fails, but only if one of them is used.
    .unsafeFlags(
      ["realloc", "reallocarray", "aligned_alloc", "memalign", "valloc", "pvalloc", "malloc_usable_size"]
        .flatMap { ["-Xlinker", "--wrap=\($0)"] }),
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
    .target(
      name: "CBuild",
      cSettings: commit.isEmpty ? [] : [.define("PSM_ENTRY_COMMIT", to: "\"\(commit)\"")]),
    module("Text"),
    module("Linux", ["CBuild", "CLinux", "Text"]),
    module("Certificates", ["Text"]),
    module("Proxies", ["Text"]),
    module("Clients", ["Text"]),
    module("Trust", ["Certificates", "Text"]),
    module("Stores", ["Certificates", "Linux", "Text", "Trust"]),
    module("Entry", ["Certificates", "Clients", "Linux", "Proxies", "Stores", "Text", "Trust"]),
    .executableTarget(
      name: "psm-entry", dependencies: ["Entry"],
      swiftSettings: swiftSettings + [.unsafeFlags(["-parse-as-library"])],
      linkerSettings: linkerSettings),
  ]
    + (shipped
      ? []
      : [
        .target(
          name: "TestSupport", dependencies: ["Certificates", "CLinux", "Linux", "Text", "Trust"],
          path: "Tests/TestSupport", swiftSettings: swiftSettings),
        tests("TextTests", ["Text"]),
        tests("LinuxTests", ["Linux", "CLinux", "TestSupport", "Text"]),
        tests("CertificatesTests", ["Certificates", "Text"]),
        tests("ProxiesTests", ["Proxies", "Text"]),
        tests("ClientsTests", ["Clients", "Text"]),
        tests("TrustTests", ["Trust", "Certificates", "TestSupport", "Text"]),
        tests("StoresTests", ["Stores", "Certificates", "CLinux", "Linux", "TestSupport", "Text", "Trust"]),
        tests(
          "EntryTests",
          [
            "Entry", "Certificates", "Clients", "CLinux", "Linux", "Proxies", "Stores", "TestSupport", "Text",
            "Trust",
          ]),
      ])
)
