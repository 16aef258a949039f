extension JSONKeyedDecoding {
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool {
        let index = try self.index(key)
        return try self.object.document.boolean(index, self.element(index))
    }

    func decode(_ type: String.Type, forKey key: Key) throws -> String {
        let index = try self.index(key)
        return try self.object.document.string(index, self.element(index))
    }

    func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
        let index = try self.index(key)
        return try self.object.document.double(index, self.element(index))
    }

    func decode(_ type: Float.Type, forKey key: Key) throws -> Float {
        let index = try self.index(key)
        return try self.object.document.float(index, self.element(index))
    }

    func decode(_ type: Int.Type, forKey key: Key) throws -> Int {
        let index = try self.index(key)
        return try self.object.document.integer(index, self.element(index))
    }

    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 {
        let index = try self.index(key)
        return try self.object.document.integer(index, self.element(index))
    }

    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 {
        let index = try self.index(key)
        return try self.object.document.integer(index, self.element(index))
    }

    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 {
        let index = try self.index(key)
        return try self.object.document.integer(index, self.element(index))
    }

    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 {
        let index = try self.index(key)
        return try self.object.document.integer(index, self.element(index))
    }

    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 {
        let index = try self.index(key)
        return try self.object.document.integer(index, self.element(index))
    }

    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt {
        let index = try self.index(key)
        return try self.object.document.integer(index, self.element(index))
    }

    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 {
        let index = try self.index(key)
        return try self.object.document.integer(index, self.element(index))
    }

    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 {
        let index = try self.index(key)
        return try self.object.document.integer(index, self.element(index))
    }

    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 {
        let index = try self.index(key)
        return try self.object.document.integer(index, self.element(index))
    }

    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 {
        let index = try self.index(key)
        return try self.object.document.integer(index, self.element(index))
    }

    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 {
        let index = try self.index(key)
        return try self.object.document.integer(index, self.element(index))
    }
}
