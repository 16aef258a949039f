import HTTPTypes

/// Finds a cookie's values in request fields, on bytes, in one pass (RFC 6265bis §5.6 and §4.2.1).
///
/// Servers have to take several `Cookie` fields, as HTTP/2 and HTTP/3 split them, and must not rely on the order of
/// duplicates: every value of that name is handed out, and who asks decides.
struct CookieReader: Sendable {
    private static let fieldName = "cookie"
    private let name: [UInt8]

    init(name: String) {
        self.name = Array(name.utf8)
    }

    /// Calls `body` for each value of the cookie until it answers `false`. Names are compared byte for byte (A05); what has no
    /// `=` right behind the name is skipped.
    ///
    /// A33: quotes are part of the value, as RFC 6265bis §4.1.1 says, and no value of ours has any: what is sent to a client
    /// comes back as it was. Only the blanks around a whole pair are none of its own.
    func forEachValue(in fields: HTTPFields, _ body: (UnsafeRawBufferPointer) -> Bool) {
        // By the index: an iterator counts references to the strings of every field.
        for index in fields.indices where fields[index].name.canonicalName == Self.fieldName {
            let goesOn = fields[index].withUnsafeBytesOfValue { self.scan(UnsafeRawBufferPointer($0), body) }
            guard goesOn else { return }
        }
    }

    /// Scans one field's value; `false` if `body` wanted no more.
    func scan(_ text: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Bool) -> Bool {
        var start = 0
        while start < text.count {
            var end = start
            while end < text.count, text[end] != UInt8(ascii: ";") { end += 1 }
            if let value = self.value(of: Self.trim(text, start, end), in: text), !body(value) { return false }
            start = end + 1
        }
        return true
    }

    /// Returns what follows the name and its `=`, or `nil` if the pair is another cookie's.
    private func value(of pair: Range<Int>, in text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard pair.count > self.name.count else { return nil }
        for (offset, byte) in self.name.enumerated() where text[pair.lowerBound + offset] != byte { return nil }
        let equals = pair.lowerBound + self.name.count
        guard text[equals] == UInt8(ascii: "=") else { return nil }
        return UnsafeRawBufferPointer(rebasing: text[(equals + 1)..<pair.upperBound])
    }

    private static func trim(_ text: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Range<Int> {
        var start = start
        var end = end
        while start < end, self.isBlank(text[start]) { start += 1 }
        while start < end, self.isBlank(text[end - 1]) { end -= 1 }
        return start..<end
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }
}
