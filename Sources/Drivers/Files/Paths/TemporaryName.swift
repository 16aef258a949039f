import KVStorage

/// The names of temporary files and folders: `.%tmp-`, what it is for, whose it is, and a number.
///
/// A watcher learns from them what a rename means and whether its own store did it.
struct TemporaryName {
    enum Kind: UInt8 {
        /// A file that takes an item's name.
        case write = 0x77
        /// A folder that changes places with an item.
        case folder = 0x66
        /// An item that is removed.
        case removal = 0x72
        /// What a commit does with one item; another number tells which one.
        case part = 0x63
        /// The intent of a commit, before it holds.
        case intent = 0x69
    }

    /// What all of them start with.
    static let prefix = ".%tmp-"

    /// `nil` for one that no version of this driver has made.
    let kind: Kind?
    let instance: Substring.UTF8View
    /// The commit that a ``Kind/part`` belongs to, or `nil` for any other name.
    let commit: String?

    /// Takes a name apart; `nil` if it is no temporary one.
    init?(_ name: String) {
        guard keyHasPrefix(name, Self.prefix) else { return nil }
        let rest = name.utf8.dropFirst(Self.prefix.utf8.count)
        self.kind = rest.first.flatMap(Kind.init)
        self.instance = rest.dropFirst().prefix { $0 != UInt8(ascii: "-") }
        let end = rest.lastIndex(of: UInt8(ascii: "-"))
        self.commit = self.kind == .part ? end.map { String(Substring(rest.dropFirst().prefix(upTo: $0))) } : nil
    }

    /// What the names of one kind and one store start with; the number follows, to the base 36.
    static func start(_ kind: Kind, instance: String) -> String {
        "\(self.prefix)\(Character(Unicode.Scalar(kind.rawValue)))\(instance)-"
    }

    /// The name of what a commit does with one item.
    static func part(_ number: Int, of commit: String) -> String {
        "\(self.start(.part, instance: commit))\(String(number, radix: 36))"
    }

    /// Whether a name is that of the intent of a commit that holds: whose it is, and a number.
    static func isCommit(_ name: String) -> Bool {
        let words = name.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        return words.count == 2
            && words.allSatisfy { word in
                !word.isEmpty && word.count <= 13
                    && word.allSatisfy { byte in
                        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    }
            }
    }
}
