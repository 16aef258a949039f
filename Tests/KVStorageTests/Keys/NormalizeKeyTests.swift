import KVStorageTesting
import Testing

@testable import KVStorage

/// The table of unstorage's behaviour, to the letter.
@Suite struct NormalizeKeyTests {
    struct Row: Sendable {
        let input: String
        let key: String
        let base: String
    }

    static let table: [Row] = [
        ("", "", ""), ("/", "", ""), (":", "", ""), ("::", "", ""), ("foo", "foo", "foo:"), ("foo:", "foo", "foo:"),
        (":foo", "foo", "foo:"), ("foo:bar", "foo:bar", "foo:bar:"), ("/foo/bar", "foo:bar", "foo:bar:"),
        ("foo/bar", "foo:bar", "foo:bar:"), ("foo\\bar", "foo:bar", "foo:bar:"), ("foo//bar", "foo:bar", "foo:bar:"),
        ("foo::bar", "foo:bar", "foo:bar:"), (":/\\foo:\\/", "foo", "foo:"), ("C:\\x\\y", "C:x:y", "C:x:y:"),
        ("http://x/y?z", "http:x:y", "http:x:y:"), ("foo?q=1", "foo", "foo:"), ("foo?q=1/bar", "foo", "foo:"),
        ("a?b?c", "a", "a:"), ("a/b/?c", "a:b", "a:b:"), ("?x", "", ""), ("a/b/", "a:b", "a:b:"), ("..", "..", "..:"),
        ("../x", "..:x", "..:x:"), ("a/../b", "a:..:b", "a:..:b:"), ("a/./b", "a:.:b", "a:.:b:"), (".", ".", ".:"),
        ("./x", ".:x", ".:x:"), ("foo$", "foo$", "foo$:"), ("foo/$", "foo:$", "foo:$:"), (" Foo ", " Foo ", " Foo :"),
        (" / a", " : a", " : a:"), ("FOO", "FOO", "FOO:"), ("a%2Fb", "a%2Fb", "a%2Fb:"), ("a#b", "a#b", "a#b:"),
        ("a*b", "a*b", "a*b:"), ("a b", "a b", "a b:"), ("a\0b", "a\0b", "a\0b:"), ("\n/x\n", "\n:x\n", "\n:x\n:"),
        ("caf\u{E9}", "caf\u{E9}", "caf\u{E9}:"), ("cafe\u{301}", "cafe\u{301}", "cafe\u{301}:"),
    ].map(Row.init)

    @Test(arguments: Self.table)
    func followsTheTable(_ row: Row) {
        #expect(Array(normalizeKey(row.input).utf8) == Array(row.key.utf8))
        #expect(Array(normalizeBaseKey(row.input).utf8) == Array(row.base.utf8))
    }

    @Test func joinsAsUnstorageDoes() {
        #expect(joinKeys("a", "b") == "a:b")
        #expect(joinKeys("a:", "", "b") == "a:b")
        #expect(joinKeys("", "a") == "a")
        #expect(joinKeys().isEmpty)
        #expect(joinKeys("a?x", "b") == "a")
        #expect(joinKeys("a", "b?x", "c") == "a:b")
    }

    /// The five steps of the reference, one after the other.
    private func byTheBook(_ key: String) -> [UInt8] {
        let cut = Array(key.utf8).split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)[0]
        let separators = Array(":/\\".utf8)
        return Array(cut.split { separators.contains($0) }.joined(separator: ":".utf8))
    }

    @Test func agreesWithTheReferenceOnRandomKeys() {
        var random = SeededGenerator(seed: 7)
        let alphabet = Array("ab:/\\?$. %\0\u{E9}\u{301}\u{1F600}".unicodeScalars)
        var wrong: [String] = []
        for _ in 0..<20_000 {
            var scalars = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                scalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
            }
            let key = String(scalars)
            let normal = normalizeKey(key)
            let isRight =
                Array(normal.utf8) == self.byTheBook(key) && isNormalKey(normal)
                && isNormalKey(key) == keysEqual(normal, key) && keysEqual(normalizeKey(normal), normal)
            if !isRight { wrong.append(key.debugDescription) }
        }
        #expect(wrong == [])
    }

    @Test func validatesKeys() {
        for key in ["", "a$", "$", "a:$", "a\0", "\0b"] {
            let error = #expect(throws: StorageError.self) { try StorageKey.validate(key) }
            #expect(error?.code == .invalidKey)
        }
        for key in ["a", "$a", "a$b", "..", " ", "\u{1}", "\u{10FFFF}"] {
            #expect(throws: Never.self) { try StorageKey.validate(key) }
        }
    }
}
