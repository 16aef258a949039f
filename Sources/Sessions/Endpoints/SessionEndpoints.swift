/// What of a session a browser's scripts may do over HTTP: what nuxt-session calls its API.
///
/// Nothing is allowed that is not named: no method by default, and no field is writable. The session's ID is in no answer.
public struct SessionEndpoints: Sendable {
    /// What a script may do.
    public enum Method: String, Sendable, Hashable, CaseIterable {
        /// Read the value.
        case get = "GET"
        /// Change some of its fields.
        case patch = "PATCH"
        /// Replace its writable fields.
        case post = "POST"
        /// End the session.
        case delete = "DELETE"
    }

    /// What a writing request has to prove.
    public enum ForgeryCheck: Sendable, Hashable {
        /// That it comes from this origin, by `Sec-Fetch-Site` or `Origin`, or that it knows the session's token.
        case tokenOrOrigin
        /// Nothing. Right only where something in front has checked.
        case none
    }

    /// The methods that are answered; none by default.
    public var methods: Set<Method>
    /// The fields, by their names in JSON, that a client may write; none by default. A body that names any other changes
    /// nothing and is answered by 400.
    public var writable: Set<String>
    /// The fields that a client may read; `nil`, the default, means all.
    public var readable: Set<String>?
    /// The largest body that is looked at, in bytes; 16,384 by default.
    public var maximumBodyBytes: Int
    /// What a writing request has to prove; ``ForgeryCheck/tokenOrOrigin`` by default.
    public var forgeryCheck: ForgeryCheck
    /// Further origins whose pages may write, as in `https://admin.example.org`; none by default.
    public var allowedOrigins: Set<String>
    /// Which session; by default the one that was set up first.
    public var name: String?

    /// What `Allow` says: the methods that are answered, `HEAD` with `GET` and `OPTIONS` always (RFC 9110 §10.2.1).
    var allowed: String {
        let names = self.methods.map(\.rawValue) + (self.methods.contains(.get) ? ["HEAD"] : []) + ["OPTIONS"]
        return names.sorted().joined(separator: ", ")
    }

    /// Creates endpoints that answer the given methods.
    public init(
        methods: Set<Method> = [],
        writable: Set<String> = [],
        readable: Set<String>? = nil,
        maximumBodyBytes: Int = 16_384,
        forgeryCheck: ForgeryCheck = .tokenOrOrigin,
        allowedOrigins: Set<String> = [],
        name: String? = nil
    ) {
        self.methods = methods
        self.writable = writable
        self.readable = readable
        self.maximumBodyBytes = maximumBodyBytes
        self.forgeryCheck = forgeryCheck
        self.allowedOrigins = allowedOrigins
        self.name = name
    }
}
