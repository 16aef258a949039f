/// JSON (RFC 8259), strictly: what is written can be read by anybody, and what is no JSON is not read.
///
/// **The same value has the same bytes** in every run and process: members stand in the order in which they are encoded,
/// which is that of their declaration; those of dictionaries are sorted by the bytes of their names, the elements of sets
/// (and the pairs of dictionaries whose keys are no strings) by the bytes of their JSON. A set or such a dictionary that a
/// type encodes by calling its `encode(to:)`, instead of giving it to a container, keeps the order of that process.
///
/// - **Numbers** are exact: integers of up to 128 bits, `Decimal` of up to 38 digits. A `Double` is written with the
///   fewest digits that read back as the same, whole ones with `.0`. An integer is also read from `1e2` or `5.0`, if the number is
///   exactly one. What does not fit the type is refused, also a `Double` that would be infinite; NaN and infinity are
///   refused in both directions. A `Double` too near to zero is read as zero, as in JavaScript.
/// - **Dates** are ISO 8601 text in UTC with as many digits of a second as they need, up to nanoseconds; read with any
///   offset. `Data` is base64 text, `URL` its text, `UUID` its text.
/// - **Text** is UTF-8 without a byte order mark, and is verified. Half of a surrogate pair is refused.
/// - Of members with the same name the last counts, as in JavaScript; two names that are different JSON and the same to
///   Swift, as a precomposed and a decomposed é are, are refused where a dictionary would lose one of them.
/// - Arrays and objects may be nested 512 deep, in both directions, and a text may have 1 GiB.
///
/// Errors are `EncodingError` and `DecodingError`, with the coding path, and say what was expected and found; they contain
/// nothing of the JSON itself.
public struct JSONStorageCodec: StorageCodec {
    /// What the values' own coding is given as `userInfo`; empty by default.
    public var userInfo: [CodingUserInfoKey: any Sendable] = [:]

    /// Creates the codec.
    public init() {}

    /// Returns the value as UTF-8 JSON.
    ///
    /// - Throws: `EncodingError` if JSON can't express the value; whatever its own coding throws.
    public func encode<Value: Encodable>(_ value: Value) throws -> [UInt8] {
        if let bytes = JSONFastPath.encode(value) { return bytes }
        return try JSONWriter.encode(value, userInfo: self.userInfo)
    }

    /// Returns the value that the JSON stands for.
    ///
    /// Costs one pass over the bytes to verify them, and then what is read of them.
    /// - Throws: `DecodingError` if the bytes are no JSON or not of that type; whatever its own coding throws.
    public func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        // Without an optional, whose metadata would be looked up for every type.
        if type == Int.self, let value = JSONFastPath.integer(bytes) { return sameType(value, type) }
        if type == Bool.self, let value = JSONFastPath.boolean(bytes) { return sameType(value, type) }
        if type == String.self, let value = JSONFastPath.string(bytes) { return sameType(value, type) }
        if type == [UInt8].self, let value = JSONFastPath.bytes(bytes) { return sameType(value, type) }
        return try JSONDocument.decode(type, from: bytes, userInfo: self.userInfo)
    }
}

extension StorageCodec where Self == JSONStorageCodec {
    /// JSON; the default.
    public static var json: JSONStorageCodec { JSONStorageCodec() }
}
