import KVStorage

/// Which path a key has, and which key a path: a one-to-one map between all legal keys and a part of all paths.
///
/// `a:b:c.json` is `a/b/c.json`: a segment is a name, as it is, wherever a file system can have that name. Else
/// - control characters and `%` stand as `%` with two upper-case hexadecimal digits;
/// - the first dot of `.`, of `..` and of what looks like unstorage's temporary files stands as `%2E`;
/// - a segment whose name would be longer than 255 bytes goes on in folders: every part but the last ends in `%+`.
///
/// The driver's own names all hold a `%` that no hexadecimal digit follows, so no key has them. A path is an item's only
/// if it is exactly what its key is mapped to, and the key is a normal one; any other is somebody else's, neither listed nor
/// removed.
struct PathMapping: Sendable {
    /// The longest key in bytes. Escaped in full it is 3 KiB, so that every path stays below the system's 4 KiB.
    static let maximumKeyBytes = 1024
    /// The longest name that common file systems take, in bytes.
    static let maximumNameBytes = 255
    /// How long the parts of a longer one are, so that what is added to them still fits.
    private static let partBytes = 240

    /// The item of a key that is also a folder stands in the folder under this name.
    static let folderItemName = "%item"
    /// Holds what is needed to find items whose time has come; see ``DeadlineIndex``.
    static let indexName = ".%ttl"
    /// Holds the intents of commits; see ``CommitRecord``.
    static let commitName = ".%commit"
    /// What the locks between processes are on; see ``SlotLocks``.
    static let lockName = ".%lock"

    private static let continuation = "%+"
    private static let foreignTemporaryPrefix = Array(".unstorage-tmp-".utf8)

    /// Whether upper-case and non-ASCII letters are escaped, for volumes on which names that differ in case or normal form
    /// are one.
    let escapesLetters: Bool

    init(escapesLetters: Bool = false) {
        self.escapesLetters = escapesLetters
    }

    /// Returns the path of the item, relative to the base.
    func path(of key: String) throws(StorageError) -> String {
        try Self.validate(key)
        return self.path(ofSegments: key)
    }

    /// Returns the path of the folder that holds the items below a base, which ends in a colon or is empty.
    func folderPath(ofBase base: String) -> String {
        base.isEmpty ? "" : self.path(ofSegments: keyDroppingSuffixByte(base))
    }

    private static func validate(_ key: String) throws(StorageError) {
        let problem: (StorageError.Code, String)? = withKeyBytes(key) { bytes in
            if bytes.isEmpty { return (.invalidKey, "the key is empty; name an item") }
            if bytes.count > Self.maximumKeyBytes {
                let limit = "files have keys of at most \(Self.maximumKeyBytes) bytes"
                return (.invalidKey, "\(limit), and this one has \(bytes.count); hash its long part")
            }
            if bytes[bytes.count - 1] == UInt8(ascii: "$") {
                return (.invalidKey, "a key can't end in \"$\", which is reserved for metadata")
            }
            if bytes.contains(0) { return (.invalidKey, "a key can't hold the NUL character") }
            if !Self.isNormal(bytes) {
                return (.invalidKey, "the key is not in normal form; use Storage, or normalizeKey(_:)")
            }
            return nil
        }
        if let (code, message) = problem { throw StorageError(code, message, key: key) }
    }

    /// Whether the segments are those of a normal key: not empty, without slashes and question marks.
    private static func isNormal(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var isStart = true
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: "?"): return false
            case UInt8(ascii: ":"):
                if isStart { return false }
                isStart = true
            default: isStart = false
            }
        }
        return !isStart
    }

    private func path(ofSegments key: String) -> String {
        let plain: String? = withKeyBytes(key) { bytes in
            guard self.isPlain(bytes) else { return nil }
            return String(unsafeUninitializedCapacity: bytes.count) { path in
                for index in 0..<bytes.count {
                    path[index] = bytes[index] == UInt8(ascii: ":") ? UInt8(ascii: "/") : bytes[index]
                }
                return bytes.count
            }
        }
        if let plain { return plain }
        let segments = key.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        let names = segments.flatMap { self.names(of: Array($0)) }
        return String(decoding: Array(names.joined(separator: [UInt8(ascii: "/")])), as: UTF8.self)
    }

    /// Whether every segment is a name as it is; errs on the side of `false`.
    private func isPlain(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var start = 0
        for index in 0...bytes.count {
            guard index == bytes.count || bytes[index] == UInt8(ascii: ":") else {
                if self.isEscaped(bytes[index]) { return false }
                continue
            }
            let count = index - start
            if count == 0 || count > Self.maximumNameBytes { return false }
            // Rare enough to be looked at in full.
            if bytes[start] == UInt8(ascii: ".") {
                if self.guarded(Array(bytes[start..<index])).count != count { return false }
            }
            start = index + 1
        }
        return true
    }

    private func isEscaped(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<0x20, 0x7F, UInt8(ascii: "%"): true
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x80...:
            self.escapesLetters
        default:
            false
        }
    }

    /// Returns the names that a path consists of; one empty name for the empty path.
    static func names(in path: String) -> [String] {
        // By bytes: as a character, a slash takes in a combining mark that follows it.
        path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { String(Substring($0)) }
    }

    /// Returns the names that one segment stands under: one, or several folders and a last.
    private func names(of segment: [UInt8]) -> [[UInt8]] {
        var parts: [[UInt8]] = []
        var part: [UInt8] = []
        var whole: [UInt8] = []
        var index = 0
        while index < segment.count {
            // A character or an escaped byte: what is never split.
            var unit: [UInt8] = []
            if self.isEscaped(segment[index]) {
                unit = Self.escape(segment[index])
                index += 1
            } else {
                repeat {
                    unit.append(segment[index])
                    index += 1
                } while index < segment.count && segment[index] & 0xC0 == 0x80
            }
            if part.count + unit.count > Self.partBytes {
                parts.append(part)
                part = []
            }
            part += unit
            whole += unit
        }
        let name = self.guarded(whole)
        if name.count <= Self.maximumNameBytes { return [name] }
        parts.append(part)
        return parts.enumerated().map { index, part in
            self.guarded(part) + (index < parts.count - 1 ? Array(Self.continuation.utf8) : [])
        }
    }

    /// Escapes the first dot of a name that would mean something else.
    private func guarded(_ name: [UInt8]) -> [UInt8] {
        let dot = UInt8(ascii: ".")
        guard name == [dot] || name == [dot, dot] || name.starts(with: Self.foreignTemporaryPrefix) else { return name }
        return Self.escape(dot) + name.dropFirst()
    }

    private static func escape(_ byte: UInt8) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
}

// MARK: - From paths to keys

extension PathMapping {
    /// A folder as the keys in it see it.
    struct Branch: Sendable {
        /// What keys in the folder start with: empty at the root, else with a colon at the end.
        var prefix: String
        /// The number of colons in keys that stand directly in the folder.
        var depth: Int
        /// The names of the folders that a segment too long for one name has been spread over so far.
        fileprivate var parts: [String] = []

        /// The folder that holds the items below a base.
        init(base: String) {
            self.prefix = base
            self.depth = keyDepth(base)
        }

        /// The key that the folder has as an item, if it can be one.
        var key: String? {
            self.prefix.isEmpty || !self.parts.isEmpty ? nil : keyDroppingSuffixByte(self.prefix)
        }
    }

    /// Returns the key that a file in the folder is the item of, or `nil` if it is none.
    func key(of name: String, in branch: Branch) -> String? {
        let key: String
        if keysEqual(name, Self.folderItemName) {
            guard let own = branch.key else { return nil }
            key = own
        } else {
            guard let segment = self.segment(branch.parts + [name]) else { return nil }
            key = branch.prefix + segment
        }
        guard key.utf8.count <= Self.maximumKeyBytes, key.utf8.last != UInt8(ascii: "$") else { return nil }
        return key
    }

    /// Returns the branch that a folder in the folder is, or `nil` if no key has it on its path.
    func branch(of name: String, in branch: Branch) -> Branch? {
        var below = branch
        if name.utf8.count > Self.partBytes / 2, name.utf8.suffix(2).elementsEqual(Self.continuation.utf8) {
            below.parts.append(name)
            return below
        }
        guard let segment = self.segment(branch.parts + [name]) else { return nil }
        below.prefix += segment + ":"
        below.depth += 1
        below.parts = []
        return below.prefix.utf8.count > Self.maximumKeyBytes + 1 ? nil : below
    }

    /// Returns the branch at the end of a folder's path.
    func branch(ofPath path: String) -> Branch? {
        var branch = Branch(base: "")
        for name in Self.names(in: path) where !name.isEmpty {
            guard let below = self.branch(of: name, in: branch) else { return nil }
            branch = below
        }
        return branch
    }

    /// Returns the key whose item a file at the path is, or `nil` if it is none.
    func item(atPath path: String) -> String? {
        let (folder, name) = Store.split(path)
        return self.branch(ofPath: folder).flatMap { self.key(of: name, in: $0) }
    }

    /// Returns the segment that stands under exactly these names, if it is one of a normal key.
    private func segment(_ names: [String]) -> String? {
        if names.count == 1, withKeyBytes(names[0], { self.isPlain($0) && Self.isSegment($0) }) { return names[0] }
        var bytes: [UInt8] = []
        for (index, name) in names.enumerated() {
            let isLast = index == names.count - 1
            guard let part = Self.unescape(name.utf8.dropLast(isLast ? 0 : Self.continuation.utf8.count)) else {
                return nil
            }
            bytes += part
        }
        guard bytes.withUnsafeBytes(Self.isSegment), self.names(of: bytes) == names.map({ Array($0.utf8) }) else {
            return nil
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func isSegment(_ bytes: UnsafeRawBufferPointer) -> Bool {
        self.isNormal(bytes) && !bytes.contains(UInt8(ascii: ":")) && !bytes.contains(0)
    }

    private static func unescape(_ name: some Sequence<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = Array(name)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}

/// Returns the key without its last byte, which must be ASCII.
private func keyDroppingSuffixByte(_ key: String) -> String {
    String(decoding: key.utf8.dropLast(), as: UTF8.self)
}
