import KVStorage

/// What a commit of several keys does, as it stands in its intent: the file in the folder `.%commit` whose renaming to its
/// final name is the moment from which on the commit holds.
///
/// A head line with a checksum, and a line for each item that changes:
///
///     KV commit 1 <d if flushed, else -> <length of the rest> <checksum of the rest>
///     <w written, r removed, n removed by name> <i in a folder of its name, else -> <length of the key> <key>
///
/// with hexadecimal numbers of 16 digits in the head. For each item there is a file beside it that is named by the commit and
/// the number of the line: the new content, or another name of the file that is removed (an empty file where
/// the file system has no other names; then whatever stands there is removed). A part of the commit is carried out
/// once that file is gone; so carrying it out again does nothing, also after a power loss, which loses or keeps the names in
/// one folder together.
struct CommitRecord: Equatable {
    struct Part: Equatable {
        enum Kind: UInt8 {
            case write = 0x77
            case removal = 0x72
            case removalByName = 0x6E
        }

        let kind: Kind
        let key: String
        /// Whether the item stood in the folder of its name, as it has others below it.
        let isInside: Bool
    }

    /// Whether what the commit writes is flushed.
    let isDurable: Bool
    let parts: [Part]

    init(isDurable: Bool, parts: [Part]) {
        self.isDurable = isDurable
        self.parts = parts
    }

    private static let start = Array("KV commit 1 ".utf8)
    private static let inside = UInt8(ascii: "i")
    private static let durable = UInt8(ascii: "d")
    private static let none = UInt8(ascii: "-")
    private static let space = UInt8(ascii: " ")
    private static let newline = UInt8(ascii: "\n")

    /// The bytes of the intent.
    var encoded: [UInt8] {
        var body: [UInt8] = []
        for part in self.parts {
            body += [part.kind.rawValue, Self.space, part.isInside ? Self.inside : Self.none, Self.space]
            body += Array(String(part.key.utf8.count).utf8) + [Self.space]
            body += part.key.utf8
            body.append(Self.newline)
        }
        var head = Self.start + [self.isDurable ? Self.durable : Self.none, Self.space]
        head += Self.digits(UInt64(body.count)) + [Self.space] + Self.digits(Self.checksum(body)) + [Self.newline]
        return head + body
    }

    /// Reads an intent; `nil` if the bytes are none, or were damaged.
    init?(_ bytes: [UInt8]) {
        let headCount = Self.start.count + 36
        guard bytes.count >= headCount, bytes.starts(with: Self.start), bytes[headCount - 1] == Self.newline else {
            return nil
        }
        let words = bytes[Self.start.count..<(headCount - 1)].split(separator: Self.space)
        let body = Array(bytes[headCount...])
        guard words.map(\.count) == [1, 16, 16], words[0].first == Self.durable || words[0].first == Self.none,
            words[1].elementsEqual(Self.digits(UInt64(body.count))),
            words[2].elementsEqual(Self.digits(Self.checksum(body)))
        else { return nil }
        self.isDurable = words[0].first == Self.durable
        var parts: [Part] = []
        var rest = body[...]
        while !rest.isEmpty {
            guard let part = Self.part(&rest) else { return nil }
            parts.append(part)
        }
        self.parts = parts
    }

    private static func part(_ rest: inout ArraySlice<UInt8>) -> Part? {
        let words = rest.prefix(64).split(separator: self.space, maxSplits: 3, omittingEmptySubsequences: false)
        guard words.count == 4, words[0].count == 1, words[1].count == 1,
            let kind = words[0].first.flatMap(Part.Kind.init),
            let place = words[1].first, place == self.inside || place == self.none,
            let count = Int(String(decoding: words[2], as: UTF8.self)), count > 0, count <= PathMapping.maximumKeyBytes
        else { return nil }
        rest = rest.dropFirst(5 + words[2].count)
        guard rest.count > count, rest[rest.startIndex + count] == self.newline,
            let key = String(validating: rest.prefix(count), as: UTF8.self)
        else { return nil }
        rest = rest.dropFirst(count + 1)
        return Part(kind: kind, key: key, isInside: place == self.inside)
    }

    private static func digits(_ number: UInt64) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return (0..<16).reversed().map { digits[Int(number >> (UInt64($0) * 4) & 15)] }
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt64 {
        var hash = ByteHash()
        hash.add(bytes)
        return hash.value
    }
}
