/// Returns the value as the type that it is known to be; a cast costs more than to read or write it.
@inline(__always)
func sameType<Value, Known>(_ value: Value, _ type: Known.Type) -> Known {
    // Only for the type that the caller has compared: of equal types the bits are equal.
    unsafeBitCast(value, to: type)
}

/// Single values in their usual form: `12`, `true`, `"text"`, `[1,2,3]`.
///
/// `nil` for every other type and form, which goes the long way.
enum JSONFastPath {
    @inline(__always)
    static func encode<Value: Encodable>(_ value: Value) -> [UInt8]? {
        if Value.self == Int.self { return Array(String(sameType(value, Int.self)).utf8) }
        if Value.self == Bool.self { return Array((sameType(value, Bool.self) ? "true" : "false").utf8) }
        if Value.self == String.self { return self.string(sameType(value, String.self)) }
        if Value.self == [UInt8].self { return self.bytes(sameType(value, [UInt8].self)) }
        return nil
    }

    private static func string(_ text: String) -> [UInt8]? {
        guard text.utf8.allSatisfy(Self.isPlain) else { return nil }
        return [UInt8(ascii: "\"")] + text.utf8 + [UInt8(ascii: "\"")]
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private static func bytes(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 4 + 2)
        text.append(UInt8(ascii: "["))
        for (index, byte) in bytes.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            if byte >= 100 { text.append(UInt8(ascii: "0") + byte / 100) }
            if byte >= 10 { text.append(UInt8(ascii: "0") + byte / 10 % 10) }
            text.append(UInt8(ascii: "0") + byte % 10)
        }
        text.append(UInt8(ascii: "]"))
        return text
    }

    static func integer(_ text: [UInt8]) -> Int? {
        let digits = text.first == UInt8(ascii: "-") ? text.dropFirst() : text[...]
        guard 1...18 ~= digits.count, digits.first != UInt8(ascii: "0") || text.count == 1 else { return nil }
        var sum = 0
        for byte in digits {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else { return nil }
            sum = sum * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return digits.startIndex == 0 ? sum : -sum
    }

    static func boolean(_ text: [UInt8]) -> Bool? {
        text.elementsEqual("true".utf8) ? true : text.elementsEqual("false".utf8) ? false : nil
    }

    static func string(_ text: [UInt8]) -> String? {
        guard text.count >= 2, text.first == UInt8(ascii: "\""), text.last == UInt8(ascii: "\"") else { return nil }
        let inner = text[1..<(text.count - 1)]
        return inner.allSatisfy(Self.isPlain) ? String(decoding: inner, as: UTF8.self) : nil
    }

    static func bytes(_ text: [UInt8]) -> [UInt8]? {
        guard text.count > 2, text.first == UInt8(ascii: "[") else { return text.elementsEqual("[]".utf8) ? [] : nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        var (value, digits) = (0, 0)
        for index in 1..<text.count {
            let byte = text[index]
            if UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte {
                // No digit follows a leading 0.
                guard digits < 3, digits == 0 || value > 0 else { return nil }
                value = value * 10 + Int(byte - UInt8(ascii: "0"))
                digits += 1
                continue
            }
            let end = index == text.count - 1 ? UInt8(ascii: "]") : UInt8(ascii: ",")
            guard byte == end, digits > 0, let element = UInt8(exactly: value) else { return nil }
            bytes.append(element)
            (value, digits) = (0, 0)
        }
        return text.last == UInt8(ascii: "]") ? bytes : nil
    }
}
