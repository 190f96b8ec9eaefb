import Linux
import Testing
import Text
import Trust

@testable import Entry
@testable import TestSupport

/// Where bundles are searched for: in the usual places by default, otherwise where patterns say.
struct BundlesTests {
  let temporary: TemporaryDirectory
  init() throws { temporary = try TemporaryDirectory() }

  private static let bundles = [
    "certifi/cacert.pem", "pip/_vendor/certifi/cacert.pem", "botocore/cacert.pem",
    "grpc/_cython/_credentials/roots.pem",
  ]

  private func usual(virtualEnvironment: String? = nil) throws -> [String] {
    let place = virtualEnvironment.map { Path(Array($0.utf8)) }
    let found = usualBundlePaths(virtualEnvironment: place, in: try temporary.root) { failure in
      Issue.record("\(failure.pattern.shown)")
    }
    #expect(found.allSatisfy { !$0.isRequired })
    return found.map { $0.path.shown.description }
  }

  private func add(_ paths: [String]) throws {
    for path in paths { try temporary.write(String(path.dropFirst()), pem(1)) }
  }

  @Test func anImageWithoutAnyHasNone() throws {
    #expect(try usual(virtualEnvironment: "/gone").isEmpty)
    #expect(try usual(virtualEnvironment: "relative").isEmpty)
    #expect(try usual(virtualEnvironment: "").isEmpty)
  }

  @Test func eachPlaceIsLookedAtInItsOrder() throws {
    func packages(_ place: String) -> [String] { Self.bundles.map { "\(place)/\($0)" } }
    func conda(_ prefix: String) -> [String] {
      ["\(prefix)/ssl/cacert.pem"] + packages("\(prefix)/lib/python3.12/site-packages")
    }
    let all =
      conda("/conda") + conda("/opt/conda") + conda("/conda/envs/a") + conda("/conda/envs/b")
      + conda("/opt/conda/envs/c") + packages("/usr/local/lib/python3.11/site-packages")
      + packages("/usr/local/lib/python3.11/dist-packages")
      + packages("/usr/local/lib/python3.13/site-packages") + packages("/usr/lib/python3/dist-packages")
      + packages("/usr/lib/python3.9/site-packages") + packages("/venv/lib/python3.11/site-packages")
    try add(all)
    // And in no other place.
    try add([
      "/conda/envs/.trash/ssl/cacert.pem", "/usr/lib/python2.7/dist-packages/certifi/cacert.pem",
      "/usr/lib64/python3.9/site-packages/certifi/cacert.pem",
      "/other/lib/python3.11/site-packages/certifi/cacert.pem",
      "/venv/lib/python3.11/dist-packages/certifi/cacert.pem", "/venv/ssl/cacert.pem",
    ])
    #expect(try usual(virtualEnvironment: "/venv") == all)
  }

  @Test func anEnvironmentThatIsAPrefixIsFoundOnce() throws {
    let bundle = "/opt/conda/envs/x/lib/python3.11/site-packages/certifi/cacert.pem"
    try add([bundle])
    #expect(try usual(virtualEnvironment: "/opt/conda/envs/x") == [bundle])
  }

  @Test func aDanglingLinkAndAFileInsteadOfADirectoryYieldNothing() throws {
    try temporary.makeDirectory("conda/ssl")
    try temporary.link("conda/ssl/cacert.pem", to: "gone.pem")
    try temporary.write("conda/envs", pem(1))
    try temporary.write("usr/lib/python3", pem(1))
    #expect(try usual().isEmpty)
  }

  @Test func aPatternMatchesWhatExistsAndAPlainPathIsRequired() throws {
    try add(["/opt/a/ca.pem", "/opt/b/ca.pem"])
    let patterns = [Path("/opt/*/ca.pem"), Path("/none*/x"), Path("/gone.pem")]
    let found = try patterns.flatMap {
      try bundlePaths($0, in: temporary.root) { _ in Issue.record("fails") }
    }
    #expect(found.map { $0.path } == [Path("/opt/a/ca.pem"), Path("/opt/b/ca.pem"), Path("/gone.pem")])
    #expect(found.map { $0.isRequired } == [false, false, true])
  }
}
