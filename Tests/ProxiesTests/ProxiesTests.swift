import Testing

@testable import Proxies

@Test func placeholder() { #expect(placeholderProxies == 0) }
