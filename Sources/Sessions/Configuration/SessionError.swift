import KVStorage

/// What went wrong in a session call and what to do about it.
///
/// Every session function throws this type and no other, except that what the caller's own closure throws passes through
/// unchanged. Having no session is no error: ``getSession(_:as:name:)`` answers `nil`.
public struct SessionError: Error, Sendable {
    /// The kind of failure, for programs to branch on.
    public var code: Code { self.parts.code }

    /// One sentence for a person: what happened and what to do.
    ///
    /// It never contains a session ID, a secret or a value of the session.
    public var message: String { self.parts.message }

    /// The error of the storage or the codec below, where there was one.
    public var underlying: (any Error)? { self.parts.underlying }

    // One word wide, so that a typed throw passes it in a register.
    private let parts: Parts

    /// Creates an error of the given kind.
    public init(_ code: Code, _ message: String, underlying: (any Error)? = nil) {
        self.parts = Parts(code: code, message: message, underlying: underlying)
    }

    /// Creates the error for a call that the storage failed.
    init(_ error: StorageError, while doing: String) {
        self.init(.storage, "the session storage failed while \(doing)", underlying: error)
    }

    private final class Parts: Sendable {
        let code: Code
        let message: String
        let underlying: (any Error)?

        init(code: Code, message: String, underlying: (any Error)?) {
            self.code = code
            self.message = message
            self.underlying = underlying
        }
    }
}

extension SessionError: CustomStringConvertible {
    /// The code, the message, and the error below if there was one.
    public var description: String {
        let cause = self.underlying.map { " (\($0))" } ?? ""
        return "\(self.code): \(self.message)\(cause)"
    }
}
