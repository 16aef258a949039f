import KVStorage

/// A session's decoded data, its type forgotten.
protocol AnySessionValue: AnyObject, Sendable {}

/// A session's decoded data.
final class SessionValue<Value: Sendable>: AnySessionValue {
    let value: Value

    init(_ value: Value) {
        self.value = value
    }
}

/// What the layer has to know about the application's type without knowing the type.
protocol AnySessionType: AnyObject, Sendable {
    /// The type's name for messages.
    var description: String { get }
    /// The version that new data is written with.
    var version: Int { get }
    /// How values become bytes.
    var codec: any StorageCodec { get }
    /// Makes a new session's data.
    func initial() throws(SessionError) -> (any AnySessionValue, [UInt8])
    /// Reads data, also that of an older version; `nil` if it is not of this type (R30).
    func decode(_ data: [UInt8], version: Int) -> (any AnySessionValue)?
}

/// The application's type with its codec, its initial value and the way from older types.
final class SessionType<Value: Codable & Sendable>: AnySessionType {
    let version: Int
    let codec: any StorageCodec
    private let makeInitial: @Sendable () -> Value
    private let migrate: (@Sendable ([UInt8], Int) throws -> Value?)?

    init(
        version: Int,
        codec: any StorageCodec,
        migrate: (@Sendable ([UInt8], Int) throws -> Value?)?,
        initial: @escaping @Sendable () -> Value
    ) {
        self.version = version
        self.codec = codec
        self.migrate = migrate
        self.makeInitial = initial
    }

    var description: String { "\(Value.self)" }

    func initialValue() -> Value { self.makeInitial() }

    func initial() throws(SessionError) -> (any AnySessionValue, [UInt8]) {
        let value = self.makeInitial()
        return (SessionValue(value), try self.encode(value))
    }

    func encode(_ value: Value) throws(SessionError) -> [UInt8] {
        do {
            return try self.codec.encode(value)
        } catch {
            throw SessionError(
                .encoding,
                "the session's value of type \(Value.self) can't be expressed by its codec; nothing was written",
                underlying: error
            )
        }
    }

    func decode(_ data: [UInt8], version: Int) -> (any AnySessionValue)? {
        if version != self.version {
            guard let migrated = try? self.migrate?(data, version) else { return nil }
            return SessionValue(migrated)
        }
        guard let value = try? self.codec.decode(Value.self, from: data) else { return nil }
        return SessionValue(value)
    }
}
