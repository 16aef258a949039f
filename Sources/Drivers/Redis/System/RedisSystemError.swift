/// What the operating system said; `StorageError.underlying` of errors of a connection.
public struct RedisSystemError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The number, by `errno` or `getaddrinfo`.
    public var number: Int32
    /// The system's words.
    public var description: String

    init(number: Int32, message: String) {
        self.number = number
        self.description = message
    }

    init(_ number: Int32) {
        self.init(number: number, message: RedisPlatform.message(of: number))
    }
}
