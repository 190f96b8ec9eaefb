import Testing

@testable import psm_entry

@Test func placeholder() { #expect(ExitStatus.usage == 64) }
