extension JSONWriter {
    /// Writes an array whose elements need no container.
    @inline(__always)
    func writeArray<Element>(_ array: [Element], _ body: (Element) throws -> Void) throws {
        let frame = self.frames.count
        self.push(.asEncoded)
        _ = self.begin(.array, in: frame, order: .asEncoded)
        try self.checkFailure()
        for element in array {
            if self.frames[frame].count > 0 { self.bytes.append(UInt8(ascii: ",")) }
            self.frames[frame].count += 1
            try body(element)
        }
        try self.close()
    }

    /// Writes any JSON value, the members of objects by their names.
    func write(_ value: StorageValue) throws {
        switch value {
        case .null: self.write(raw: "null")
        case .bool(let value): self.write(value)
        case .integer(let value): self.write(value)
        case .unsigned(let value): self.write(value)
        case .number(let value): try self.write(value)
        case .numeral(let value): self.write(raw: Array(value.text.utf8))
        case .string(let value): self.write(value)
        case .array(let value): try self.writeArray(value) { try self.write($0) }
        case .object(let members):
            let sorted = members.map { ($0.key, $0.value) }.sorted { keyPrecedes($0.0, $1.0) }
            let frame = self.frames.count
            self.push(.asEncoded)
            _ = self.begin(.object, in: frame, order: .asEncoded)
            try self.checkFailure()
            for (name, value) in sorted {
                _ = self.beginMember(name, in: frame, isUnique: true)
                try self.write(value)
            }
            try self.close()
        }
    }
}
