/// Where a value is written, as the encoder of its type.
///
/// Two words, so that it fits in an existential without an allocation.
struct JSONValueEncoder {
    let writer: JSONWriter
    let frame: UInt32
    /// The frame's serial: the frame may have ended, and another be in its place.
    let serial: UInt32

    /// Whether the frame is the innermost one, and no other value is being written in it.
    @inline(__always)
    var isCurrent: Bool {
        Int(self.frame) == self.writer.frames.count - 1 && self.writer.frames[Int(self.frame)].serial == self.serial
            && !self.writer.isFinished
    }

    @inline(__always)
    func check() throws {
        guard self.isCurrent else { throw self.ended() }
        try self.writer.checkFailure()
    }

    @inline(never)
    private func ended() -> EncodingError {
        .invalidValue(
            (),
            .init(
                codingPath: self.codingPath,
                debugDescription: "its encoder is used after the value was encoded, or within another value in it"))
    }

    /// What writes nowhere: for a container that can't be had, which fails the whole encoding.
    private func nowhere(_ failure: EncodingError?) -> JSONValueEncoder {
        if let failure, self.writer.failure == nil { self.writer.failure = failure }
        return JSONWriter(path: self.codingPath, userInfo: self.writer.userInfo).encoder
    }

    /// Begins an array or object, and returns what writes into it.
    func begin(_ kind: JSONWriter.Frame.Kind, _ order: JSONWriter.Frame.Order) -> JSONValueEncoder {
        guard self.isCurrent else { return self.nowhere(self.ended()).begin(kind, order) }
        guard self.writer.begin(kind, in: Int(self.frame), order: order) else {
            return self.nowhere(nil).begin(kind, order)
        }
        return self
    }
}

extension JSONValueEncoder: Encoder {
    var codingPath: [any CodingKey] { self.writer.path(to: Int(self.frame)) }

    var userInfo: [CodingUserInfoKey: Any] { self.writer.userInfo }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        let encoder = self.begin(.object, JSONDictionaryKey.isKey(type) ? .names : .asEncoded)
        return KeyedEncodingContainer(JSONKeyedEncoding(encoder: encoder))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        let order = self.isCurrent ? self.writer.frames[Int(self.frame)].order : .asEncoded
        return JSONUnkeyedEncoding(encoder: self.begin(.array, order))
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }
}

extension JSONValueEncoder: SingleValueEncodingContainer {
    /// Writes the only value of a frame.
    @inline(__always)
    private func single(_ body: () throws -> Void) throws {
        try self.check()
        let index = Int(self.frame)
        guard self.writer.frames[index].kind == .none else {
            throw self.writer.invalid((), "the value is encoded already")
        }
        let state = self.writer.state
        do { try body() } catch {
            self.writer.restore(state)
            throw error
        }
        self.writer.frames[index].kind = .single
    }

    func encodeNil() throws { try self.single { self.writer.write(raw: "null") } }
    func encode(_ value: Bool) throws { try self.single { self.writer.write(value) } }
    func encode(_ value: String) throws { try self.single { self.writer.write(value) } }
    func encode(_ value: Double) throws { try self.single { try self.writer.write(value) } }
    func encode(_ value: Float) throws { try self.single { try self.writer.write(value) } }
    func encode(_ value: Int) throws { try self.single { self.writer.write(value) } }
    func encode(_ value: Int8) throws { try self.single { self.writer.write(value) } }
    func encode(_ value: Int16) throws { try self.single { self.writer.write(value) } }
    func encode(_ value: Int32) throws { try self.single { self.writer.write(value) } }
    func encode(_ value: Int64) throws { try self.single { self.writer.write(value) } }
    func encode(_ value: Int128) throws { try self.single { self.writer.write(value) } }
    func encode(_ value: UInt) throws { try self.single { self.writer.write(value) } }
    func encode(_ value: UInt8) throws { try self.single { self.writer.write(value) } }
    func encode(_ value: UInt16) throws { try self.single { self.writer.write(value) } }
    func encode(_ value: UInt32) throws { try self.single { self.writer.write(value) } }
    func encode(_ value: UInt64) throws { try self.single { self.writer.write(value) } }
    func encode(_ value: UInt128) throws { try self.single { self.writer.write(value) } }
    func encode<Value: Encodable>(_ value: Value) throws { try self.single { try self.writer.encode(value) } }
}
