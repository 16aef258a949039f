/// Verifies a JSON text in one pass, and writes down where its values are.
///
/// The tape holds the values in the order of the text. A string, number or literal takes two words: where it begins, and its
/// length with a flag. An array or object takes ``Header/count`` words, and what is in it follows, in an object each name before its
/// value. No recursion: how deep a text is costs no stack.
struct JSONScanner: ~Copyable {
    /// The words of an array or object on the tape.
    enum Header {
        /// Where it begins in the text.
        static let start = 0
        /// Where the tape goes on behind it; while it is scanned, which hashes of names were seen.
        static let next = 1
        /// How many elements or members it has, and ``JSONScanner/flag`` if names may be there twice.
        static let size = 2
        /// The array or object that it is in.
        static let parent = 3
        /// Its index, if that is an array.
        static let ordinal = 4
        /// While it is scanned, as ``next``; then where the next member is expected.
        static let cursor = 5
        static let count = 6
    }

    /// The words of everything else.
    static let leafCount = 2
    /// On a string: there are escapes. On a number: there is a fraction or an exponent.
    static let flag: UInt32 = 1 << 31
    /// What is in nothing.
    static let none = UInt32.max
    /// From how many members on they are found by a table.
    static let smallObject: UInt32 = 32

    let bytes: UnsafePointer<UInt8>
    let count: Int
    var position = 0
    var tape: JSONBuffer<UInt32>
    private var depth = 0

    private init(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        self.bytes = bytes
        self.count = count
        // What fits 1 KiB is allocated and freed quickly, and is enough for a small value.
        self.tape = JSONBuffer(capacity: max(count / 4, 240))
    }

    /// Returns the tape of a whole text.
    static func tape(of bytes: [UInt8]) throws(JSONFailure) -> JSONBuffer<UInt32> {
        // Positions and the tape's indices, up to two words for a byte, are 32 bits wide.
        guard bytes.count <= 1 << 30 else { throw JSONFailure.sizeLimit }
        var tape: JSONBuffer<UInt32>?
        try bytes.withUnsafeBufferPointer { bytes throws(JSONFailure) in
            guard let base = bytes.baseAddress else { return }
            var scanner = JSONScanner(base, bytes.count)
            try scanner.scan()
            tape = scanner.finish()
        }
        guard let tape = tape.take() else { throw JSONFailure(.syntax("it is empty", offset: 0)) }
        return tape
    }

    private consuming func finish() -> JSONBuffer<UInt32> { self.tape }

    private mutating func scan() throws(JSONFailure) {
        var container = Self.none
        var isObject = false
        self.skipBlanks()
        guard self.position < self.count else { throw self.unexpected("it is empty") }
        while true {
            // Here a value begins.
            guard self.position < self.count else { throw self.ended() }
            if container != Self.none && !isObject { self.tape[Int(container) + Header.size] += 1 }
            self.tape.reserve(Header.count)
            let byte = self.bytes[self.position]
            switch byte {
            case UInt8(ascii: "\""): try self.scanString()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                try self.open(&container)
                isObject = byte == UInt8(ascii: "{")
                self.skipBlanks()
                // An empty one is closed below.
                if self.position < self.count, self.bytes[self.position] != byte + 2 {
                    if isObject { try self.scanName(container) }
                    continue
                }
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): try self.scanNumber()
            case UInt8(ascii: "t"): try self.scanLiteral("true")
            case UInt8(ascii: "f"): try self.scanLiteral("false")
            case UInt8(ascii: "n"): try self.scanLiteral("null")
            default: throw self.noValue()
            }
            // Here a value has ended, and with it perhaps what it is in.
            while true {
                self.skipBlanks()
                if container == Self.none {
                    guard self.position == self.count else { throw self.unexpected("something follows the value") }
                    return
                }
                guard self.position < self.count else { throw self.ended() }
                let byte = self.bytes[self.position]
                if byte == UInt8(ascii: ",") {
                    self.position += 1
                    self.skipBlanks()
                    if isObject { try self.scanName(container) }
                    break
                }
                guard byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                    throw self.unexpected(
                        isObject ? "no comma and no end of an object" : "no comma and no end of an array")
                }
                self.position += 1
                self.close(&container)
                isObject =
                    container != Self.none && self.bytes[Int(self.tape[Int(container)])] == UInt8(ascii: "{")
            }
        }
    }

    private mutating func open(_ container: inout UInt32) throws(JSONFailure) {
        self.depth += 1
        guard self.depth <= JSONDocument.maximumDepth else { throw JSONFailure.depthLimit }
        let index = UInt32(self.tape.count)
        self.tape.appendReserved(UInt32(self.position))
        self.tape.appendReserved(0)
        self.tape.appendReserved(0)
        self.tape.appendReserved(container)
        // In an object the name stands before the value, and this says nothing.
        self.tape.appendReserved(
            container == Self.none ? 0 : (self.tape[Int(container) + Header.size] & ~Self.flag) &- 1)
        self.tape.appendReserved(0)
        container = index
        self.position += 1
    }

    private mutating func close(_ container: inout UInt32) {
        let index = Int(container)
        self.tape[index + Header.next] = UInt32(self.tape.count)
        self.tape[index + Header.cursor] = container + UInt32(Header.count)
        container = self.tape[index + Header.parent]
        self.depth -= 1
    }

    @inline(__always)
    mutating func skipBlanks() {
        // Nearly always there is none.
        if self.position < self.count, self.bytes[self.position] <= UInt8(ascii: " ") { self.skipSomeBlanks() }
    }

    @inline(never)
    private mutating func skipSomeBlanks() {
        while self.position < self.count {
            switch self.bytes[self.position] {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): self.position += 1
            default: return
            }
        }
    }

    private mutating func scanLiteral(_ literal: StaticString) throws(JSONFailure) {
        let length = literal.utf8CodeUnitCount
        guard self.count - self.position >= length,
            compareBytes(
                UnsafeRawBufferPointer(start: self.bytes + self.position, count: length),
                UnsafeRawBufferPointer(start: literal.utf8Start, count: length)) == 0
        else { throw self.unexpected("no value") }
        self.tape.appendReserved(UInt32(self.position))
        self.tape.appendReserved(UInt32(length))
        self.position += length
    }
}

extension JSONScanner {
    @inline(never)
    func ended() -> JSONFailure { JSONFailure(.syntax("it ends early", offset: self.count)) }

    @inline(never)
    func unexpected(_ what: String, at offset: Int? = nil) -> JSONFailure {
        JSONFailure(.syntax(what, offset: offset ?? self.position))
    }

    @inline(never)
    private func noValue() -> JSONFailure {
        let start = UnsafeBufferPointer(start: self.bytes, count: min(self.count, 3))
        let isMarked =
            self.position == 0
            && (start.starts(with: [0xEF, 0xBB, 0xBF]) || start.starts(with: [0xFF, 0xFE])
                || start.starts(with: [0xFE, 0xFF]))
        return self.unexpected(isMarked ? "a byte order mark, which UTF-8 needs none of" : "no value")
    }
}
