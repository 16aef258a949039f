extension JSONWriter {
    /// Writes a value where one is due.
    func encode<Value: Encodable>(_ value: Value) throws {
        if try self.writeKnown(value) { return }
        try self.checkFailure()
        self.push(Self.order(of: Value.self))
        try value.encode(
            to: JSONValueEncoder(
                writer: self, frame: UInt32(self.frames.count - 1), serial: self.frames[self.frames.count - 1].serial))
        try self.close()
        try self.checkFailure()
    }

    /// Ends the innermost value.
    func close() throws {
        let frame = self.frames[self.frames.count - 1]
        if !self.inserts.isEmpty { try self.putInserts(of: frame) }
        switch frame.kind {
        // What encodes nothing is an empty object, as for every coder of Foundation.
        case .none: self.write(raw: "{}")
        case .single: break
        case .object:
            if frame.order == .names { self.sortParts(of: frame) }
            self.bytes.append(UInt8(ascii: "}"))
            self.depth -= 1
        case .array:
            if frame.order != .asEncoded { self.sortParts(of: frame) }
            self.bytes.append(UInt8(ascii: "]"))
            self.depth -= 1
        }
        self.parts.truncate(to: frame.firstPart)
        if !self.nameSets.isEmpty { self.nameSets[frame.serial] = nil }
        self.frames.truncate(to: self.frames.count - 1)
    }

    /// Begins an object or array in a frame, or goes on with it; `false` if the frame can take none.
    func begin(_ kind: Frame.Kind, in index: Int, order: Frame.Order) -> Bool {
        let frame = self.frames[index]
        if frame.kind == kind { return true }
        guard frame.kind == .none else {
            self.fail("the value is encoded as one of object, array and single value already")
            return false
        }
        self.depth += 1
        if self.depth > JSONDocument.maximumDepth {
            self.fail("the value is nested deeper than \(JSONDocument.maximumDepth) levels, which is the limit")
        }
        self.frames[index].kind = kind
        self.frames[index].order = order
        self.bytes.append(kind == .object ? UInt8(ascii: "{") : UInt8(ascii: "["))
        return true
    }

    /// Takes back what was written since, as it ended in an error: a type may encode something else instead.
    @inline(never)
    func restore(_ state: State) {
        self.bytes.truncate(to: state.bytes)
        self.frames.truncate(to: state.frames)
        self.parts.truncate(to: state.parts)
        self.depth = state.depth
        self.inserts.removeLast(self.inserts.count - state.inserts)
        self.frames[state.frames - 1].count = state.count
    }

    /// How far it has come.
    struct State {
        let bytes, frames, parts, inserts, depth, count: Int
    }

    var state: State {
        State(
            bytes: self.bytes.count, frames: self.frames.count, parts: self.parts.count,
            inserts: self.inserts.count, depth: self.depth,
            count: self.frames[self.frames.count - 1].count)
    }

    @inline(never)
    func fail(_ what: String) {
        if self.failure == nil { self.failure = self.invalid((), what) }
    }

    /// The error for a value that JSON can't express.
    @inline(never)
    func invalid(_ value: Any, _ what: String) -> EncodingError {
        .invalidValue(value, .init(codingPath: self.path(to: self.frames.count), debugDescription: what))
    }

    /// Returns the keys that lead to what is written in a frame, or with the count of all to what is due now.
    func path(to frame: Int) -> [any CodingKey] {
        var keys = self.basePath
        for index in 0..<min(frame, self.frames.count) {
            let frame = self.frames[index]
            let end = index + 1 < self.frames.count ? self.frames[index + 1].firstPart : self.parts.count
            switch frame.kind {
            case .object where end > frame.firstPart: keys.append(JSONKey(name: self.name(at: self.parts[end - 1])))
            case .array where frame.count > 0: keys.append(JSONKey(index: frame.count - 1))
            default: break
            }
        }
        return keys
    }
}
