/// One answer of a server, in Swift values.
enum Reply: Sendable, Hashable {
    /// `+OK`.
    case ok
    /// Any other status.
    case status([UInt8])
    case bytes([UInt8])
    case integer(Int64)
    case null
    case error(RedisServerError)
    case array([Reply])
}
