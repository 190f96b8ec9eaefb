import Testing

@testable import Linux

@Test func placeholder() { #expect(placeholderLinux == 0) }
