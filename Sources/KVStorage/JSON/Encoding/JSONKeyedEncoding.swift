/// The members of an object that is being written.
struct JSONKeyedEncoding<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: JSONValueEncoder

    var codingPath: [any CodingKey] { self.encoder.codingPath }

    /// Writes a member whose value can't fail.
    @inline(__always)
    private func write(_ key: Key, _ body: (JSONWriter) -> Void) throws {
        try self.encoder.check()
        let (writer, frame) = (self.encoder.writer, Int(self.encoder.frame))
        let earlier = writer.beginMember(key.stringValue, in: frame)
        body(writer)
        if earlier >= 0 { writer.removeMember(earlier, in: frame) }
    }

    /// Writes a member, or leaves the object as it was.
    @inline(__always)
    private func tryWrite(_ key: Key, _ body: (JSONWriter) throws -> Void) throws {
        try self.encoder.check()
        let (writer, frame) = (self.encoder.writer, Int(self.encoder.frame))
        let state = writer.state
        let earlier = writer.beginMember(key.stringValue, in: frame)
        do { try body(writer) } catch {
            writer.restore(state)
            throw error
        }
        if earlier >= 0 { writer.removeMember(earlier, in: frame) }
    }

    func encodeNil(forKey key: Key) throws { try self.write(key) { $0.write(raw: "null") } }
    func encode(_ value: Bool, forKey key: Key) throws { try self.write(key) { $0.write(value) } }
    func encode(_ value: String, forKey key: Key) throws { try self.write(key) { $0.write(value) } }
    func encode(_ value: Double, forKey key: Key) throws { try self.tryWrite(key) { try $0.write(value) } }
    func encode(_ value: Float, forKey key: Key) throws { try self.tryWrite(key) { try $0.write(value) } }
    func encode(_ value: Int, forKey key: Key) throws { try self.write(key) { $0.write(value) } }
    func encode(_ value: Int8, forKey key: Key) throws { try self.write(key) { $0.write(value) } }
    func encode(_ value: Int16, forKey key: Key) throws { try self.write(key) { $0.write(value) } }
    func encode(_ value: Int32, forKey key: Key) throws { try self.write(key) { $0.write(value) } }
    func encode(_ value: Int64, forKey key: Key) throws { try self.write(key) { $0.write(value) } }
    func encode(_ value: Int128, forKey key: Key) throws { try self.write(key) { $0.write(value) } }
    func encode(_ value: UInt, forKey key: Key) throws { try self.write(key) { $0.write(value) } }
    func encode(_ value: UInt8, forKey key: Key) throws { try self.write(key) { $0.write(value) } }
    func encode(_ value: UInt16, forKey key: Key) throws { try self.write(key) { $0.write(value) } }
    func encode(_ value: UInt32, forKey key: Key) throws { try self.write(key) { $0.write(value) } }
    func encode(_ value: UInt64, forKey key: Key) throws { try self.write(key) { $0.write(value) } }
    func encode(_ value: UInt128, forKey key: Key) throws { try self.write(key) { $0.write(value) } }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        try self.tryWrite(key) { try $0.encode(value) }
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy type: NestedKey.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        self.nested(key, .object).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        self.nested(key, .array).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { self.nested(JSONKey.super, .none) }

    func superEncoder(forKey key: Key) -> any Encoder { self.nested(key, .none) }

    /// Returns what writes a member by and by; one that was asked for before, if it is of the same kind.
    private func nested(_ key: some CodingKey, _ kind: JSONWriter.Frame.Kind) -> JSONValueEncoder {
        let (writer, frame) = (self.encoder.writer, Int(self.encoder.frame))
        guard self.encoder.isCurrent else {
            writer.fail("a container is asked for after its value was encoded, or within another value in it")
            return JSONWriter(path: self.codingPath, userInfo: writer.userInfo).encoder
        }
        let state = writer.state
        let earlier = writer.beginMember(key.stringValue, in: frame)
        if earlier >= 0 {
            if let before = writer.insert(ofMember: earlier, kind) {
                writer.restore(state)
                return before.encoder
            }
            writer.removeMember(earlier, in: frame)
        }
        return writer.insert().encoder
    }
}
