import HTTPTypes
import KVStorage

/// What a configuration comes to: everything checked and prepared, shared by all requests.
final class SessionCore: Sendable {
    let name: String
    let type: any AnySessionType
    let records: Records
    let signer: CookieSigner
    let keys: DerivedKeys
    /// The limits of sessions whose users did not choose to be remembered.
    let limits: SessionLimits
    /// The limits of those that did.
    let persistentLimits: SessionLimits
    let rolling: Bool
    let cookie: CookieWriter
    let reader: CookieReader
    let creation: SessionCreation
    let clock: any StorageClock
    let ids: any IDSource
    /// The header field for tokens of clients without cookies, if there is one.
    let tokenField: TokenField?
    let forgery: ForgeryProtection
    let options: SessionOptions
    /// Who waits for the end of a session.
    let streams: SessionStreams
    /// Another library's sessions, which are taken over.
    let foreign: ForeignSessions?
    private let storeCheck: StoreCheck?

    init(
        _ place: SessionPlace,
        name: String,
        type: any AnySessionType,
        options: SessionOptions,
        foreign: ForeignSessions?
    ) throws(SessionError) {
        try ConfigurationCheck.place(place)
        try ConfigurationCheck.options(options, in: place)
        self.limits = try ConfigurationCheck.times(options)
        self.persistentLimits = try ConfigurationCheck.persistentLimits(options) ?? self.limits
        let cookieName = try ConfigurationCheck.cookie(name, options.cookie)
        try ConfigurationCheck.name(name, cookieName: cookieName, valueBytes: SignedToken.maximumEncodedCount)
        try ConfigurationCheck.secrets(place, name: name, cookieName: cookieName)
        self.name = name
        self.type = type
        let secretBytes: [[UInt8]]
        switch place.kind {
        case .storage(let storage, let secrets):
            self.records = .storage(Self.place(in: storage, name: name))
            self.signer = CookieSigner(secrets: secrets.texts)
            secretBytes = secrets.texts.map { Array($0.utf8) }
        case .cookie(let keys, let revocations):
            let revocations = revocations.map { Self.place(in: $0, name: name) }
            self.records = .cookie(Sealer(keys, cookieName: cookieName, revocations: revocations))
            self.signer = CookieSigner(secrets: [])
            secretBytes = keys.map(\.bytes)
        }
        self.keys = DerivedKeys(secrets: secretBytes, cookieName: cookieName)
        self.tokenField = try options.tokenField.map { (field) throws(SessionError) in try TokenField(field) }
        self.forgery = try ForgeryProtection(
            secrets: secretBytes,
            cookieName: cookieName,
            options,
            maxAge: self.limits.absolute / 1000
        )
        guard self.tokenField?.request != self.forgery.field else {
            throw ConfigurationCheck.invalid("tokenField and csrfField are the same field; give each a name of its own")
        }
        self.rolling = options.rolling
        self.cookie = CookieWriter(name: cookieName, options.cookie)
        self.reader = CookieReader(name: cookieName)
        self.creation = options.creation
        self.clock = options.clock
        self.ids = Self.ids(from: options.generator)
        self.options = options
        self.streams = SessionStreams()
        self.foreign = foreign
        self.storeCheck = StoreCheck(place)
        try self.checkStore()
    }

    /// R01: the system's source draws without a lock; another generator has a state that requests share.
    private static func ids(from generator: some RandomNumberGenerator & Sendable) -> any IDSource {
        generator is SystemRandomNumberGenerator ? SystemIDSource() : SharedIDSource(generator)
    }

    /// Throws if what is mounted where the sessions are kept is unfit for them.
    func checkStore() throws(SessionError) { try self.storeCheck?.check() }

    /// R08, R09: the limits that are configured for a session of its kind.
    func limits(of record: SessionRecord) -> SessionLimits {
        record.isPersistent == true ? self.persistentLimits : self.limits
    }

    /// When the session ends unless there is activity before.
    func deadline(_ record: SessionRecord) -> Timestamp { record.deadline(self.limits(of: record)) }

    /// When the absolute limit ends the session, however active it is.
    func end(_ record: SessionRecord) -> Timestamp { record.end(self.limits(of: record)) }

    /// The longest that any session lives.
    var longestLife: Duration { .milliseconds(max(self.limits.absolute, self.persistentLimits.absolute)) }

    /// How old the note of a session's activity may become, in milliseconds; `nil` if it has no idle limit.
    ///
    /// A session that is used has to be noted often enough for the stricter of what it was made with and what is configured.
    func touchInterval(_ record: SessionRecord) -> Int64? {
        let configured = self.limits(of: record)
        guard let idle = record.limits.stricter(configured).idle else { return nil }
        let interval = self.options.touchInterval?.wholeMilliseconds
        guard idle < configured.idle ?? .max else { return interval ?? min(idle / 10, 60_000) }
        return min(interval ?? 60_000, idle / 10)
    }

    /// Tells the application what happened to a session.
    func report(_ kind: SessionActivity.Kind, _ session: LoadedSession) {
        self.report(kind, session.id, handle: session.handle, user: session.record.user)
    }

    /// Tells the application what happened; the tag is computed only if somebody listens.
    func report(_ kind: SessionActivity.Kind, _ id: SessionID? = nil, handle: String? = nil, user: String? = nil) {
        guard let listener = self.options.onActivity else { return }
        listener(
            SessionActivity(kind: kind, session: self.name, tag: id.map(self.keys.tag), handle: handle, user: user))
    }

    /// R19: whether a cookie of this response is marked `Secure`.
    func isSecure(_ event: SessionEvent) -> Bool {
        switch self.cookie.secure {
        case .always: true
        case .never: false
        case .automatic: self.options.proxies.isSecure(event)
        }
    }

    /// Whether every write has to reach the client: its cookie's age rolls, or the cookie is the session.
    var sendsEveryWrite: Bool { self.rolling || self.records.isSealed }
}
