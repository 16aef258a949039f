import KVStorageTesting
import Testing

@testable import KVStorage

@Suite struct KeyBytesTests {
    private let keys = [
        "", "a", "a:", "a:b", "a;", "b", "caf\u{E9}", "cafe\u{301}", "\u{10FFFF}", "\u{FFFD}", "aa", "A",
    ]

    @Test func comparesBytesNotCharacters() {
        for left in self.keys {
            for right in self.keys {
                let (leftBytes, rightBytes) = (Array(left.utf8), Array(right.utf8))
                #expect(keysEqual(left, right) == (leftBytes == rightBytes))
                #expect(keyPrecedes(left, right) == leftBytes.lexicographicallyPrecedes(rightBytes))
                #expect(keyHasPrefix(left, right) == leftBytes.starts(with: rightBytes))
            }
        }
        #expect("caf\u{E9}" == "cafe\u{301}", "strings are compared by characters, which keys must not be")
    }

    @Test func countsColons() {
        #expect(keyDepth("") == 0)
        #expect(keyDepth("a") == 0)
        #expect(keyDepth("a:b:c") == 2)
    }

    @Test func dropsPrefixes() {
        #expect(keyDroppingPrefix("caf\u{E9}:x", "caf\u{E9}:".utf8.count) == "x")
        #expect(keyDroppingPrefix("abc", 0) == "abc")
    }

    @Test func boundsABranch() throws {
        #expect(keyUpperBound(ofBase: "") == nil)
        let bound = try #require(keyUpperBound(ofBase: "a:"))
        for key in ["a:b", "a:\u{1}", "a:\u{10FFFF}:x"] { #expect(keyPrecedes(key, bound)) }
        for key in ["a;", "a~", "b", "aa"] { #expect(!keyPrecedes(key, bound)) }
    }
}
