/// Encodes commands into the bytes that go out, as arrays of bulk strings (RESP2).
struct CommandWriter {
    var bytes: [UInt8] = []

    /// Starts a command of so many words, its name included.
    mutating func begin(_ count: Int) {
        self.header(UInt8(ascii: "*"), count)
    }

    /// Appends what stands in the code in its encoded form.
    mutating func encoded(_ text: StaticString) {
        text.withUTF8Buffer { self.bytes.append(contentsOf: UnsafeRawBufferPointer($0)) }
    }

    /// The commands that were written, each by itself.
    var commands: [ArraySlice<UInt8>] {
        var commands: [ArraySlice<UInt8>] = []
        var rest = self.bytes[...]
        while !rest.isEmpty {
            let start = rest.startIndex
            for _ in 0..<Self.takeHeader(from: &rest) {
                let count = Self.takeHeader(from: &rest)
                rest = rest.dropFirst(count + 2)
            }
            commands.append(self.bytes[start..<rest.startIndex])
        }
        return commands
    }

    /// Returns the words of a command.
    static func words(of command: ArraySlice<UInt8>) -> [[UInt8]] {
        var rest = command
        return (0..<self.takeHeader(from: &rest)).map { _ in
            let count = self.takeHeader(from: &rest)
            defer { rest = rest.dropFirst(count + 2) }
            return Array(rest.prefix(count))
        }
    }

    /// Takes a kind, a count and the end of the line, and returns the count.
    private static func takeHeader(from bytes: inout ArraySlice<UInt8>) -> Int {
        var count = 0
        _ = bytes.popFirst()
        while let byte = bytes.popFirst(), byte != UInt8(ascii: "\r") {
            count = count * 10 + Int(byte - UInt8(ascii: "0"))
        }
        _ = bytes.popFirst()
        return count
    }

    mutating func word(_ text: StaticString) {
        text.withUTF8Buffer { self.word(UnsafeRawBufferPointer($0)) }
    }

    mutating func word(_ text: String) {
        var text = text
        text.withUTF8 { self.word(UnsafeRawBufferPointer($0)) }
    }

    mutating func word(_ value: [UInt8]) {
        value.withUnsafeBytes { self.word($0) }
    }

    /// Appends two parts and an optional ending as one word.
    mutating func word(_ prefix: [UInt8], _ key: String, ending: UInt8? = nil) {
        var key = key
        key.withUTF8 { key in
            self.header(UInt8(ascii: "$"), prefix.count + key.count + (ending == nil ? 0 : 1))
            self.bytes.append(contentsOf: prefix)
            self.bytes.append(contentsOf: UnsafeRawBufferPointer(key))
            if let ending { self.bytes.append(ending) }
            self.endLine()
        }
    }

    mutating func word(_ number: Int64) {
        var text = Digits(number.magnitude)
        let sign = number < 0 ? 1 : 0
        self.header(UInt8(ascii: "$"), text.count + sign)
        if number < 0 { self.bytes.append(UInt8(ascii: "-")) }
        text.append(to: &self.bytes)
        self.endLine()
    }

    private mutating func word(_ content: UnsafeRawBufferPointer) {
        self.header(UInt8(ascii: "$"), content.count)
        self.bytes.append(contentsOf: content)
        self.endLine()
    }

    private mutating func header(_ kind: UInt8, _ count: Int) {
        self.bytes.append(kind)
        if count < 10 {
            self.bytes.append(UInt8(ascii: "0") + UInt8(count))
        } else {
            var text = Digits(UInt64(count))
            text.append(to: &self.bytes)
        }
        self.endLine()
    }

    private mutating func endLine() {
        self.bytes.append(UInt8(ascii: "\r"))
        self.bytes.append(UInt8(ascii: "\n"))
    }
}

/// The decimal digits of a number, made without a string.
private struct Digits {
    private var rest: UInt64
    private var divisor: UInt64 = 1
    private(set) var count = 1

    init(_ number: UInt64) {
        self.rest = number
        while number / self.divisor >= 10 {
            self.divisor *= 10
            self.count += 1
        }
    }

    mutating func append(to bytes: inout [UInt8]) {
        while self.divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(self.rest / self.divisor))
            self.rest %= self.divisor
            self.divisor /= 10
        }
    }
}
