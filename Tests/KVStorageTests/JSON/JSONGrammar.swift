/// Whether a text is JSON, straight from the grammar of RFC 8259: slow and plain, to compare with.
struct JSONGrammar {
    private var rest: ArraySlice<UInt8>

    static func accepts(_ bytes: [UInt8]) -> Bool {
        guard String(validating: bytes, as: UTF8.self) != nil else { return false }
        var grammar = JSONGrammar(rest: bytes[...])
        return grammar.value() && grammar.rest.isEmpty
    }

    private mutating func take(_ text: String) -> Bool {
        guard self.rest.starts(with: text.utf8) else { return false }
        self.rest = self.rest.dropFirst(text.utf8.count)
        return true
    }

    private mutating func blanks() { self.rest = self.rest.drop { " \n\r\t".utf8.contains($0) } }

    private mutating func value() -> Bool {
        self.blanks()
        defer { self.blanks() }
        if self.take("{") {
            self.blanks()
            if self.take("}") { return true }
            repeat {
                self.blanks()
                guard self.string() else { return false }
                self.blanks()
                guard self.take(":"), self.value() else { return false }
            } while self.take(",")
            return self.take("}")
        }
        if self.take("[") {
            self.blanks()
            if self.take("]") { return true }
            repeat { guard self.value() else { return false } } while self.take(",")
            return self.take("]")
        }
        return self.take("true") || self.take("false") || self.take("null") || self.string() || self.number()
    }

    private mutating func digits() -> Bool {
        let digits = self.rest.prefix { "0123456789".utf8.contains($0) }
        self.rest = self.rest.dropFirst(digits.count)
        return !digits.isEmpty
    }

    private mutating func number() -> Bool {
        _ = self.take("-")
        guard self.take("0") || self.digits() else { return false }
        if self.take("."), !self.digits() { return false }
        guard self.take("e") || self.take("E") else { return true }
        _ = self.take("+") || self.take("-")
        return self.digits()
    }

    private mutating func string() -> Bool {
        guard self.take("\"") else { return false }
        while let byte = self.rest.popFirst() {
            if byte == UInt8(ascii: "\"") { return true }
            guard byte >= 0x20 else { return false }
            guard byte == UInt8(ascii: "\\") else { continue }
            guard let escape = self.rest.popFirst() else { return false }
            if "\"\\/bfnrt".utf8.contains(escape) { continue }
            guard escape == UInt8(ascii: "u"), let unit = self.codeUnit(), !(0xDC00...0xDFFF).contains(unit) else {
                return false
            }
            guard (0xD800...0xDBFF).contains(unit) else { continue }
            guard self.take("\\u"), let low = self.codeUnit(), (0xDC00...0xDFFF).contains(low) else { return false }
        }
        return false
    }

    private mutating func codeUnit() -> UInt16? {
        let digits = self.rest.prefix(4)
        self.rest = self.rest.dropFirst(4)
        guard digits.count == 4, digits.allSatisfy({ "0123456789abcdefABCDEF".utf8.contains($0) }) else { return nil }
        return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}
