import Testing

@testable import KVStorage

@Suite struct KeyQueryTests {
    @Test func matchesWhatIsBelow() {
        let query = KeyQuery(base: "a:", maxDepth: 2)
        for key in ["a:b", "a:b:c"] { #expect(query.matches(key)) }
        for key in ["a", "a:", "ab:c", "b", "a:b:c:d", ""] { #expect(!query.matches(key)) }
        #expect(KeyQuery().matches("a"))
        #expect(!KeyQuery().matches(""))
        #expect(!KeyQuery(maxDepth: -1).matches("a"))
    }

    @Test func namesTheSubtreeToSkip() {
        #expect(KeyQuery().subtreeToSkip(at: "a:b:c") == nil)
        #expect(KeyQuery(maxDepth: 1).subtreeToSkip(at: "a:b") == nil)
        #expect(KeyQuery(maxDepth: 1).subtreeToSkip(at: "a:b:c") == "a:b:")
        #expect(KeyQuery(maxDepth: 0).subtreeToSkip(at: "a:b:c") == "a:")
        #expect(KeyQuery(maxDepth: 0).subtreeToSkip(at: "a") == nil)
    }
}
