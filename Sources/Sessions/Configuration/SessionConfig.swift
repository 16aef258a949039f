/// How the sessions of one name are kept: checked once, then given to every request's ``useSession(_:_:)``.
///
///     var options = SessionOptions()
///     options.idleTimeout = .seconds(1800)
///     let sessions = try SessionConfig(
///         in: .storage(storage.prefixed("sessions"), secrets: [secret]),
///         options: options
///     ) { Visits() }
///
/// Only the stricter of what is configured now and what a session was made with counts: tightening a limit holds for old
/// sessions at once, loosening it for new ones.
public struct SessionConfig<Value: Codable & Sendable>: Sendable {
    let core: SessionCore

    /// The sessions' name: what their storage keys start with, and what `name:` of the session functions means.
    public var name: String { self.core.name }

    /// The cookie's name, prefix included.
    public var cookieName: String { self.core.cookie.name }

    /// Creates a configuration.
    ///
    /// - Parameters:
    ///   - place: Where the sessions are kept, with the secrets or keys that this takes.
    ///   - name: An HTTP token, `sid` by default. The cookie is called so, with the prefix that its attributes ask for.
    ///   - options: Limits, the cookie's attributes, and the rest.
    ///   - initial: Makes a new session's value.
    ///   - migrate: Makes a value from data of another ``SessionOptions/dataVersion``; what it throws or `nil` means that
    ///     it has no value. Nothing is written until the session is next updated. By default there is none, and data
    ///     of another version has no value.
    ///   - adopt: Takes over another library's sessions; by default none.
    /// - Throws: ``SessionError/Code/invalidConfiguration`` for what is impossible or insecure, with what to do about it.
    public init(
        in place: SessionPlace,
        name: String = "sid",
        options: SessionOptions = SessionOptions(),
        _ initial: @escaping @Sendable () -> Value,
        migrate: (@Sendable (_ data: [UInt8], _ version: Int) throws -> Value?)? = nil,
        adopt: SessionAdoption<Value>? = nil
    ) throws(SessionError) {
        let type = SessionType(
            version: options.dataVersion, codec: options.codec, migrate: migrate, initial: initial)
        let foreign: ForeignSessions?
        if let adopt {
            foreign = try ForeignSessions(adopt, type, secret: place.firstSecret)
        } else {
            foreign = nil
        }
        self.core = try SessionCore(place, name: name, type: type, options: options, foreign: foreign)
    }
}

extension SessionConfig: CustomStringConvertible, CustomReflectable {
    /// The names and no secret.
    public var description: String { "SessionConfig(\(self.name), cookie \(self.cookieName))" }

    /// Shows the names and no secret.
    public var customMirror: Mirror {
        Mirror(self, children: ["name": self.name, "cookieName": self.cookieName])
    }
}
