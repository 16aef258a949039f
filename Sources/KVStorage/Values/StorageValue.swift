/// Any JSON value, for items whose shape is not known when the program is compiled.
///
/// Reading a ``StorageValue`` takes any text: what is not JSON is a string, as in items that unstorage wrote. A string is
/// stored as bare text where that reads back as the same string, and as JSON text in quotes where it would not: `"12"`.
///
/// Whatever JSON is read is written back as the same value, numbers of any length included. What can't be read so throws: JSON
/// that is nested deeper than 512 levels, and members whose names a dictionary of Swift takes for one.
public enum StorageValue: Sendable, Hashable {
    /// JSON's `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A whole number that is written without a fraction and fits 64 bits.
    case integer(Int64)
    /// A whole number above those of ``integer(_:)`` that fits 64 bits without a sign.
    case unsigned(UInt64)
    /// Any other number that is exactly what a `Double` is written as; a whole one is written with `.0`.
    case number(Double)
    /// A number that none of these holds, by its digits.
    case numeral(Numeral)
    /// Text.
    case string(String)
    /// A list.
    case array([StorageValue])
    /// Members by name.
    case object([String: StorageValue])
}

extension StorageValue {
    /// Returns the member of an object, or `nil` if this is none or has no such member.
    public subscript(_ name: String) -> StorageValue? {
        guard case .object(let members) = self else { return nil }
        return members[name]
    }

    /// Returns the element of a list, or `nil` if this is none or the index is out of range.
    public subscript(_ index: Int) -> StorageValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }
}

extension StorageValue: Codable {
    /// Decodes any value, as exactly as the decoder's own numbers are; ``JSONStorageCodec`` does not come here.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(UInt64.self) {
            self = .unsigned(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([StorageValue].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: StorageValue].self))
        }
    }

    /// Encodes the value that this is; ``JSONStorageCodec`` does not come here.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .unsigned(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .numeral:
            throw EncodingError.invalidValue(
                self,
                .init(codingPath: encoder.codingPath, debugDescription: "only JSON has numbers of any length")
            )
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}

extension StorageValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// Creates JSON's `null`.
    public init(nilLiteral: ()) { self = .null }
    /// Creates `true` or `false`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// Creates a number.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// Creates a number.
    public init(floatLiteral value: Double) { self = .number(value) }
    /// Creates text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// Creates a list.
    public init(arrayLiteral elements: StorageValue...) { self = .array(elements) }
    /// Creates an object; of members with the same name the last counts.
    public init(dictionaryLiteral members: (String, StorageValue)...) {
        self = .object(Dictionary(members) { $1 })
    }
}
