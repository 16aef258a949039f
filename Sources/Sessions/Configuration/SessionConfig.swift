public import KVStorage

/// How the sessions of one name are kept: checked once, then given to every request's ``useSession(_:_:)``.
///
///     let sessions = try SessionConfig(store: storage.prefixed("sessions"), secret: secret) { Visits() }
///
/// Only the stricter of what is configured now and what a session was made with counts: tightening a limit holds for old
/// sessions at once, loosening it for new ones.
public struct SessionConfig<Value: Codable & Sendable>: Sendable {
    let core: SessionCore

    /// The sessions' name: what their storage keys start with, and what `name:` of the session functions means.
    public var name: String { self.core.name }

    /// The cookie's name, prefix included.
    public var cookieName: String { self.core.cookie.name }

    /// Creates a configuration with several secrets: the first signs, all verify.
    ///
    /// A new secret goes to the front; cookies that an old one signed are issued anew as their sessions are used. Taking a
    /// secret away ends the sessions whose cookies it signed.
    /// - Parameters:
    ///   - store: Where records are kept, in keys that start with the name. Give sessions a place of their own with
    ///     `storage.prefixed("sessions")`.
    ///   - secret: At least one, each at least 32 bytes of UTF-8 and of real randomness.
    ///   - name: An HTTP token, `sid` by default. The cookie is called so, with the prefix that its attributes ask for.
    ///   - maxAge: The absolute timeout, counted from creation or authentication; a day by default.
    ///   - idleTimeout: The time without activity that ends a session; none by default. NIST SP 800-63B asks for at most
    ///     an hour where people log in with two factors.
    ///   - rolling: Whether the cookie's own age follows the idle timeout: it is sent again when activity is noted.
    ///   - cookie: The cookie's attributes.
    ///   - creation: When a session comes into being.
    ///   - codec: How the data becomes bytes.
    ///   - clock: Where the time comes from.
    ///   - generator: Where IDs come from. Anything but the system's source is for tests.
    ///   - options: The rest.
    ///   - migrate: Makes a value from data of another ``SessionOptions/dataVersion``; what it throws or `nil` means that
    ///     there is no session. Nothing is written until the session is next updated.
    ///   - initial: Makes a new session's value.
    /// - Throws: ``SessionError/Code/invalidConfiguration`` for what is impossible or insecure.
    public init(
        store: Storage,
        secret: [String],
        name: String = "sid",
        maxAge: Duration = .seconds(86_400),
        idleTimeout: Duration? = nil,
        rolling: Bool = false,
        cookie: CookieAttributes = CookieAttributes(),
        creation: SessionCreation = .onFirstWrite,
        codec: some StorageCodec = .json,
        clock: some StorageClock = .system,
        generator: some RandomNumberGenerator & Sendable = SystemRandomNumberGenerator(),
        options: SessionOptions = SessionOptions(),
        migrate: (@Sendable (_ data: [UInt8], _ version: Int) throws -> Value?)? = nil,
        _ initial: @escaping @Sendable () -> Value
    ) throws(SessionError) {
        try ConfigurationCheck.secrets(secret, name: name)
        self.core = try SessionCore(
            name: name,
            type: SessionType(version: options.dataVersion, codec: codec, migrate: migrate, initial: initial),
            records: .storage(SessionCore.place(in: store, name: name)),
            signer: CookieSigner(secrets: secret),
            secrets: secret.map { Array($0.utf8) },
            times: SessionTimes(maxAge: maxAge, idleTimeout: idleTimeout, rolling: rolling),
            cookie: cookie,
            creation: creation,
            clock: clock,
            ids: generator is SystemRandomNumberGenerator ? SystemIDSource() : SharedIDSource(generator),
            options: options
        )
    }

    /// Creates a configuration with one secret; everything else is as in the initialiser with several.
    public init(
        store: Storage,
        secret: String,
        name: String = "sid",
        maxAge: Duration = .seconds(86_400),
        idleTimeout: Duration? = nil,
        rolling: Bool = false,
        cookie: CookieAttributes = CookieAttributes(),
        creation: SessionCreation = .onFirstWrite,
        codec: some StorageCodec = .json,
        clock: some StorageClock = .system,
        generator: some RandomNumberGenerator & Sendable = SystemRandomNumberGenerator(),
        options: SessionOptions = SessionOptions(),
        migrate: (@Sendable (_ data: [UInt8], _ version: Int) throws -> Value?)? = nil,
        _ initial: @escaping @Sendable () -> Value
    ) throws(SessionError) {
        try self.init(
            store: store,
            secret: [secret],
            name: name,
            maxAge: maxAge,
            idleTimeout: idleTimeout,
            rolling: rolling,
            cookie: cookie,
            creation: creation,
            codec: codec,
            clock: clock,
            generator: generator,
            options: options,
            migrate: migrate,
            initial
        )
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
