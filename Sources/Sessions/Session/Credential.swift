/// What a request presents to name its session, verified but not looked up.
struct Credential: Sendable, Hashable {
    /// The session that it names.
    var id: SessionID
    /// Which secret signed it, or which key sealed it; 0 is the one that is used now.
    var signer: Int
    /// The record itself, if the token is a sealed one.
    var record: [UInt8]?
}
