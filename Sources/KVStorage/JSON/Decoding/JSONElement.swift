/// A value in a JSON text, as the decoder of the type that is read from it.
///
/// Three words, so that it fits in an existential without an allocation; its coding path is made when somebody asks for it.
struct JSONElement {
    let document: JSONDocument
    /// Where it is on the tape; ``absent`` for what a superclass is read from that is not there.
    let index: UInt32
    /// The array or object that it is in.
    let parent: UInt32
    /// Its index in an array; if it is absent, that of its key among the document's absent keys.
    let ordinal: UInt32

    static let absent = UInt32.max

    /// The whole text.
    init(_ document: JSONDocument) {
        self.init(document, 0, in: JSONScanner.none, ordinal: 0)
    }

    @inline(__always)
    init(_ document: JSONDocument, _ index: UInt32, in parent: UInt32, ordinal: UInt32) {
        self.document = document
        self.index = index
        self.parent = parent
        self.ordinal = ordinal
    }

    @inline(__always)
    var firstByte: UInt8 { self.index == Self.absent ? UInt8(ascii: "n") : self.document.firstByte(self.index) }

    var kind: JSONKind {
        switch self.firstByte {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "n"): .null
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
        default: .number
        }
    }
}

extension JSONElement: Decoder {
    var codingPath: [any CodingKey] { self.document.path(to: self.index, in: self.parent, ordinal: self.ordinal) }

    var userInfo: [CodingUserInfoKey: Any] { self.document.userInfo }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard self.firstByte == UInt8(ascii: "{") else { throw self.mismatch([String: Any].self, "an object") }
        if JSONDictionaryKey.isKey(type) { try self.checkNames() }
        return KeyedDecodingContainer(JSONKeyedDecoding(object: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { try self.elements() }

    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func elements() throws -> JSONUnkeyedDecoding {
        guard self.firstByte == UInt8(ascii: "[") else { throw self.mismatch([Any].self, "an array") }
        return JSONUnkeyedDecoding(array: self.document, self.index)
    }

    /// Refuses names that a dictionary would take for one: what is written back would have lost a member.
    private func checkNames() throws {
        let names = self.document.names(of: self.index)
        guard names.contains(where: { !self.document.isASCII($0) }) else { return }
        guard Set(names.map { self.document.string($0) }).count < names.count else { return }
        throw self.corrupted("two names are canonically equivalent, of which a dictionary would lose one")
    }
}

extension JSONDocument {
    /// Returns the keys that lead to a value.
    func path(to index: UInt32, in parent: UInt32, ordinal: UInt32) -> [any CodingKey] {
        var keys: [any CodingKey] = []
        var (index, parent, ordinal) = (index, parent, ordinal)
        while parent != JSONScanner.none {
            if index == JSONElement.absent {
                if let key = self.rarities?.absentKeys[Int(ordinal)] { keys.append(key) }
            } else if self.firstByte(parent) == UInt8(ascii: "{") {
                keys.append(JSONKey(name: self.string(index - UInt32(JSONScanner.leafCount))))
            } else {
                keys.append(JSONKey(index: Int(ordinal)))
            }
            index = parent
            ordinal = self.tape[Int(parent) + JSONScanner.Header.ordinal]
            parent = self.tape[Int(parent) + JSONScanner.Header.parent]
        }
        return keys.reversed()
    }

    /// Whether a string is known to be ASCII, which no other is equivalent to.
    func isASCII(_ index: UInt32) -> Bool {
        !self.isFlagged(index) && self.withRawString(index) { $0.allSatisfy { $0 < 0x80 } }
    }
}

extension JSONElement {
    /// The error for a value of another kind, or for `null` where none may be.
    @inline(never)
    func mismatch(_ type: Any.Type, _ expected: String) -> DecodingError {
        let found = self.kind
        let failure = JSONFailure(.kind(expected: expected, found: found))
        let context = DecodingError.Context(
            codingPath: self.codingPath, debugDescription: "\(failure)", underlyingError: failure)
        return found == .null ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    /// The error for a value that is of the kind and still not valid.
    @inline(never)
    func corrupted(_ what: String) -> DecodingError {
        let failure = JSONFailure(.value(what))
        return .dataCorrupted(
            .init(codingPath: self.codingPath, debugDescription: "\(failure)", underlyingError: failure))
    }
}
