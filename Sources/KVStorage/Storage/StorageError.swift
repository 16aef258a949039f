#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// What went wrong in a storage call, where, and what to do about it.
///
/// Every call of ``Storage`` and ``StorageDriver`` throws this type and no other. Absence is never an error: reading
/// what is not there answers `nil`, removing it succeeds.
public struct StorageError: Error, Sendable {
    /// The kind of failure, for programs to branch on.
    public var code: Code { self.parts.code }

    /// One sentence for a person: what happened and what to do.
    ///
    /// It never contains a value, a secret or a credential.
    public var message: String { self.parts.message }

    /// The key that the call named, as its caller wrote it after normalisation; `nil` where a call names no single key.
    public var key: String? { self.parts.key }

    /// The error of the engine or the codec below, where there was one.
    public var underlying: (any Error)? { self.parts.underlying }

    // One word wide, so that a typed throw passes it in a register.
    private let parts: Parts

    /// Creates an error of the given kind.
    public init(_ code: Code, _ message: String, key: String? = nil, underlying: (any Error)? = nil) {
        self.parts = Parts(code: code, message: message, key: key, underlying: underlying)
    }

    /// Returns the same error naming another key: drivers see relative keys, callers are told theirs.
    package func naming(_ key: String?) -> StorageError {
        guard let key, !(self.key.map { keysEqual($0, key) } ?? false) else { return self }
        return StorageError(self.code, self.message, key: key, underlying: self.underlying)
    }

    /// Returns the error of a call that was to do many things and ended early: if something was done, its code says so.
    package func afterPart(_ part: String, isDone: Bool) -> StorageError {
        guard isDone else { return self }
        return StorageError(
            .partlyDone,
            "\(part), then the call ended: \(self.message)",
            key: self.key,
            underlying: self.underlying ?? self
        )
    }

    private final class Parts: Sendable {
        let code: Code
        let message: String
        let key: String?
        let underlying: (any Error)?

        init(code: Code, message: String, key: String?, underlying: (any Error)?) {
            self.code = code
            self.message = message
            self.key = key
            self.underlying = underlying
        }
    }
}

extension StorageError: CustomStringConvertible {
    /// The code, the key in quotes if there is one, and the message.
    public var description: String {
        let place = self.key.map { " [\"\($0)\"]" } ?? ""
        return "\(self.code)\(place): \(self.message)"
    }
}

extension StorageError: LocalizedError {
    /// The message, which is what many loggers print: they ask for the `localizedDescription`.
    public var errorDescription: String? { self.message }
}
