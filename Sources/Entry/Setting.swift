/// The settings: the one table behind the command line, the environment, `--help` and the docs.
enum Setting: Int, CaseIterable {
  case certs, repoCustomCACert, certsData, bundles, system, export, prefer, noProxy, proxyFiles, user, strict,
    stateDir, timeout, root, log, logFormat

  /// The variable; the first one if there are several of a kind.
  var variable: StaticString {
    switch self {
    case .certs: "PSM_ENTRY_CERTS"
    case .repoCustomCACert: "REPO_CUSTOM_CA_CERT"
    case .certsData: "PSM_ENTRY_CERTS_DATA"
    case .bundles: "PSM_ENTRY_BUNDLES"
    case .system: "PSM_ENTRY_SYSTEM"
    case .export: "PSM_ENTRY_EXPORT"
    case .prefer: "PSM_ENTRY_PREFER"
    case .noProxy: "PSM_ENTRY_NO_PROXY"
    case .proxyFiles: "HTTP_PROXY_FILE HTTPS_PROXY_FILE ALL_PROXY_FILE"
    case .user: "PSM_ENTRY_USER"
    case .strict: "PSM_ENTRY_STRICT"
    case .stateDir: "PSM_ENTRY_STATE_DIR"
    case .timeout: "PSM_ENTRY_TIMEOUT"
    case .root: "PSM_ENTRY_ROOT"
    case .log: "PSM_ENTRY_LOG"
    case .logFormat: "PSM_ENTRY_LOG_FORMAT"
    }
  }

  /// The equivalent option; empty if there is none.
  var option: StaticString {
    switch self {
    case .certs: "--certs"
    case .repoCustomCACert, .certsData, .proxyFiles: ""
    case .bundles: "--bundles"
    case .system: "--system"
    case .export: "--export"
    case .prefer: "--prefer"
    case .noProxy: "--no-proxy"
    case .user: "--user"
    case .strict: "--strict"
    case .stateDir: "--state-dir"
    case .timeout: "--timeout"
    case .root: "--root"
    case .log: "--log"
    case .logFormat: "--log-format"
    }
  }

  var defaultValue: StaticString {
    switch self {
    case .certs: "/etc/repo/ca_certs"
    case .bundles: "those of conda and of the image's Pythons"
    case .system: "auto"
    case .export: "NODE_EXTRA_CA_CERTS"
    case .prefer: "lower"
    case .strict: "off"
    case .stateDir: "the first usable of /run/psm-entry, /tmp/psm-entry-UID, /dev/shm/psm-entry-UID"
    case .timeout: "60"
    case .root: "/"
    case .log: "info"
    case .logFormat: "text"
    case .repoCustomCACert, .certsData, .noProxy, .proxyFiles, .user: ""
    }
  }

  /// The placeholder for the option's value in `--help`.
  var placeholder: StaticString {
    switch self {
    case .certs, .bundles: "PATHS"
    case .system: "HOW"
    case .export: "NAMES"
    case .prefer: "CASE"
    case .noProxy: "ENTRIES"
    case .user: "USER"
    case .strict: "BOOL"
    case .stateDir, .root: "DIR"
    case .timeout: "SECONDS"
    case .log: "LEVEL"
    case .logFormat: "FORMAT"
    case .repoCustomCACert, .certsData, .proxyFiles: ""
    }
  }

  /// The description in `--help`: at most 55 columns.
  var meaning: StaticString {
    switch self {
    case .certs: "CA files or directories, separated by ':'"
    case .repoCustomCACert: "one more CA file: the product's own setting"
    case .certsData: "CA certificates themselves: PEM or Base64"
    case .bundles: "paths, '*' matches any name; or default, or none"
    case .system: "the system store: auto, native or off"
    case .export: "variables to set to the bundle's path: A,B"
    case .prefer: "the case that wins if two differ: lower or upper"
    case .noProxy: "entries to add to NO_PROXY, separated by ','"
    case .proxyFiles: "a file with the proxy's URL: a secret"
    case .user: "become NAME, UID, NAME:GROUP or UID:GID"
    case .strict: "an error keeps the service from starting: on or off"
    case .stateDir: "directory of the private bundle"
    case .timeout: "seconds that the preparation may take"
    case .root: "another root for every path but the command's"
    case .log: "quiet, error, warning, info or debug"
    case .logFormat: "text or json"
    }
  }
}
