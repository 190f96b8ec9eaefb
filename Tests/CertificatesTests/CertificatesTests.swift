import Testing

@testable import Certificates

@Test func placeholder() { #expect(placeholderCertificates == 0) }
