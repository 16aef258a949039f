public import KVStorage

extension SessionConfig {
    /// Creates a configuration for sessions that need no storage: the client's cookie holds them, sealed with AES-256-GCM.
    ///
    /// All functions work as with storage, within what a cookie can be: name and value take at most 4,096 bytes, more throws
    /// ``SessionError/Code/tooLarge``; of two requests that change the session at once the cookie that arrives last wins;
    /// and what a client kept stays good until its limits end it, also after ``destroySession(_:name:)`` or
    /// ``regenerateSession(_:name:)`` (A24). With a `generations` storage, ``revokeSessions(of:except:_:)`` ends an
    /// authenticated user's sessions; that costs one read for each request that loads one.
    /// - Parameters:
    ///   - keys: At least one; the first seals, all open. A cookie that an old one sealed is sealed anew when it is used.
    ///   - generations: Where revocations are counted; `nil` means that sessions can't be revoked.
    ///   - name: See the other initialisers, as for the rest.
    ///   - maxAge: The absolute timeout; it stands inside the seal.
    ///   - idleTimeout: The time without activity that ends a session.
    ///   - rolling: Whether the cookie's own age follows the idle timeout.
    ///   - cookie: The cookie's attributes.
    ///   - creation: When a session comes into being.
    ///   - codec: How the data becomes bytes.
    ///   - clock: Where the time comes from.
    ///   - options: The rest; ``SessionOptions/maximumPerUser`` and ``SessionOptions/regenerationGrace`` can't hold here.
    ///   - migrate: Makes a value from data of another version.
    ///   - initial: Makes a new session's value.
    /// - Throws: ``SessionError/Code/invalidConfiguration``.
    public init(
        sealedWith keys: [SealingKey],
        generations: Storage? = nil,
        name: String = "sid",
        maxAge: Duration = .seconds(86_400),
        idleTimeout: Duration? = nil,
        rolling: Bool = false,
        cookie: CookieAttributes = CookieAttributes(),
        creation: SessionCreation = .onFirstWrite,
        codec: some StorageCodec = .json,
        clock: some StorageClock = .system,
        options: SessionOptions = SessionOptions(),
        migrate: (@Sendable (_ data: [UInt8], _ version: Int) throws -> Value?)? = nil,
        _ initial: @escaping @Sendable () -> Value
    ) throws(SessionError) {
        guard !keys.isEmpty else { throw ConfigurationCheck.invalid("there is no sealing key; give at least one") }
        guard Set(keys.map(\.id)).count == keys.count else {
            throw ConfigurationCheck.invalid("two sealing keys have the same id, so that none is found by it")
        }
        let cookieName = try ConfigurationCheck.cookie(name, cookie)
        self.core = try SessionCore(
            name: name,
            type: SessionType(version: options.dataVersion, codec: codec, migrate: migrate, initial: initial),
            records: .cookie(
                Sealer(
                    keys,
                    cookieName: cookieName,
                    generations: generations.map { SessionCore.place(in: $0, name: name) }
                )
            ),
            signer: CookieSigner(secrets: []),
            secrets: keys.map(\.bytes),
            times: SessionTimes(maxAge: maxAge, idleTimeout: idleTimeout, rolling: rolling),
            cookie: cookie,
            creation: creation,
            clock: clock,
            ids: SystemIDSource(),
            options: options
        )
    }
}
