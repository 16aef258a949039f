extension SessionError {
    /// The kind of a ``SessionError``; an open set, so that a later version can add to it.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String, Sendable {
            case notStarted, typeMismatch, invalidConfiguration, gone, conflict, storage, encoding, tooLarge
            case noAddress, reauthenticationRequired, forbidden, notSupported, headSent, outcomeUnknown
            case undecodable, notAuthenticated, authenticationTooOld, invalidUser
        }

        private let value: Value

        private init(_ value: Value) {
            self.value = value
        }

        /// The name of the code, as in `SessionError.Code.gone`.
        public var description: String { self.value.rawValue }

        /// `useSession` was not called for this event, or not with this name.
        public static let notStarted = Code(.notStarted)
        /// The session of that name holds another type than the one asked for.
        public static let typeMismatch = Code(.typeMismatch)
        /// The configuration is impossible or insecure; nothing was set up.
        public static let invalidConfiguration = Code(.invalidConfiguration)
        /// The session was destroyed, revoked, regenerated or expired meanwhile; nothing was written.
        public static let gone = Code(.gone)
        /// Others kept changing the session during a bounded number of attempts; nothing was written.
        public static let conflict = Code(.conflict)
        /// The storage failed; see ``SessionError/underlying``. Whether there is a session is not known.
        public static let storage = Code(.storage)
        /// The value can't be expressed by the codec; nothing was written.
        public static let encoding = Code(.encoding)
        /// The data or the cookie would be larger than allowed; nothing was written.
        public static let tooLarge = Code(.tooLarge)
        /// Sessions are pinned to addresses, and this event has none; nothing was written.
        public static let noAddress = Code(.noAddress)
        /// The request comes from another address than the session was made for; only logging in again continues it.
        public static let reauthenticationRequired = Code(.reauthenticationRequired)
        /// The request does not prove that it comes from the session's own pages (CSRF).
        public static let forbidden = Code(.forbidden)
        /// The response's head was sent, and a cookie can't follow it; nothing was changed.
        public static let headSent = Code(.headSent)
        /// The storage's answer was lost, and what it did could not be read either: the session may have ended, and no new
        /// cookie was sent. Whoever has none that works logs in again.
        public static let outcomeUnknown = Code(.outcomeUnknown)
        /// What is stored can't be read as what the configuration says: data of another type or version, a damaged list.
        /// Nothing was changed.
        public static let undecodable = Code(.undecodable)
        /// Nobody is logged in.
        public static let notAuthenticated = Code(.notAuthenticated)
        /// The user proved who they are too long ago, or not by the methods that are asked for; have them do so again.
        public static let authenticationTooOld = Code(.authenticationTooOld)
        /// The user, the identifier or a method is empty or too long; nothing was changed.
        public static let invalidUser = Code(.invalidUser)
        /// The kind of session has no such ability, as listing has none where no records are kept.
        public static let notSupported = Code(.notSupported)
    }
}
