import HTTPTypes
import KVStorage

/// What a configuration comes to: everything checked and prepared, shared by all requests.
final class SessionCore: Sendable {
    let name: String
    let type: any AnySessionType
    let records: RecordPlace
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
        name: String,
        type: any AnySessionType,
        records: RecordPlace,
        signer: CookieSigner,
        secrets: [[UInt8]],
        times: SessionTimes,
        cookie: CookieAttributes,
        creation: SessionCreation,
        clock: any StorageClock,
        ids: any IDSource,
        options: SessionOptions
    ) throws(SessionError) {
        try ConfigurationCheck.options(options, isSealed: records.isSealed)
        self.limits = try ConfigurationCheck.times(times, touchInterval: options.touchInterval)
        let cookieName = try ConfigurationCheck.cookie(name, cookie)
        try ConfigurationCheck.name(name, cookieName: cookieName, valueBytes: SignedToken.maximumEncodedCount)
        self.name = name
        self.type = type
        self.records = records
        self.signer = signer
        self.tokenField = try options.tokenField.map { (name) throws(SessionError) in try ConfigurationCheck.field(name)
        }
        self.csrfField = try ConfigurationCheck.field(options.csrfField)
        self.keys = DerivedKeys(secrets: secrets, cookieName: cookieName)
        self.touchInterval =
            options.touchInterval?.wholeMilliseconds ?? min((self.limits.idle ?? 0) / 10, 60_000)
        self.rolling = times.rolling
        self.cookie = CookieWriter(name: cookieName, cookie)
        self.reader = CookieReader(name: cookieName)
        self.creation = creation
        self.clock = clock
        self.ids = ids
        self.options = options
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
