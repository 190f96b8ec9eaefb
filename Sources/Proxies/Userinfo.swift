import Text

/// The user and password of a proxy URL, percent-encoded as in the URL.
///
/// Even the user is not a plain property: if the colon was encoded, too, it contains the password.
/// - Source: RFC 3986 §3.2.1; RFC 7617 §2 for the first colon as the end of the user.
public struct Userinfo: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  private let writtenUser: Secret
  /// The password, percent-encoded; nil if there is no colon.
  public let password: Secret?

  init(user: [UInt8], password: [UInt8]?) {
    self.writtenUser = Secret(user)
    self.password = password.map { Secret($0) }
  }

  /// The user, percent-encoded.
  public var user: [UInt8] { writtenUser.bytes }

  /// The user, decoded.
  public var decodedUser: [UInt8] { percentDecoded(user) }

  /// The password, decoded; empty if there is none.
  public var decodedPassword: Secret { Secret(percentDecoded(password?.bytes ?? [])) }

  /// `user:password`, which `Proxy-Authorization: Basic` encodes as Base64.
  public var basicCredentials: Secret { Secret(decodedUser + [ASCII.colon] + decodedPassword.bytes) }

  /// Whether clients agree on the bytes: of other characters some send UTF-8, others Latin-1, and some fail.
  var isASCII: Bool { basicCredentials.bytes.allSatisfy { $0 < 0x80 } }

  /// Whether one half is missing; clients do not agree on sending the other half then.
  var isIncomplete: Bool { writtenUser.bytes.isEmpty || password?.bytes.isEmpty != false }

  /// The user for display: decoded if that is plain text, percent-encoded otherwise, and `***` if it may contain a
  /// password.
  public var displayedUser: Text {
    guard userMayBeShown else { return "***" }
    let decoded = decodedUser
    return Text(utf8: decoded.allSatisfy({ $0.isPrintable }) ? decoded : user)
  }

  /// User and password for display, in the form that a URL has.
  var redacted: Text {
    let shown: Text = userMayBeShown ? Text(utf8: user) : "***"
    return password == nil ? shown : "\(shown):***"
  }

  public var description: String { redacted.description }
  public var debugDescription: String { redacted.description }

  /// A user without a password may be a token, as for package indexes. An encoded colon or percent sign suggests that
  /// both were encoded as one; a character that no account name has, that it was typed instead of the colon. If the
  /// user contains an `@` and the password the end of an authority, everything may be another URL. In each case the
  /// shown user would include a password.
  private var userMayBeShown: Bool {
    guard let password else { return false }
    let (name, secret) = (decodedUser, decodedPassword.bytes)
    guard name.allSatisfy({ $0 >= 0x80 || $0.isLetterOrDigit(or: "._-@\\+$") }) else { return false }
    if name.has(ASCII.at) && (secret.has(ASCII.slash) || secret.has(ASCII.question) || secret.has(ASCII.hash))
    {
      return false
    }
    if secret.isEmpty { return true }
    return name[...].firstIndex(of: secret) == nil && user[...].firstIndex(of: secret) == nil
      && user[...].firstIndex(of: password.bytes) == nil
  }
}
