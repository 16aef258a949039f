/// How a counter stands in storage: decimal ASCII digits with an optional minus sign, as JSON and Redis write it.
package enum StoredInteger {
    /// Returns the sum and its stored form; absent counts as 0.
    package static func increment(
        _ stored: [UInt8]?,
        by amount: Int,
        key: String
    ) throws(StorageError) -> (sum: Int, bytes: [UInt8]) {
        var current = 0
        if let stored {
            guard let parsed = Self.parse(stored) else {
                throw StorageError(
                    .decoding,
                    "the item is not a decimal integer, so it can't be incremented; set it to one first",
                    key: key
                )
            }
            current = parsed
        }
        let (sum, overflow) = current.addingReportingOverflow(amount)
        guard !overflow else {
            throw StorageError(
                .overflow, "incrementing by \(amount) would leave the range of a 64-bit integer", key: key)
        }
        return (sum, Array(String(sum).utf8))
    }

    /// Returns the number, or `nil` for anything that would be written otherwise: `+5`, `007`, `-0`.
    private static func parse(_ bytes: [UInt8]) -> Int? {
        let digits = bytes.first == UInt8(ascii: "-") ? bytes.dropFirst() : bytes[...]
        guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        guard digits.first != UInt8(ascii: "0") || bytes.count == 1 else { return nil }
        return Int(String(decoding: bytes, as: UTF8.self))
    }
}
