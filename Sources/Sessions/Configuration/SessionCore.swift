import HTTPTypes
import KVStorage

/// What a configuration comes to: everything checked and prepared, shared by all requests.
final class SessionCore: Sendable {
    let name: String
    let type: any AnySessionType
    let records: Records
    let signer: CookieSigner
    let keys: DerivedKeys
    let limits: SessionLimits
    let touchInterval: Int64
    let rolling: Bool
    let cookie: CookieWriter
    let reader: CookieReader
    let creation: SessionCreation
    let clock: any StorageClock
    let ids: any IDSource
    /// The header field for tokens of clients without cookies, if there is one.
    let tokenField: HTTPField.Name?
    let csrfField: HTTPField.Name
    let options: SessionOptions

    init(
        _ place: SessionPlace,
        name: String,
        type: any AnySessionType,
        options: SessionOptions
    ) throws(SessionError) {
        try ConfigurationCheck.place(place, name: name)
        try ConfigurationCheck.options(options, in: place)
        self.limits = try ConfigurationCheck.times(options)
        let cookieName = try ConfigurationCheck.cookie(name, options.cookie)
        try ConfigurationCheck.name(name, cookieName: cookieName, valueBytes: SignedToken.maximumEncodedCount)
        self.name = name
        self.type = type
        switch place.kind {
        case .storage(let storage, let secrets):
            self.records = .storage(Self.place(in: storage, name: name))
            self.signer = CookieSigner(secrets: secrets.texts)
            self.keys = DerivedKeys(secrets: secrets.texts.map { Array($0.utf8) }, cookieName: cookieName)
        case .cookie(let keys, let generations):
            let generations = generations.map { Self.place(in: $0, name: name) }
            self.records = .cookie(Sealer(keys, cookieName: cookieName, generations: generations))
            self.signer = CookieSigner(secrets: [])
            self.keys = DerivedKeys(secrets: keys.map(\.bytes), cookieName: cookieName)
        }
        self.tokenField = try options.tokenField.map { (name) throws(SessionError) in try ConfigurationCheck.field(name)
        }
        self.csrfField = try ConfigurationCheck.field(options.csrfField)
        self.touchInterval =
            options.touchInterval?.wholeMilliseconds ?? min((self.limits.idle ?? 0) / 10, 60_000)
        self.rolling = options.rolling
        self.cookie = CookieWriter(name: cookieName, options.cookie)
        self.reader = CookieReader(name: cookieName)
        self.creation = options.creation
        self.clock = options.clock
        self.ids = Self.ids(from: options.generator)
        self.options = options
    }

    /// R01: the system's source draws without a lock; another generator has a state that requests share.
    private static func ids(from generator: some RandomNumberGenerator & Sendable) -> any IDSource {
        generator is SystemRandomNumberGenerator ? SystemIDSource() : SharedIDSource(generator)
    }

    /// Tells the application what happened; the tag is computed only if somebody listens.
    func report(_ kind: SessionActivity.Kind, _ id: SessionID?) {
        guard let listener = self.options.onActivity else { return }
        listener(SessionActivity(kind: kind, session: self.name, tag: id.map(self.keys.tag)))
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
