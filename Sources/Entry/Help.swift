import Linux
import Text

/// The output of `help`, `--help` and `-h`.
@inline(never)
func helpText(on topic: CommandLine.Topic) -> Text {
  switch topic {
  case .whole: helpText
  case .settings: settingsText
  case .verb(let verb): helpText(of: verb) ?? helpText
  }
}

/// Fits one screen. The settings come from their table.
private var helpText: Text {
  var text: Text = """
    psm-entry \(Build.version): make a container trust the mounted CAs and use the proxy, then run its service

    Usage:
      psm-entry [OPTION…] [--] COMMAND [ARG…]   prepare, then become COMMAND
      psm-entry plan [OPTION…]                  print what a start would change; change nothing
      psm-entry check [OPTION…] [--connect]     verify trust stores, clients and proxies
      psm-entry certs [OPTION…] [PATH…]         list the certificates found, and what is wrong with them
      psm-entry env [OPTION…]                   print the environment that a start gives the service
      psm-entry apply [OPTION…]                 update the stores as a start does, then exit
      psm-entry write-bundle [OPTION…] [DEST]   write the merged bundle to DEST or standard output
      psm-entry install DEST                    copy this binary to DEST
      psm-entry help [COMMAND]                  show this, a command's options, or 'help settings'
      psm-entry version                         show version, architecture and commit

    Options, each with the variable that does the same; the option wins:

    """
  for setting in Setting.allCases {
    let option: Text = setting.option.isEmpty ? "" : "\(setting.option) \(setting.placeholder)"
    // If there are several variables of a kind, the first one.
    let variable = setting.variable.bytes.prefix { $0 != UInt8(ascii: " ") }
    text += "  \(padded(option, to: 20))\(padded(Text(utf8: Array(variable)), to: 23))\(setting.meaning)\n"
  }
  text += """

    Examples:
      psm-entry --certs /certs -- python3 app.py
      docker exec CONTAINER /psm-entry check --connect

    Exit status: the service's; 64 wrong usage; 70 the preparation failed and the service must not run
    without it; 78 --strict and an error; 126, 127 as a shell's; 128+N after SIGTERM or SIGINT.

    """
  return text
}

/// The output of `help settings`: each setting with its default. The tables in the docs are generated from it.
@inline(never)
private var settingsText: Text {
  var text: Text = ""
  for setting in Setting.allCases {
    let option: Text = setting.option.isEmpty ? "" : "\(setting.option) \(setting.placeholder), "
    text += "\(option)\(setting.variable)\n    \(setting.meaning)\n"
    if !setting.defaultValue.isEmpty { text += "    default: \(setting.defaultValue)\n" }
  }
  return text
}

/// The output of `help COMMAND` and `COMMAND --help`; nil for a verb without a page.
@inline(never)
private func helpText(of verb: CommandLine.Verb) -> Text? {
  switch verb {
  case .start, .help, .version: return nil
  case .plan:
    return """
      Usage: psm-entry plan [OPTION…] [--json]

      Print what a start would change in each store and in the environment. Nothing is changed.

        --json   for machines: {"changes":…,"environment":…,"problems":…}

      Exit status: 0 nothing to do; 2 a store would change; 1 it could not tell, or --strict and an error.

      Example: docker exec CONTAINER /psm-entry plan

      """
  case .check:
    return """
      Usage: psm-entry check [OPTION…] [--json | --clients]
             psm-entry check [OPTION…] [--json] --connect [--proxy URL] [--proxy-file FILE] [--target URL]

      Verify trust stores as they are, and clients and proxies as a start leaves them. Nothing is changed.

        --json              for machines: {"ok":…,"checks":…}
        --clients           list what each client in the image trusts, which proxy it uses, and why
        --connect           connect through each proxy to each target, and verify TLS
        --proxy URL         a proxy to try, beside those of the environment; may be repeated
        --proxy-file FILE   the same from a file: an argument can be read by every process
        --target URL        what to connect to; may be repeated
                            (default: CONDA_CHANNEL_ALIAS, or https://repo.anaconda.com)

      Exit status: 0 no error; 1 errors.

      Example: docker exec CONTAINER /psm-entry check --connect --target https://pypi.org

      """
  case .certs:
    return """
      Usage: psm-entry certs [OPTION…] [--json] [PATH…]

      List the certificates in PATHs, or in those of the settings, and what is wrong with them.

        --json   for machines: a list of certificates

      Exit status: 0; 1 if a PATH has an error.

      Example: psm-entry certs corp-root.crt

      """
  case .env:
    return """
      Usage: psm-entry env [OPTION…] [--json | --null]

      Print what a start changes in the environment, as lines for a shell. Nothing is redacted.

        --json   all of it, for machines: {"NAME":"value",…}
        --null   all of it, NAME=value and a NUL each

      Exit status: 0.

      Example: eval "$(psm-entry env)"

      """
  case .apply:
    return """
      Usage: psm-entry apply [OPTION…]

      Update the stores as a start does, then exit: in an image's build, an init container, or a container
      that runs. After a change it names the processes that may keep the old trust until they restart.

      Exit status: 0 no error; 1 errors (all that is good was applied); 70 and 78 as a start.

      Example: docker exec CONTAINER /psm-entry apply

      """
  case .writeBundle:
    return """
      Usage: psm-entry write-bundle [OPTION…] [DEST]

      Write the merged bundle (public CAs and mounted ones) to DEST, or to standard output without DEST or
      with '-'. No store is changed.

      Exit status: 0; 1 if an input has an error (the rest is written) or nothing could be written;
      78 --strict and an error (nothing is written).

      Example: psm-entry write-bundle /shared/ca-bundle.pem

      """
  case .install:
    return """
      Usage: psm-entry install DEST

      Copy this binary to DEST, or into DEST if it is a directory: with mode 0755, by rename.

      Exit status: 0; 1 if it could not be copied.

      Example: docker run --rm -v "$PWD:/out" --entrypoint /psm-entry psm-entry install /out

      """
  }
}

private func padded(_ text: Text, to width: Int) -> Text {
  var padded = text
  while padded.utf8.count < width { padded += " " }
  return padded
}
