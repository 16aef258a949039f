import Testing
@testable import KVStorage
@Test func placeholder() { #expect(normalizeKey("a//b?c") == "a:b") }
