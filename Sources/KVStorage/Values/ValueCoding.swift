/// Turns values into stored bytes and back: text as it is, everything else by the codec.
struct ValueCoding: Sendable {
    let codec: any StorageCodec

    init(_ codec: any StorageCodec) {
        self.codec = codec
    }

    func encode<Value: Encodable>(_ value: Value, key: @autoclosure () -> String?) throws(StorageError) -> [UInt8] {
        if let text = value as? String {
            return Array(text.utf8)
        }
        do {
            if let dynamic = value as? StorageValue, case .string(let text) = dynamic {
                return try dynamic.storedText(text, codec: self.codec)
            }
            return try self.codec.encode(value)
        } catch {
            throw StorageError(
                .encoding,
                "the value of type \(Value.self) can't be expressed by the storage's codec; nothing was written",
                key: key(),
                underlying: error
            )
        }
    }

    func decode<Value: Decodable>(
        _ type: Value.Type,
        from bytes: [UInt8],
        key: @autoclosure () -> String?
    ) throws(StorageError) -> Value {
        if Value.self == String.self {
            if let text = String(validating: bytes, as: UTF8.self) as? Value { return text }
            throw Self.mismatch(type, key: key(), underlying: nil, "the bytes are not UTF-8 text")
        }
        do {
            return try self.codec.decode(type, from: bytes)
        } catch {
            if let value = StorageValue.bareText(bytes) as? Value { return value }
            throw Self.mismatch(type, key: key(), underlying: error, "the bytes are something else")
        }
    }

    private static func mismatch(
        _ type: Any.Type,
        key: String?,
        underlying: (any Error)?,
        _ reason: String
    ) -> StorageError {
        StorageError(
            .decoding,
            "the item can't be read as \(type): \(reason); the item is unchanged, getItemRaw reads its bytes",
            key: key,
            underlying: underlying
        )
    }
}
