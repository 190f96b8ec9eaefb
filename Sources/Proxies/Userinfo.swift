import Text

/// The user and the password of a proxy's address, percent-encoded as in it.
///
/// Not even the user is a plain property: where someone encoded the colon as well, the password is in it.
/// - Source: RFC 3986 §3.2.1; RFC 7617 §2 for the first colon as the end of the user.
public struct Userinfo: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible {
  private let writtenUser: Secret
  /// The password, percent-encoded; nil where there is no colon.
  public let password: Secret?

  init(user: [UInt8], password: [UInt8]?) {
    self.writtenUser = Secret(user)
    self.password = password.map { Secret($0) }
  }

  /// The user, percent-encoded.
  public var user: [UInt8] { writtenUser.bytes }

  /// The user's own bytes.
  public var decodedUser: [UInt8] { percentDecoded(user) }

  /// The password's own bytes; empty where there is none.
  public var decodedPassword: Secret { Secret(percentDecoded(password?.bytes ?? [])) }

  /// `user:password` as `Proxy-Authorization: Basic` wants it before Base64.
  public var basicCredentials: Secret { Secret(decodedUser + [ASCII.colon] + decodedPassword.bytes) }

  /// Whether clients agree on the bytes: of other letters some send UTF-8, others Latin-1, and some fail.
  var isASCII: Bool { basicCredentials.bytes.allSatisfy { $0 < 0x80 } }

  /// Whether one half is missing; clients do not agree on sending the other then.
  var isIncomplete: Bool { writtenUser.bytes.isEmpty || password?.bytes.isEmpty != false }

  /// The user for a person: decoded if that is plain text, else percent-encoded, `***` if it may hold a password.
  public var displayedUser: Text {
    guard userMayBeShown else { return "***" }
    let decoded = decodedUser
    return Text(utf8: decoded.allSatisfy({ $0.isPrintable }) ? decoded : user)
  }

  /// The whole for a person, as it would be in an address.
  var redacted: Text {
    let shown: Text = userMayBeShown ? Text(utf8: user) : "***"
    return password == nil ? shown : "\(shown):***"
  }

  public var description: String { redacted.description }
  public var debugDescription: String { redacted.description }

  /// A user without a password may be a token, as it is for package indexes. An encoded colon or percent sign
  /// means that both may have been encoded as one; a mark that no account name has, that another was meant to be the
  /// colon. With an `@` in the user and the end of an authority in the password, all of it may be another address.
  /// A password that is part of the user would be shown with it.
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
