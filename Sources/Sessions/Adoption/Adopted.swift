public import KVStorage

/// What becomes of a session that another library made, see ``SessionAdoption``.
public struct Adopted<Value: Codable & Sendable>: Sendable {
    /// The value of the new session.
    public var value: Value
    /// Whose session it is; `nil`: nobody's.
    public var user: String?
    /// When the other library would have ended it; the new session ends no later. `nil`: as the configuration says.
    public var expires: Timestamp?

    /// Creates it.
    public init(value: Value, user: String? = nil, expires: Timestamp? = nil) {
        self.value = value
        self.user = user
        self.expires = expires
    }
}
