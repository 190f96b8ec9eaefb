import Testing

@testable import TrustStores

@Test func placeholder() { #expect(placeholderTrustStores == 0) }
