/// The elements of an array.
struct JSONUnkeyedDecoding: UnkeyedDecodingContainer {
    private let document: JSONDocument
    private let array: UInt32
    private var index: UInt32
    private var ordinal: UInt32 = 0

    init(array document: JSONDocument, _ array: UInt32) {
        self.document = document
        self.array = array
        self.index = array + UInt32(JSONScanner.Header.count)
    }

    var codingPath: [any CodingKey] {
        let head = Int(self.array)
        return self.document.path(
            to: self.array, in: self.document.tape[head + JSONScanner.Header.parent],
            ordinal: self.document.tape[head + JSONScanner.Header.ordinal])
    }

    var count: Int? { self.document.size(self.array) }
    var currentIndex: Int { Int(self.ordinal) }
    var isAtEnd: Bool { Int(self.ordinal) >= self.document.size(self.array) }

    /// Returns the element that is next and goes on behind it; `nil` at the end.
    @inline(__always)
    mutating func next() -> JSONElement? {
        guard !self.isAtEnd else { return nil }
        defer { self.skip() }
        return self.element
    }

    @inline(__always)
    private var element: JSONElement {
        JSONElement(self.document, self.index, in: self.array, ordinal: self.ordinal)
    }

    @inline(__always)
    private mutating func skip() {
        self.index = self.document.next(self.index)
        self.ordinal += 1
    }

    /// Reads the element that is next, and goes on behind it unless that throws.
    @inline(__always)
    private mutating func read<Value>(_ type: Any.Type, _ body: (JSONElement) throws -> Value) throws -> Value {
        guard !self.isAtEnd else { throw self.atEnd(type) }
        let value = try body(self.element)
        self.skip()
        return value
    }

    @inline(never)
    private func atEnd(_ type: Any.Type) -> DecodingError {
        .valueNotFound(
            type,
            .init(
                codingPath: self.codingPath + [JSONKey(index: self.currentIndex)],
                debugDescription: "the array has no more elements"))
    }

    mutating func decodeNil() throws -> Bool {
        guard !self.isAtEnd else { throw self.atEnd(Never.self) }
        guard self.element.isNull else { return false }
        self.skip()
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try self.read(type) { try $0.decode(type) }
    }

    mutating func decodeIfPresent<Value: Decodable>(_ type: Value.Type) throws -> Value? {
        guard !self.isAtEnd else { return nil }
        return try self.decodeNil() ? nil : self.decode(type)
    }

    mutating func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try self.read([String: Any].self) { try $0.container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try self.read([Any].self) { try $0.unkeyedContainer() }
    }

    mutating func superDecoder() throws -> any Decoder { try self.read((any Decoder).self) { $0 } }
}

extension JSONUnkeyedDecoding {
    mutating func decode(_ type: Bool.Type) throws -> Bool { try self.read(type) { try $0.boolean() } }
    mutating func decode(_ type: String.Type) throws -> String { try self.read(type) { try $0.string() } }
    mutating func decode(_ type: Double.Type) throws -> Double { try self.read(type) { try $0.double() } }
    mutating func decode(_ type: Float.Type) throws -> Float { try self.read(type) { try $0.float() } }
    mutating func decode(_ type: Int.Type) throws -> Int { try self.read(type) { try $0.integer() } }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try self.read(type) { try $0.integer() } }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try self.read(type) { try $0.integer() } }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try self.read(type) { try $0.integer() } }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try self.read(type) { try $0.integer() } }
    mutating func decode(_ type: Int128.Type) throws -> Int128 { try self.read(type) { try $0.integer() } }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try self.read(type) { try $0.integer() } }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try self.read(type) { try $0.integer() } }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try self.read(type) { try $0.integer() } }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try self.read(type) { try $0.integer() } }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try self.read(type) { try $0.integer() } }
    mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try self.read(type) { try $0.integer() } }
}
