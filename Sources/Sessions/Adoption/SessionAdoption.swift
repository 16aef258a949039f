public import KVStorage

/// Takes over the sessions of another library, so that a site can move to this one without logging everybody out.
///
///     let adopt = SessionAdoption<Account>.express(redis.prefixed("sess"), secrets: [oldSecret]) { data in
///         let old = try JSONDecoder().decode(OldSession.self, from: Data(data))
///         return Adopted(value: Account(cart: old.cart), user: old.userID)
///     }
///     let sessions = try SessionConfig(in: place, options: options, { Account() }, adopt: adopt)
///
/// A request that has no session of ours but a cookie of the other library's gets one when its session is first read: always under
/// a new ID, with what the closure makes of the other one's data. The cookie's signature is verified and its ID's characters
/// are looked at before the storage, or the closure, is asked. Requests that come at once share one new session, and for a
/// minute so do those that come later without its cookie.
///
/// The other session stays as it is, as the other application may still use it: then a client that logs out of ours is
/// taken over again as long as it has the old cookie. With `removes: true` the old record and cookie go once the new session
/// stands. A user who was taken over has proved nothing here: ``requireAuthentication(_:within:methods:name:)`` with a limit
/// sends them to log in.
public struct SessionAdoption<Value: Codable & Sendable>: Sendable {
    let storage: Storage
    let secrets: SessionSecrets
    let cookieName: String
    let idCounts: ClosedRange<Int>
    let removes: Bool
    let convert: @Sendable ([UInt8]) throws -> Adopted<Value>?

    /// Takes over sessions of express-session, whose records connect-redis keeps as JSON, and of libraries that do the same.
    ///
    /// - Parameters:
    ///   - storage: Where the records are, each under its ID: connect-redis' with their prefix taken off, as in
    ///     `Storage(.redis(url)).prefixed("sess")`. Its reading has to be the other library's: one key, one value.
    ///   - secrets: What the other library signs its cookies with.
    ///   - cookieName: Its cookie's name.
    ///   - removes: Whether the old record and cookie are removed.
    ///   - convert: Makes a session of a record's bytes. `nil`, or what it throws, means that there is none; that is reported.
    public static func express(
        _ storage: Storage,
        secrets: SessionSecrets,
        cookieName: String = "connect.sid",
        removes: Bool = false,
        _ convert: @escaping @Sendable (_ data: [UInt8]) throws -> Adopted<Value>?
    ) -> SessionAdoption {
        SessionAdoption(
            storage: storage, secrets: secrets, cookieName: cookieName, idCounts: 16...128, removes: removes,
            convert: convert)
    }

    /// Takes over sessions of @analog-tools/session, whose cookies are express's and whose records stand under the ID itself.
    ///
    /// Parameters as of ``express(_:secrets:cookieName:removes:_:)``.
    public static func analog(
        _ storage: Storage,
        secrets: SessionSecrets,
        cookieName: String = "connect.sid",
        removes: Bool = false,
        _ convert: @escaping @Sendable (_ data: [UInt8]) throws -> Adopted<Value>?
    ) -> SessionAdoption {
        SessionAdoption(
            storage: storage, secrets: secrets, cookieName: cookieName, idCounts: 21...36, removes: removes,
            convert: convert)
    }
}
