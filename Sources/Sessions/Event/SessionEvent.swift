public import HTTPTypes
import Synchronization

/// One request and the response fields that its sessions want to send: what a framework's adapter makes for each request.
///
/// Give it to ``useSession(_:_:)`` before the handler runs, and put its fields into the response with ``apply(to:)`` just before
/// the head is sent, also when the handler throws: that closes the event for cookies. Whatever the session functions promise is in storage by the time that they return: there
/// is nothing to save afterwards. Any number of tasks may use one event at once.
public final class SessionEvent: Sendable {
    /// The request's head.
    public let request: HTTPRequest
    /// The address of the connection's other end, as in `192.0.2.1` or `2001:db8::1`, with or without a port; `nil` if unknown.
    public let remoteAddress: String?
    /// Whether that connection is encrypted. What a proxy says of the client's is another matter, see ``TrustedProxies``.
    public let isSecure: Bool

    private struct State {
        private var fields = HTTPFields()
        /// Whether `Vary` still has to name `Cookie`: written only when somebody looks, as most requests never do before
        /// their end.
        private var dependsOnCookie = false
        /// The token's field, which `Vary` still has to name too.
        private var tokenField: HTTPField.Name?
        /// The fields that a session sends and no cache may keep.
        var unstorable: [HTTPField.Name] = []
        /// Whether the response's head was made, so that fields are too late.
        var isHeadSent = false
        // Most requests have one session: it costs no array.
        private var slot: SessionSlot?
        private var furtherSlots: [SessionSlot] = []

        var responseFields: HTTPFields {
            mutating get {
                self.writeVary()
                return self.fields
            }
            set { self.fields = newValue }
        }

        mutating func changeFields<Result>(_ body: (inout HTTPFields) -> sending Result) -> sending Result {
            self.writeVary()
            return body(&self.fields)
        }

        mutating func depend(on tokenField: HTTPField.Name?) {
            if tokenField != nil, self.tokenField != nil, self.tokenField != tokenField { self.writeVary() }
            self.dependsOnCookie = true
            self.tokenField = tokenField ?? self.tokenField
        }

        private mutating func writeVary() {
            if self.dependsOnCookie { self.fields.addVary("Cookie") }
            if let tokenField { self.fields.addVary(tokenField.rawName) }
            self.dependsOnCookie = false
            self.tokenField = nil
        }

        func slot(_ name: String?) -> SessionSlot? {
            guard let name, let slot, slot.core.name != name else { return self.slot }
            return self.furtherSlots.first { $0.core.name == name }
        }

        func slot(cookieName: String) -> SessionSlot? {
            if let slot, slot.core.cookie.name == cookieName { return slot }
            return self.furtherSlots.first { $0.core.cookie.name == cookieName }
        }

        var slots: [SessionSlot] { (self.slot.map { [$0] } ?? []) + self.furtherSlots }

        mutating func add(_ slot: SessionSlot) {
            if self.slot == nil { self.slot = slot } else { self.furtherSlots.append(slot) }
        }
    }

    private let state = Mutex(State())

    /// Creates the event of a request that just came in.
    public init(request: HTTPRequest, remoteAddress: String? = nil, isSecure: Bool = false) {
        self.request = request
        self.remoteAddress = remoteAddress
        self.isSecure = isSecure
    }

    /// The fields to send with the response: `Set-Cookie`, `Cache-Control` and `Vary` where a session asks for them, and
    /// what the caller adds.
    public var responseFields: HTTPFields {
        get { self.state.withLock { $0.responseFields } }
        set { self.state.withLock { $0.responseFields = newValue } }
    }

    /// Changes ``responseFields`` as one step that nothing can come between.
    public func withResponseFields<Result>(_ body: (inout HTTPFields) -> sending Result) -> sending Result {
        self.state.withLock { $0.changeFields(body) }
    }

    /// R23: tells caches that the response depends on the cookie, and on the token's field if there is one.
    func addVary(tokenField: HTTPField.Name?) {
        self.state.withLock { $0.depend(on: tokenField) }
    }

    /// R23: changes the fields and keeps caches from the one of that name.
    func withUnstorable(_ name: HTTPField.Name, _ body: (inout HTTPFields) -> Void) {
        self.state.withLock { state in
            if !state.unstorable.contains(name) { state.unstorable.append(name) }
            state.changeFields { fields in
                body(&fields)
                fields.forbidStoring(name)
            }
        }
    }

    /// Whether ``apply(to:)`` was called: from then on a session can't send a cookie, and what would need one throws
    /// ``SessionError/Code/headSent`` before it changes anything.
    public var isHeadSent: Bool { self.state.withLock { $0.isHeadSent } }

    /// Notes that the response's head is made.
    func closeHead() {
        self.state.withLock { $0.isHeadSent = true }
    }

    /// The fields that a session sends and no cache may keep.
    var unstorable: [HTTPField.Name] { self.state.withLock { $0.unstorable } }

    /// The sessions that were set up.
    var slots: [SessionSlot] { self.state.withLock { $0.slots } }

    /// Returns the session of that name, or the first one that was set up; `nil` if there is none.
    func slot(_ name: String?) -> SessionSlot? {
        self.state.withLock { $0.slot(name) }
    }

    /// Returns the session of that name, which has to be set up.
    func requiredSlot(_ name: String?) throws(SessionError) -> SessionSlot {
        guard let slot = self.slot(name) else {
            let which = name.map { "the session \($0)" } ?? "a session"
            throw SessionError(.notStarted, "\(which) was not set up for this event; call useSession first")
        }
        return slot
    }

    /// Sets a session up unless there is one of its name; returns the one that is there. Throws if another one has its cookie.
    func add(_ slot: SessionSlot) throws(SessionError) -> SessionSlot {
        try self.state.withLock { state throws(SessionError) in
            if let existing = state.slot(slot.core.name) { return existing }
            if let other = state.slot(cookieName: slot.core.cookie.name) {
                throw ConfigurationCheck.invalid(
                    "the sessions \(other.core.name) and \(slot.core.name) have the same cookie; rename one of them")
            }
            state.add(slot)
            return slot
        }
    }
}

extension SessionEvent: CustomReflectable {
    /// Shows method and path only: cookies are not for logs (R07).
    public var customMirror: Mirror {
        Mirror(self, children: ["method": self.request.method.rawValue, "path": self.request.path ?? ""])
    }
}
