/// Any JSON value, for items whose shape is not known when the program is compiled.
///
/// Reading a ``StorageValue`` takes any text: what is not JSON is a string, as in items that unstorage wrote. A string is
/// stored as bare text where that reads back as the same string, and as JSON text in quotes where it would not: `"12"`.
public enum StorageValue: Sendable, Hashable {
    /// JSON's `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number without fraction that fits 64 bits.
    case integer(Int64)
    /// Any other number.
    case number(Double)
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

    /// Returns how a string is stored: bare, unless reading that would give something else.
    func storedText(_ text: String, codec: any StorageCodec) throws -> [UInt8] {
        let bytes = Array(text.utf8)
        let readsAsJSON = (try? codec.decode(StorageValue.self, from: bytes)) != nil
        return readsAsJSON ? try codec.encode(self) : bytes
    }
}

extension StorageValue: Codable {
    /// Decodes any JSON value.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
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

    /// Encodes the JSON value that this is.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
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
