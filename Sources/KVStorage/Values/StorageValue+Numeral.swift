extension StorageValue {
    /// A number as JSON writes it, exact however many digits it has; equal to every other way to write it.
    public struct Numeral: Sendable, CustomStringConvertible {
        /// The number's text.
        public let text: String

        /// Creates a number from its text; `nil` if JSON writes none so.
        public init?(_ text: String) {
            guard let value = try? JSONStorageCodec().decode(StorageValue.self, from: Array(text.utf8)) else {
                return nil
            }
            switch value {
            case .integer, .unsigned, .number, .numeral:
                // Without the blanks that may surround a value.
                self.init(scanned: String(decoding: text.utf8.filter { $0 > UInt8(ascii: " ") }, as: UTF8.self))
            default: return nil
            }
        }

        init(scanned text: String) {
            self.text = text
        }

        /// The number's text.
        public var description: String { self.text }

        private var decimal: JSONDecimal { JSONDecimal(self.text.utf8) }
    }
}

extension StorageValue.Numeral: Hashable {
    /// Compares the numbers: `1e3` is `1000`.
    public static func == (left: Self, right: Self) -> Bool { left.decimal == right.decimal }

    /// Hashes the number.
    public func hash(into hasher: inout Hasher) { hasher.combine(self.decimal) }
}
