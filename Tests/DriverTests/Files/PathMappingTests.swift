import KVStorage
import Testing

@testable import KVStorageFiles

@Suite("Files: names")
struct PathMappingTests {
    let mapping = PathMapping()

    /// Returns the key that the path is the item of, by way of its folders.
    private func key(_ path: String, _ mapping: PathMapping? = nil) -> String? {
        let mapping = mapping ?? self.mapping
        let parts = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
            String($0) ?? ""
        }
        var branch = PathMapping.Branch(base: "")
        for part in parts.dropLast() {
            guard let below = mapping.branch(of: part, in: branch) else { return nil }
            branch = below
        }
        return parts.last.flatMap { mapping.key(of: $0, in: branch) }
    }

    @Test(
        "Plain keys are plain paths",
        arguments: [
            ("a", "a"), ("a:b:c.json", "a/b/c.json"), (".git", ".git"), ("...", "..."), ("x..", "x.."), ("..x", "..x"),
            ("a b", "a b"),
            ("caf\u{E9}", "caf\u{E9}"), ("cafe\u{301}", "cafe\u{301}"), ("A:a", "A/a"),
            ("a*[b]'\"~#&=+@!|<>,;", "a*[b]'\"~#&=+@!|<>,;"),
            ("\u{85}\u{2028}", "\u{85}\u{2028}"), ("a$:b", "a$/b"), ("-rf", "-rf"), ("lost+found", "lost+found"),
        ]
    )
    func plain(key: String, path: String) throws {
        #expect(try Array(self.mapping.path(of: key).utf8) == Array(path.utf8))
        #expect(self.key(path).map { Array($0.utf8) } == Array(key.utf8))
    }

    @Test(
        "What can't be a name is escaped",
        arguments: [
            (".", "%2E"), ("..", "%2E."), ("a:..:b", "a/%2E./b"), ("100%", "100%25"), ("%item", "%25item"),
            ("a\tb\u{7F}", "a%09b%7F"),
            (".%ttl:a", ".%25ttl/a"), (".%tmp-x", ".%25tmp-x"), (".unstorage-tmp-1", "%2Eunstorage-tmp-1"),
            ("%2E", "%252E"),
        ]
    )
    func escaped(key: String, path: String) throws {
        #expect(try self.mapping.path(of: key) == path)
        #expect(self.key(path) == key)
    }

    @Test("An item that is a folder as well stands in it")
    func folderItem() {
        #expect(self.key("a/b/%item") == "a:b")
        #expect(self.key("%item") == nil)
    }

    @Test(
        "What no key is mapped to is no item",
        arguments: [
            "a%", "a%2", "a%zz", "%41", "%2e", "a%2f", "%2E%2E", "a%2Fb", "k/%", "%/k", "what%3F.html", "a%5Cb",
            "a%3Ab", "%00",
            "ada%40example.org", "x%20y", "%C3%BC", "%25/%", "a%2Fb/c", "a:b", "a\\b", "a?b", "a\u{1}", "meta$",
            ".unstorage-tmp-1",
            ".%tmp-x", ".%ttl/x", "%2Ea", "%25%", "a/", String(repeating: "k", count: 240) + "%+/x",
            String(repeating: "k", count: 200) + "%+/" + String(repeating: "k", count: 200), "%item/%item/x",
        ]
    )
    func foreign(path: String) {
        #expect(self.key(path) == nil)
    }

    @Test(
        "Long segments are spread over folders, between characters",
        arguments: [255, 256, 300, 479, 480, 481, 1000, 1024])
    func long(count: Int) throws {
        let wide = String(repeating: "\u{1F600}", count: count / 4) + String(repeating: "x", count: count % 4)
        let controls = String(repeating: "\u{1}", count: count)
        for key in [String(repeating: "k", count: count), wide, controls, "a:" + String(wide.dropLast()) + ":b"]
        where key.utf8.count <= 1024 {
            let path = try self.mapping.path(of: key)
            let names = path.split(separator: "/").map(String.init)
            #expect(names.allSatisfy { $0.utf8.count <= 255 && !$0.unicodeScalars.contains("\u{FFFD}") })
            #expect(path.utf8.count < 4096)
            #expect(self.key(path) == key)
        }
    }

    @Test("A key that is not normal has no path", arguments: ["a::b", "a/b", "a?b", "a\\b", ":a", "a:", ":", "/"])
    func notNormal(key: String) {
        let error = #expect(throws: StorageError.self) { try self.mapping.path(of: key) }
        #expect(error?.code == .invalidKey)
    }

    @Test("The limit is named", arguments: [1025, 10_000])
    func tooLong(count: Int) {
        let error = #expect(throws: StorageError.self) {
            try self.mapping.path(of: String(repeating: "k", count: count))
        }
        #expect(error?.code == .invalidKey)
        #expect(error?.message.contains("1024") == true)
    }

    @Test("Random keys have paths of their own, and the paths lead back", arguments: [false, true])
    func random(escapesLetters: Bool) throws {
        let mapping = PathMapping(escapesLetters: escapesLetters)
        var generator = RepeatableGenerator(seed: 7)
        var paths: [[UInt8]: [UInt8]] = [:]
        for _ in 0..<20_000 {
            let key = RandomKeys.next(&generator)
            let path = try mapping.path(of: key)
            #expect(self.key(path, mapping).map { Array($0.utf8) } == Array(key.utf8))
            let former = paths.updateValue(Array(key.utf8), forKey: Array(path.utf8))
            #expect(former == nil || former == Array(key.utf8))
            if escapesLetters {
                #expect(path.utf8.allSatisfy { $0 < 0x80 })
                let isFolded = path.split(separator: "%").allSatisfy { !$0.dropFirst(2).contains(where: \.isUppercase) }
                #expect(isFolded || !path.contains("%"))
            }
        }
    }

    @Test("Random paths are items of at most one key, which leads back to them")
    func randomPaths() throws {
        var generator = RepeatableGenerator(seed: 11)
        let alphabet = Array("%%%2E5F.a/:+$\\?-\u{1}\u{E9}tmpi".unicodeScalars)
        for _ in 0..<20_000 {
            var scalars = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 1...12, using: &generator) {
                scalars.append(alphabet[Int.random(in: 0..<alphabet.count, using: &generator)])
            }
            let path = String(scalars)
            guard let key = self.key(path), !path.hasSuffix("%item") else { continue }
            #expect(keysEqual(normalizeKey(key), key))
            #expect(try Array(self.mapping.path(of: key).utf8) == Array(path.utf8))
        }
    }

    @Test(
        "Ignore patterns",
        arguments: [
            ("a", "a", true), ("a", "a:b", true), ("a", "b:a", false), ("*.tmp", "x.tmp", true),
            ("*.tmp", "d:x.tmp", false),
            ("**/*.tmp", "d:e:x.tmp", true), ("**/node_modules/**", "node_modules:x", true),
            ("**/node_modules", "a:node_modules:b:c", true),
            ("a/?/c", "a:b:c", true), ("a/?/c", "a:bb:c", false), ("a/**/z", "a:z", true), ("a/**/z", "a:b:c:z", true),
            ("a:b", "a:b", true),
            ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxaxx", false), ("/a/", "a", true), ("caf?", "caf\u{E9}", true),
        ]
    )
    func patterns(pattern: String, key: String, isIgnored: Bool) throws {
        #expect(try IgnorePatterns([pattern]).matches(key) == isIgnored)
    }
}

/// Keys of 1 to 1,000 bytes of what file systems trip over, and of all of Unicode.
enum RandomKeys {
    private static let awkward = Array(
        "....%%::://AaZz09_-~$?*[]{}'\"<>|&;=+,@! \\\u{1}\t\n\u{1F}\u{7F}\u{85}\u{E9}\u{301}\u{FEFF}".unicodeScalars)

    /// Returns a normal, legal key.
    static func next(_ generator: inout RepeatableGenerator) -> String {
        while true {
            let limit = [1, 4, 12, 40, 300, 1000].randomElement(using: &generator) ?? 1
            let isMonotonous = Int.random(in: 0..<20, using: &generator) == 0
            var scalars = String.UnicodeScalarView()
            var count = 0
            while count < limit {
                let scalar = isMonotonous ? "k" : self.scalar(&generator)
                scalars.append(scalar)
                count += UTF8.width(scalar)
            }
            let key = normalizeKey(String(scalars))
            if !key.isEmpty, key.utf8.count <= 1000, key.utf8.last != UInt8(ascii: "$") { return key }
        }
    }

    private static func scalar(_ generator: inout RepeatableGenerator) -> Unicode.Scalar {
        if Bool.random(using: &generator) { return self.awkward.randomElement(using: &generator) ?? "a" }
        let ranges: [ClosedRange<UInt32>] = [
            1...0x7F, 0x80...0x7FF, 0x800...0xD7FF, 0xE000...0xFFFF, 0x10000...0x10FFFF,
        ]
        let range = ranges.randomElement(using: &generator) ?? 1...0x7F
        return Unicode.Scalar(UInt32.random(in: range, using: &generator)) ?? "a"
    }
}
