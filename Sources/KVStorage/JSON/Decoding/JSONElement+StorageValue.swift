extension JSONElement {
    /// Returns any value, each number as what holds it exactly.
    func storageValue() throws -> StorageValue {
        switch self.firstByte {
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "t"): return .bool(true)
        case UInt8(ascii: "f"): return .bool(false)
        case UInt8(ascii: "\""): return .string(try self.string())
        case UInt8(ascii: "["):
            var elements = try self.elements()
            var array: [StorageValue] = []
            array.reserveCapacity(self.document.size(self.index))
            while let element = elements.next() { array.append(try element.storageValue()) }
            return .array(array)
        case UInt8(ascii: "{"): return .object(try self.storageMembers())
        default:
            let isPlain = !self.document.isFlagged(self.index)
            return self.document.withText(self.index) { Self.storageNumber($0, isPlain: isPlain) }
        }
    }

    private func storageMembers() throws -> [String: StorageValue] {
        let names = self.document.names(of: self.index)
        var members = [String: StorageValue](minimumCapacity: names.count)
        for name in names {
            let value = JSONElement(
                self.document, name + UInt32(JSONScanner.leafCount), in: self.index, ordinal: 0)
            members[self.document.string(name)] = try value.storageValue()
        }
        guard members.count == names.count else {
            throw self.corrupted("two names are canonically equivalent, of which a dictionary would lose one")
        }
        return members
    }

    private static func storageNumber(_ text: UnsafeBufferPointer<UInt8>, isPlain: Bool) -> StorageValue {
        // An integer has no negative zero.
        if isPlain, !text.elementsEqual("-0".utf8) {
            if let value = JSONNumber.integer(text, isPlain: true, as: Int64.self) { return .integer(value) }
            if let value = JSONNumber.integer(text, isPlain: true, as: UInt64.self) { return .unsigned(value) }
        }
        if let value = JSONNumber.double(text), Self.isExact(value, text) { return .number(value) }
        return .numeral(StorageValue.Numeral(scanned: String(decoding: text, as: UTF8.self)))
    }

    /// Whether a double that was read from a number is written as the same number.
    private static func isExact(_ value: Double, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        // Up to 15 digits always come back, as long as the exponent is not near to its limits.
        if text.count <= 16, !text.contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) { return true }
        return JSONDecimal(text) == JSONDecimal(value.description.utf8)
    }
}
