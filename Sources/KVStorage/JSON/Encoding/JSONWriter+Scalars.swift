extension JSONWriter {
    /// Writes a value whose type needs no container, and returns whether it is one.
    @inline(__always)
    func writeKnown<Value: Encodable>(_ value: Value) throws -> Bool {
        if Value.self == String.self {
            self.write(sameType(value, String.self))
        } else if Value.self == Int.self {
            self.write(sameType(value, Int.self))
        } else if Value.self == Double.self {
            try self.write(sameType(value, Double.self))
        } else if Value.self == Bool.self {
            self.write(sameType(value, Bool.self))
        } else if Value.self == StorageValue.self {
            try self.write(sameType(value, StorageValue.self))
        } else if Value.self == [String].self {
            try self.writeArray(sameType(value, [String].self)) { self.write($0) }
        } else if Value.self == [Int].self {
            try self.writeArray(sameType(value, [Int].self)) { self.write($0) }
        } else if Value.self == [Double].self {
            try self.writeArray(sameType(value, [Double].self)) { try self.write($0) }
        } else if Value.self == [UInt8].self {
            try self.writeArray(sameType(value, [UInt8].self)) { self.write($0) }
        } else {
            return try self.writeFoundation(value)
        }
        return true
    }

    func write(raw bytes: [UInt8]) { bytes.withUnsafeBufferPointer { self.bytes.append($0) } }

    func write(raw text: StaticString) {
        self.bytes.append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    func write(_ value: Bool) { self.write(raw: value ? "true" : "false") }

    @inline(__always)
    func write(_ value: some FixedWidthInteger) {
        guard let small = UInt64(exactly: value.magnitude) else { return self.write(raw: Array("\(value)".utf8)) }
        self.bytes.reserve(20)
        if value < 0 { self.bytes.appendReserved(UInt8(ascii: "-")) }
        if small < 10 {
            self.bytes.appendReserved(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: small))
        } else {
            self.write(digits: small)
        }
    }

    private func write(digits number: UInt64) {
        var count = 1
        var rest = number
        while rest >= 10 {
            rest /= 10
            count += 1
        }
        self.bytes.open(at: self.bytes.count, count: count)
        rest = number
        for offset in 1...count {
            self.bytes[self.bytes.count - offset] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    /// Writes a number with the fewest digits that read back as the same.
    func write(_ value: Double) throws {
        guard value.isFinite else { throw self.invalid(value, "JSON has no NaN and no infinity") }
        self.write(number: value.description)
    }

    func write(_ value: Float) throws {
        guard value.isFinite else { throw self.invalid(value, "JSON has no NaN and no infinity") }
        self.write(number: value.description)
    }

    private func write(number text: String) {
        var text = text
        text.withUTF8 { self.bytes.append($0) }
    }

    /// Writes a string or a name in quotes.
    @inline(__always)
    func write(_ value: String) {
        var value = value
        value.withUTF8 { self.write(text: $0) }
    }

    private func write(text: UnsafeBufferPointer<UInt8>) {
        self.bytes.reserve(text.count + 2)
        self.bytes.appendReserved(UInt8(ascii: "\""))
        var start = 0
        var index = 0
        let base = UnsafeRawPointer(text.baseAddress ?? UnsafePointer(self.bytes.base))
        while index < text.count {
            if index + 8 <= text.count {
                let word = (base + index).loadUnaligned(as: UInt64.self)
                // Text above ASCII is marked too, and goes on as it is.
                let special = JSONScanner.special(UInt64(littleEndian: word))
                if special == 0 {
                    index += 8
                    continue
                }
                index += special.trailingZeroBitCount >> 3
            }
            let byte = text[index]
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                self.bytes.append(UnsafeBufferPointer(rebasing: text[start..<index]))
                self.write(escaped: byte)
                start = index + 1
            }
            index += 1
        }
        self.bytes.append(UnsafeBufferPointer(rebasing: text[start...]))
        self.bytes.append(UInt8(ascii: "\""))
    }

    @inline(never)
    private func write(escaped byte: UInt8) {
        self.bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: self.bytes.append(UInt8(ascii: "b"))
        case 0x09: self.bytes.append(UInt8(ascii: "t"))
        case 0x0A: self.bytes.append(UInt8(ascii: "n"))
        case 0x0C: self.bytes.append(UInt8(ascii: "f"))
        case 0x0D: self.bytes.append(UInt8(ascii: "r"))
        case ..<0x20:
            self.write(raw: "u00")
            self.bytes.append(byte < 0x10 ? UInt8(ascii: "0") : UInt8(ascii: "1"))
            let digit = byte & 15
            self.bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
        default: self.bytes.append(byte)
        }
    }
}
