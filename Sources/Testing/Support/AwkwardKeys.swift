import KVStorage

/// Keys that engines are known to trip over. All are normal keys, each a different one.
enum AwkwardKeys {
    /// Text that looks the same or nearly so, in different bytes.
    static let lookalikes = [
        "caf\u{E9}", "cafe\u{301}", "\u{212B}", "\u{C5}", "A\u{30A}", "\u{FB01}", "fi", "\u{1E9B}\u{323}", "\u{2126}",
        "\u{3A9}",
        "\u{1100}\u{1161}", "\u{AC00}",
    ]

    /// Keys that differ in case only, where case folding has its traps.
    static let cases = ["key", "Key", "KEY", "kEY", "\u{131}", "i", "I", "\u{130}", "\u{DF}", "ss", "SS", "\u{1E9E}"]

    /// Scripts, symbols and the edges of Unicode.
    static let unicode = [
        "\u{1F469}\u{200D}\u{1F469}\u{200D}\u{1F467}\u{200D}\u{1F466}", "\u{1F1E9}\u{1F1EA}", "\u{1F44D}\u{1F3FD}",
        "\u{5D0}\u{5D1}",
        "\u{202E}abc", "\u{FEFF}bom", "\u{FFFD}", "\u{FFFE}", "\u{FFFF}", "\u{10FFFF}", "\u{D7FF}", "\u{E000}",
        "\u{10000}",
        "\u{65E5}\u{672C}\u{8A9E}:\u{30AD}\u{30FC}", "e\u{301}\u{302}\u{303}\u{304}", "\u{200B}", "\u{A0}", "\u{2028}",
        "\u{85}",
    ]

    /// What shells, SQL, globs, patterns, URLs and hash tags give a meaning to.
    static let patterns = [
        "a%", "a_", "ab", "a*", "a[b]", "a^", "a[^b]", "a{b}", "{a}b", "a'b", "a\"b", "a`b", "a;b", "a--",
        "'; DROP TABLE items; --",
        "a&b=c", "a#b", "a%2Fb", "a%3Ab", "$a", "a$b", "$(a)", "~", "~a", "-rf", "--", "!", "|", "<a>", "a,b", "a=b",
        "@a", "+", "\u{25}",
    ]

    /// Names that file systems or stores keep for themselves.
    static let reserved = [
        ".", "..", "...", "x..", "..x", "a:.:b", "a:..:b", "..:..:x", ".tmp", ".lock", ".git", "a.json", "a.tmp",
        "a.meta", "a.lock",
        ".DS_Store", "CON", "nul", "COM1.txt", "a.", "a ", " a", " ", "lost+found", "data.mdb", "__proto__",
        "constructor", "index", "~$a",
        "node_modules:a", "%", "%00", "\u{1}.", "sqlite_master", "key", "value",
    ]

    /// All control characters but NUL, alone and in the middle.
    static let controls: [String] = (Array(1...31) + [127]).flatMap { code -> [String] in
        let character = String(UnicodeScalar(UInt8(code)))
        return [character, "a\(character)b"]
    }

    /// Keys whose bytes come right before and after those of a branch `a`, as engines with ordered keys see them.
    static let neighbours = [
        "a", "a:\u{1}", "a: ", "a:\u{10FFFF}", "a:z", "a9", "a;", "a;:b", "a\u{1}", "a \u{1}:b", "a!:b", "a~",
        "a\u{FF}", "`", "b", "aa:b", "A:b",
    ]

    /// All 27 code points that Unicode lets no character end before (UAX #29, GB9b): with a colon behind it each is *one*
    /// character of Swift's, so that code which goes by characters does not see the colon.
    static let prepending = [
        "\u{600}", "\u{601}", "\u{602}", "\u{603}", "\u{604}", "\u{605}", "\u{6DD}", "\u{70F}", "\u{890}", "\u{891}",
        "\u{8E2}", "\u{D4E}", "\u{110BD}", "\u{110CD}", "\u{111C2}", "\u{111C3}", "\u{113D1}", "\u{1193F}", "\u{11941}",
        "\u{11A84}", "\u{11A85}", "\u{11A86}", "\u{11A87}", "\u{11A88}", "\u{11A89}", "\u{11D46}", "\u{11F02}",
    ]

    /// What else joins what comes before or after it: joiners, selectors, combining marks, line ends, signs that come in pairs.
    static let joining =
        [
            "\u{200D}", "x\u{200D}", "\u{200D}x", "x\u{200C}", "\u{FE0F}", "x\u{FE0F}", "\u{301}", "\u{301}x",
            "x\u{301}",
            "\u{34F}x", "\u{93E}x", "x\u{D4D}", "\u{1D165}", "x\u{1D165}", "\u{1F3FD}", "\u{1F468}\u{200D}",
            "\u{1F1E9}",
            "\u{E0067}x", "x\u{E0067}", "\r\n", "x\r\n", "\r\nx", "x\r", "\nx", "x\n", "\u{1100}", "\u{1161}x",
            "x\u{1100}",
            "\u{1F600}x", "x\u{10FFFF}",
        ] + Self.prepending + Self.prepending.map { "x\($0)" }

    /// What stands below each of the keys in ``branches``: a plain name, names that join the colon in front of them, a deep one.
    static let children = ["child", "\u{301}c", "\u{200D}", "\u{600}", "child:\u{FE0F}:deep"]

    /// All of them as items, with items below each.
    static let branches: [String] = {
        var seen: Set<[UInt8]> = []
        let keys = Self.all.flatMap { key in [key] + Self.children.map { "\(key):\($0)" } }
        return keys.filter { seen.insert(Array($0.utf8)).inserted }
    }()

    /// All of them once.
    static let all: [String] = {
        var seen: Set<[UInt8]> = []
        let lists = [
            Self.lookalikes, Self.cases, Self.unicode, Self.patterns, Self.reserved, Self.controls, Self.neighbours,
            Self.joining,
        ]
        return lists.joined().filter { seen.insert(Array($0.utf8)).inserted }
    }()
}

/// The string's UTF-8 bytes.
func bytes(_ text: String) -> [UInt8] {
    Array(text.utf8)
}
