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

    /// All of them once.
    static let all: [String] = {
        var seen: Set<[UInt8]> = []
        let lists = [
            Self.lookalikes, Self.cases, Self.unicode, Self.patterns, Self.reserved, Self.controls, Self.neighbours,
        ]
        return lists.joined().filter { seen.insert(Array($0.utf8)).inserted }
    }()
}

/// The string's UTF-8 bytes.
func bytes(_ text: String) -> [UInt8] {
    Array(text.utf8)
}
