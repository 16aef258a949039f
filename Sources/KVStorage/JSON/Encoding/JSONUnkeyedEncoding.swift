/// The elements of an array that is being written.
struct JSONUnkeyedEncoding: UnkeyedEncodingContainer {
    let encoder: JSONValueEncoder

    var codingPath: [any CodingKey] { self.encoder.codingPath }

    var count: Int {
        let (frames, frame) = (self.encoder.writer.frames.count, Int(self.encoder.frame))
        guard frame < frames, self.encoder.writer.frames[frame].serial == self.encoder.serial else { return 0 }
        return self.encoder.writer.frames[frame].count
    }

    @inline(__always)
    private func begin() -> JSONWriter {
        let (writer, frame) = (self.encoder.writer, Int(self.encoder.frame))
        if writer.frames[frame].count > 0 { writer.bytes.append(UInt8(ascii: ",")) }
        writer.frames[frame].count += 1
        if writer.frames[frame].order != .asEncoded { writer.parts.append(writer.bytes.count) }
        return writer
    }

    /// Writes an element, or leaves the array as it was.
    @inline(__always)
    private func write(_ body: (JSONWriter) throws -> Void) throws {
        try self.encoder.check()
        let state = self.encoder.writer.state
        do { try body(self.begin()) } catch {
            self.encoder.writer.restore(state)
            throw error
        }
    }

    func encodeNil() throws { try self.write { $0.write(raw: "null") } }
    func encode(_ value: Bool) throws { try self.write { $0.write(value) } }
    func encode(_ value: String) throws { try self.write { $0.write(value) } }
    func encode(_ value: Double) throws { try self.write { try $0.write(value) } }
    func encode(_ value: Float) throws { try self.write { try $0.write(value) } }
    func encode(_ value: Int) throws { try self.write { $0.write(value) } }
    func encode(_ value: Int8) throws { try self.write { $0.write(value) } }
    func encode(_ value: Int16) throws { try self.write { $0.write(value) } }
    func encode(_ value: Int32) throws { try self.write { $0.write(value) } }
    func encode(_ value: Int64) throws { try self.write { $0.write(value) } }
    func encode(_ value: Int128) throws { try self.write { $0.write(value) } }
    func encode(_ value: UInt) throws { try self.write { $0.write(value) } }
    func encode(_ value: UInt8) throws { try self.write { $0.write(value) } }
    func encode(_ value: UInt16) throws { try self.write { $0.write(value) } }
    func encode(_ value: UInt32) throws { try self.write { $0.write(value) } }
    func encode(_ value: UInt64) throws { try self.write { $0.write(value) } }
    func encode(_ value: UInt128) throws { try self.write { $0.write(value) } }
    func encode<Value: Encodable>(_ value: Value) throws { try self.write { try $0.encode(value) } }

    func nestedContainer<NestedKey: CodingKey>(keyedBy type: NestedKey.Type) -> KeyedEncodingContainer<NestedKey> {
        self.nested().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { self.nested().unkeyedContainer() }

    func superEncoder() -> any Encoder { self.nested() }

    /// Returns what writes an element by and by.
    private func nested() -> JSONValueEncoder {
        guard self.encoder.isCurrent else {
            let writer = self.encoder.writer
            writer.fail("a container is asked for after its value was encoded, or within another value in it")
            return JSONWriter(path: self.codingPath, userInfo: writer.userInfo).encoder
        }
        return self.begin().insert().encoder
    }
}
