/// The members of an object.
struct JSONKeyedDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let object: JSONElement

    var codingPath: [any CodingKey] { self.object.codingPath }

    var allKeys: [Key] {
        let document = self.object.document
        return document.names(of: self.object.index).compactMap { Key(stringValue: document.string($0)) }
    }

    func contains(_ key: Key) -> Bool { self.find(key) != nil }

    func decodeNil(forKey key: Key) throws -> Bool { self.object.document.isNull(try self.index(key)) }

    /// Returns the index of the member, or `nil` if there is none.
    @inline(__always)
    private func find(_ key: some CodingKey) -> UInt32? {
        self.object.document.member(key.stringValue, of: self.object.index)
    }

    @inline(__always)
    func index(_ key: Key) throws -> UInt32 {
        guard let index = self.find(key) else { throw self.missing(key) }
        return index
    }

    /// Returns the index of the member, or `nil` if there is none or it is `null`.
    @inline(__always)
    func presentIndex(_ key: Key) -> UInt32? {
        guard let index = self.find(key), !self.object.document.isNull(index) else { return nil }
        return index
    }

    @inline(__always)
    func element(_ index: UInt32) -> JSONElement {
        JSONElement(self.object.document, index, in: self.object.index, ordinal: 0)
    }

    private func member(_ key: Key) throws -> JSONElement { self.element(try self.index(key)) }

    @inline(never)
    private func missing(_ key: Key) -> DecodingError {
        .keyNotFound(key, .init(codingPath: self.codingPath, debugDescription: "there is no such member"))
    }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try self.member(key).decode(type)
    }

    func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value? {
        guard let index = self.presentIndex(key) else { return nil }
        return try self.element(index).decode(type)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<NestedKey> {
        try self.member(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try self.member(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { self.superDecoder(JSONKey.super) }

    func superDecoder(forKey key: Key) throws -> any Decoder { self.superDecoder(key) }

    /// A superclass that wrote nothing has no member, and reads from `null`.
    private func superDecoder(_ key: some CodingKey) -> any Decoder {
        if let index = self.find(key) { return self.element(index) }
        let document = self.object.document
        var rarities = document.rarities ?? JSONDocument.Rarities()
        rarities.absentKeys.append(key)
        document.rarities = rarities
        return JSONElement(
            document, JSONElement.absent, in: self.object.index, ordinal: UInt32(rarities.absentKeys.count - 1))
    }
}
