/// A JSON text that has been scanned, with its tape; what all decoders and containers of one decoding refer to.
final class JSONDocument {
    /// How deep arrays and objects may be nested, read and written alike.
    static let maximumDepth = 512

    private let bytes: [UInt8]
    let userInfo: [CodingUserInfoKey: any Sendable]
    // None of these is changed while another of this class' functions reads it: a decoding stays in one task, and no
    // function holds on to them while a type's own code runs. The checks for that cost as much as the decoding itself.
    @exclusivity(unchecked) var tape: JSONBuffer<UInt32>
    @exclusivity(unchecked) var rarities: Rarities?

    /// What few texts need.
    struct Rarities {
        /// The members of large objects.
        var tables: [UInt32: JSONMemberTable] = [:]
        /// The keys of what is absent and was asked a decoder for.
        var absentKeys: [any CodingKey] = []
    }

    private init(_ bytes: [UInt8], userInfo: [CodingUserInfoKey: any Sendable]) throws(JSONFailure) {
        self.bytes = bytes
        self.userInfo = userInfo
        self.tape = try JSONScanner.tape(of: bytes)
    }

    /// Returns the value that a text stands for.
    static func decode<Value: Decodable>(
        _ type: Value.Type,
        from bytes: [UInt8],
        userInfo: [CodingUserInfoKey: any Sendable]
    ) throws -> Value {
        try JSONElement(self.scan(bytes, userInfo: userInfo)).decode(type)
    }

    private static func scan(
        _ bytes: [UInt8],
        userInfo: [CodingUserInfoKey: any Sendable]
    ) throws -> JSONDocument {
        do {
            return try JSONDocument(bytes, userInfo: userInfo)
        } catch {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "\(error)", underlyingError: error))
        }
    }
}

extension JSONDocument {
    /// The first byte of a value, which says what it is.
    @inline(__always)
    func firstByte(_ index: UInt32) -> UInt8 { self.bytes[Int(self.tape[Int(index)])] }

    /// Where the tape goes on behind a value.
    @inline(__always)
    func next(_ index: UInt32) -> UInt32 {
        let byte = self.firstByte(index)
        return byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[")
            ? self.tape[Int(index) + JSONScanner.Header.next] : index + UInt32(JSONScanner.leafCount)
    }

    /// How many elements or members an array or object has, those counted twice that are there twice.
    @inline(__always)
    func size(_ index: UInt32) -> Int { Int(self.tape[Int(index) + JSONScanner.Header.size] & ~JSONScanner.flag) }

    /// Calls the body with the text of a number or literal.
    @inline(__always)
    func withText<Result>(_ index: UInt32, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        self.withBytes(from: Int(self.tape[Int(index)]), self.length(index), body)
    }

    /// Calls the body with what stands between the quotes of a string or name, escapes as they are.
    @inline(__always)
    func withRawString<Result>(_ index: UInt32, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        self.withBytes(from: Int(self.tape[Int(index)]) + 1, self.length(index), body)
    }

    @inline(__always)
    private func withBytes<Result>(
        from start: Int,
        _ count: Int,
        _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result {
        self.bytes.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[start..<(start + count)])) }
    }

    @inline(__always)
    private func length(_ index: UInt32) -> Int { Int(self.tape[Int(index) + 1] & ~JSONScanner.flag) }

    /// Whether a string has escapes, or a number a fraction or an exponent.
    @inline(__always)
    func isFlagged(_ index: UInt32) -> Bool { self.tape[Int(index) + 1] & JSONScanner.flag != 0 }

    /// Returns a string or a name.
    @inline(__always)
    func string(_ index: UInt32) -> String {
        let isEscaped = self.isFlagged(index)
        return self.withRawString(index) { text in
            isEscaped ? JSONText.unescaped(text) : String(decoding: text, as: UTF8.self)
        }
    }
}
