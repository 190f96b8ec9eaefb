import Text

/// What `--help` prints: the settings come from their table.
var helpText: Text {
  var text: Text = """
    psm-entry prepares a container, then becomes its service: it makes the container trust the CA
    certificates that were mounted, and the proxy variables mean one thing to every client.

      psm-entry [OPTION…] [--] COMMAND [ARG…]   prepare, then become COMMAND
      psm-entry plan  [OPTION…] [--json]        print what a start would change; change nothing
      psm-entry check [OPTION…] [--json] [--connect [--proxy URL] [--proxy-file FILE] [--target URL]]
                                                verify trust stores and proxies; without --target the
                                                target is CONDA_CHANNEL_ALIAS or repo.anaconda.com
      psm-entry certs [OPTION…] [--json] [PATH…]
                                                list the certificates found
      psm-entry env   [OPTION…] [--null|--json] print the environment that a start would give
      psm-entry apply [OPTION…]                 do to the stores what a start does, and run nothing
      psm-entry write-bundle [OPTION…] [DEST]   write the merged bundle to DEST, or to standard output
      psm-entry install DEST                    copy this binary to DEST
      psm-entry --help | --version

    Settings, as an option or a variable; the option wins:


    """
  for setting in Setting.allCases {
    let option: Text = setting.option.utf8CodeUnitCount == 0 ? "" : "\(setting.option) VALUE"
    let separator: Text = option.utf8.isEmpty ? "" : ", "
    text += "  \(option)\(separator)\(setting.variable)\n      \(setting.meaning)\n"
    if setting.defaultValue.utf8CodeUnitCount > 0 { text += "      default: \(setting.defaultValue)\n" }
  }
  text += """

    Exit status: the service's once it runs; 64 wrong usage, 70 preparation failed and the service must
    not run without it, 78 strict and an error, 126 and 127 as a shell's, 128+N after a signal.

    """
  return text
}
