/// What a request presents to name its session, verified but not looked up.
struct Credential: Sendable, Hashable {
    /// The session that it names.
    var id: SessionID
    /// Which secret made it; 0 is the one that is used now.
    var secret: Int
    /// The record itself, if the token is a sealed one.
    var record: [UInt8]?
}
