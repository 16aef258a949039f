/// Turns values into stored bytes and back: text as it is, everything else by the codec.
struct ValueCoding: Sendable {
    let codec: any StorageCodec

    init(_ codec: any StorageCodec) {
        self.codec = codec
    }

    func encode<Value: Encodable>(_ value: Value, key: @autoclosure () -> String?) throws(StorageError) -> [UInt8] {
        let text = value as? String
        if let text, Value.self == String.self { return Array(text.utf8) }
        do {
            if let text { return try self.storedText(text) }
            if let dynamic = value as? StorageValue, case .string(let text) = dynamic {
                return self.isJSON(Array(text.utf8)) ? try self.codec.encode(dynamic) : Array(text.utf8)
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
            if let value = self.decodeText(type, from: bytes, after: error) { return value }
            throw Self.mismatch(type, key: key(), underlying: error, Self.reason(error))
        }
    }

    /// Returns how the text of an optional string is stored: bare, unless that would read as something else, such as `null`.
    private func storedText(_ text: String) throws -> [UInt8] {
        let bytes = Array(text.utf8)
        do {
            _ = try self.codec.decode(String?.self, from: bytes)
        } catch {
            return bytes
        }
        return try self.codec.encode(text)
    }

    /// Returns what bare text stands for, as unstorage and `setItem` of a `String` store it; `nil` if it can't be the type.
    private func decodeText<Value: Decodable>(
        _ type: Value.Type,
        from bytes: [UInt8],
        after error: any Error
    ) -> Value? {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        // Casts to optionals too, however often they are nested.
        if let value = text as? Value { return value }
        // What is JSON and beyond what the codec reads is not text because of that.
        if let failure = Self.failure(error), !failure.isSyntax { return nil }
        if let value = StorageValue.string(text) as? Value { return value }
        // An enum over strings, a UUID, a URL: what decodes from a string. What is the codec's own text stays something else.
        if self.isJSON(bytes) { return nil }
        guard let quoted = try? self.codec.encode(text) else { return nil }
        return try? self.codec.decode(type, from: quoted)
    }

    /// Whether bytes are the codec's own text, read or refused for what is in it.
    private func isJSON(_ bytes: [UInt8]) -> Bool {
        do {
            _ = try self.codec.decode(StorageValue.self, from: bytes)
            return true
        } catch {
            return Self.failure(error).map { !$0.isSyntax } ?? false
        }
    }

    /// What the JSON codec says of an error; `nil` for those of types and of other codecs.
    private static func failure(_ error: any Error) -> JSONFailure? {
        switch error as? DecodingError {
        case .dataCorrupted(let context), .typeMismatch(_, let context), .valueNotFound(_, let context),
            .keyNotFound(_, let context):
            context.underlyingError as? JSONFailure
        default: nil
        }
    }

    /// Returns where in the value the decoding failed and what was wrong there, without anything of the value itself.
    private static func reason(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "the bytes are something else" }
        let failure = self.failure(error)
        return switch error {
        case .keyNotFound(let key, let context): "\(Self.path(context.codingPath + [key])) is missing"
        case .typeMismatch(let type, let context):
            if case .kind(_, let found) = failure?.reason {
                "\(Self.path(context.codingPath)) is no \(type) but \(found.rawValue)"
            } else {
                "\(Self.path(context.codingPath)) is no \(type)"
            }
        case .valueNotFound(let type, let context): "\(Self.path(context.codingPath)) is null instead of a \(type)"
        case .dataCorrupted(let context):
            if let failure, failure.isSyntax {
                "the bytes are something else: \(failure)"
            } else if case .limit(let what) = failure?.reason {
                what
            } else if let failure {
                "\(Self.path(context.codingPath)) is not valid: \(failure)"
            } else {
                context.codingPath.isEmpty
                    ? "the bytes are something else" : "\(Self.path(context.codingPath)) is not valid"
            }
        @unknown default: "the bytes are something else"
        }
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        if keys.isEmpty { return "the value" }
        let path = keys.reduce("") { path, key in
            if let index = key.intValue { return "\(path)[\(index)]" }
            return path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)"
        }
        return "\"\(path)\""
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
