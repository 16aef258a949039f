extension StorageError {
    /// Throws ``Code/invalidOption`` with the message unless the condition is met.
    package static func require(
        _ isMet: Bool,
        _ message: @autoclosure () -> String
    ) throws(StorageError) {
        guard isMet else { throw StorageError(.invalidOption, message()) }
    }

    /// Throws ``Code/invalidOption`` unless an option's value can name a table or database of any engine: 1 to 64 letters,
    /// digits and underscores of ASCII, no digit in front.
    package static func requireIdentifier(_ name: String, option: String) throws(StorageError) {
        let isWord = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        let startsWithDigit = name.utf8.first.map { $0 <= UInt8(ascii: "9") } ?? true
        try Self.require(
            isWord && !startsWithDigit && name.utf8.count <= 64,
            "a \(option) consists of 1 to 64 ASCII letters, digits and underscores, no digit in front"
        )
    }
}
