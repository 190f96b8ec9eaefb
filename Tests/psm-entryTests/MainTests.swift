import Testing

@testable import psm_entry

@Test func placeholder() { #expect(usage == 64) }
