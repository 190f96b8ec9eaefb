import CLinux
import Testing
import Text

@testable import Linux
@testable import TestSupport

/// What a user other than that of this process may do depends on numbers alone.
struct CredentialsTests {
  let directory: TemporaryDirectory
  init() throws { directory = try TemporaryDirectory() }

  private static let root = Credentials.Effective.other(user: 0, group: 0)
  private static let arbitrary = Credentials.Effective.other(user: 1000, group: 0)

  @Test func onlyRootHasEveryRight() {
    for right in [Credentials.Effective.Capability.changeOwner, .overrideAccess, .fileOwner] {
      #expect(Self.root.has(right) && !Self.arbitrary.has(right))
    }
  }

  struct Owner: Sendable {
    let user: UInt32
    let group: UInt32
    /// Why user 1000 in group 0 cannot give a file to them.
    let refusal: Errno?
  }

  static let owners = [
    Owner(user: 1000, group: 0, refusal: nil), Owner(user: 1000, group: 5, refusal: .notPermitted),
    Owner(user: 0, group: 0, refusal: .notPermitted), Owner(user: 1001, group: 0, refusal: .notPermitted),
  ]

  @Test(arguments: owners)
  func aFileCanBeGivenToOneselfInAGroupOfOnesOwn(owner: Owner) {
    #expect(Self.arbitrary.refusalOfOwner(owner.user, owner.group) == owner.refusal)
    #expect(Self.root.refusalOfOwner(owner.user, owner.group) == nil)
  }

  @Test func theModeOfADirectoryTellsWhoMayChangeIt() throws {
    // The directory belongs to this process: user 1000 in its group has the group's rights, otherwise those of others.
    let group = getegid()
    let rows: [(mode: UInt32, asGroup: Bool, asOther: Bool)] = [
      (0o755, false, false), (0o775, true, false), (0o770, true, false), (0o757, false, true),
      (0o777, true, true), (0o720, false, false), (0o702, false, false), (0o707, false, true),
    ]
    for row in rows {
      try directory.makeDirectory("sub", mode: row.mode)
      let metadata = try Root.system.status(of: directory.at("sub"))
      #expect(metadata.mode == row.mode)
      let member = Credentials.Effective.other(user: 1000, group: group)
      let stranger = Credentials.Effective.other(user: 1000, group: group + 1)
      #expect(member.mayChange(metadata) == row.asGroup, "\(row)")
      #expect(stranger.mayChange(metadata) == row.asOther, "\(row)")
      #expect(Self.root.mayChange(metadata))
    }
  }

  @Test func thisProcessMayDoWhatTheKernelSays() throws {
    let current = Credentials.Effective.current
    #expect(current.isCurrent && current.user == geteuid())
    #expect(current.refusalOfOwner(geteuid(), getegid()) == nil)
    #expect(current.mayChange(try Root.system.status(of: directory.path)))
  }
}
