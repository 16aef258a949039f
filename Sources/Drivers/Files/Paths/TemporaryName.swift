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
    }

    /// What all of them start with.
    static let prefix = ".%tmp-"

    /// `nil` for one that no version of this driver has made.
    let kind: Kind?
    let instance: Substring.UTF8View

    /// Takes a name apart; `nil` if it is no temporary one.
    init?(_ name: String) {
        guard keyHasPrefix(name, Self.prefix) else { return nil }
        let rest = name.utf8.dropFirst(Self.prefix.utf8.count)
        self.kind = rest.first.flatMap(Kind.init)
        self.instance = rest.dropFirst().prefix { $0 != UInt8(ascii: "-") }
    }

    /// What the names of one kind and one store start with; the number follows, to the base 36.
    static func start(_ kind: Kind, instance: String) -> String {
        "\(self.prefix)\(Character(Unicode.Scalar(kind.rawValue)))\(instance)-"
    }
}
