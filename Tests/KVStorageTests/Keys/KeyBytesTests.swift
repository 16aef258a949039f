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

    /// All characters that Unicode joins to what follows them (`Prepend`, UAX #29), and some that join to what is before.
    static let joining: [UInt32] =
        Array(0x600...0x605) + [0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0xD4E, 0x110BD, 0x110CD, 0x111C2, 0x111C3]
        + [0x113D1, 0x1193F, 0x11941] + Array(0x11A84...0x11A89) + [0x11D46, 0x11F02, 0x301, 0x200D, 0xFE0F, 0x0D]

    @Test(arguments: Self.joining)
    func boundsByBytesNotCharacters(_ scalar: UInt32) throws {
        let character = String(try #require(Unicode.Scalar(scalar)))
        for base in ["x\(character):", "\(character):", "x:\(character)y:"] {
            let bound = try #require(keyUpperBound(ofBase: base))
            #expect(Array(bound.utf8) == Array(base.utf8.dropLast()) + [UInt8(ascii: ";")])
            #expect(keyPrecedes(base, bound) && keyPrecedes(base + "k", bound))
        }
    }

    @Test func identityIsThatOfTheBytes() {
        #expect(Set([KeyIdentity("caf\u{E9}"), KeyIdentity("cafe\u{301}"), KeyIdentity("caf\u{E9}")]).count == 2)
    }
}
