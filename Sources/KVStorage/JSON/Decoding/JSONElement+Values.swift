extension JSONElement {
    @inline(__always)
    var isNull: Bool { self.index == Self.absent || self.document.isNull(self.index) }

    func boolean() throws -> Bool {
        try self.checkPresence(Bool.self, "a boolean")
        return try self.document.boolean(self.index, self)
    }

    func string() throws -> String {
        try self.checkPresence(String.self, "a string")
        return try self.document.string(self.index, self)
    }

    func integer<Integer: FixedWidthInteger>(_ type: Integer.Type = Integer.self) throws -> Integer {
        try self.checkPresence(type, "a number")
        return try self.document.integer(self.index, self)
    }

    func double() throws -> Double {
        try self.checkPresence(Double.self, "a number")
        return try self.document.double(self.index, self)
    }

    func float() throws -> Float {
        try self.checkPresence(Float.self, "a number")
        return try self.document.float(self.index, self)
    }

    /// Calls the body with the text of a number.
    func withNumber<Result>(_ type: Any.Type, _ body: (UnsafeBufferPointer<UInt8>) -> Result) throws -> Result {
        guard self.index != Self.absent, self.document.isNumber(self.index) else {
            throw self.mismatch(type, "a number")
        }
        return self.document.withText(self.index, body)
    }

    @inline(__always)
    private func checkPresence(_ type: Any.Type, _ expected: String) throws {
        if self.index == Self.absent { throw self.mismatch(type, expected) }
    }

    /// Returns a value of any type; where JSON has a form of its own for the type, from that.
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        // Without an optional, whose metadata would be looked up for every type.
        if type == String.self { return sameType(try self.string(), type) }
        if type == Int.self { return sameType(try self.integer(Int.self), type) }
        if type == Double.self { return sameType(try self.double(), type) }
        if type == Bool.self { return sameType(try self.boolean(), type) }
        if type == StorageValue.self { return sameType(try self.storageValue(), type) }
        if type == [String].self { return sameType(try self.array { try $0.string() }, type) }
        if type == [Int].self { return sameType(try self.array { try $0.integer(Int.self) }, type) }
        if type == [Double].self { return sameType(try self.array { try $0.double() }, type) }
        if type == [UInt8].self { return sameType(try self.array { try $0.integer(UInt8.self) }, type) }
        if Self.isFoundation(type) { return try self.foundationValue(type) }
        return try Value(from: self)
    }

    @inline(__always)
    private func array<Item>(_ body: (JSONElement) throws -> Item) throws -> [Item] {
        var elements = try self.elements()
        var items: [Item] = []
        items.reserveCapacity(self.document.size(self.index))
        while let element = elements.next() { items.append(try body(element)) }
        return items
    }
}

extension JSONElement: SingleValueDecodingContainer {
    func decodeNil() -> Bool { self.isNull }
    func decode(_ type: Bool.Type) throws -> Bool { try self.boolean() }
    func decode(_ type: String.Type) throws -> String { try self.string() }
    func decode(_ type: Double.Type) throws -> Double { try self.double() }
    func decode(_ type: Float.Type) throws -> Float { try self.float() }
    func decode(_ type: Int.Type) throws -> Int { try self.integer() }
    func decode(_ type: Int8.Type) throws -> Int8 { try self.integer() }
    func decode(_ type: Int16.Type) throws -> Int16 { try self.integer() }
    func decode(_ type: Int32.Type) throws -> Int32 { try self.integer() }
    func decode(_ type: Int64.Type) throws -> Int64 { try self.integer() }
    func decode(_ type: Int128.Type) throws -> Int128 { try self.integer() }
    func decode(_ type: UInt.Type) throws -> UInt { try self.integer() }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try self.integer() }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try self.integer() }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try self.integer() }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try self.integer() }
    func decode(_ type: UInt128.Type) throws -> UInt128 { try self.integer() }
}
