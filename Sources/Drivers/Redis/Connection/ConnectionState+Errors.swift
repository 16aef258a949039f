import KVStorage

extension ConnectionState {
    static var closedError: StorageError {
        StorageError(.closed, "the Redis driver was disposed; create a new one")
    }

    static var cancelledError: StorageError {
        StorageError(.cancelled, "the task was cancelled before the command was sent; nothing was changed")
    }

    var overloadedError: StorageError {
        StorageError(
            .overloaded,
            "\(self.commands.count) commands wait for \(self.place) already; call less at a time, or raise "
                + "maximumQueuedCommands or maximumQueuedBytes"
        )
    }

    /// For a command that nothing is known of but that it was handed over.
    func lostError(_ reason: StorageError) -> StorageError {
        StorageError(
            .connectionLost,
            "the connection to \(self.place) broke while the command may have run: \(reason.message)",
            underlying: reason.underlying
        )
    }

    /// For a command that the connection broke at too often.
    func brokenError(_ command: borrowing PendingCommand, _ reason: StorageError) -> StorageError {
        // A write that was handed over in full is not repeated: this one never was.
        let effect = command.isRepeatable ? "" : "; nothing was changed"
        return StorageError(
            command.isRepeatable ? .connectionLost : .unavailable,
            "the connection to \(self.place) broke \(command.breaks) times while the command was sent or "
                + "answered\(effect): \(reason.message)",
            underlying: reason.underlying
        )
    }

    /// For a command that goes elsewhere, as nothing came of it here.
    func unsent(_ reason: StorageError, isSuspect: Bool = false) -> StorageError {
        StorageError(
            reason.code, reason.message, underlying: Unsent(reason: reason, isSuspect: isSuspect))
    }

    /// For a command whose deadline passed before it was handed over: whatever kept it, nothing was changed.
    var unsentError: StorageError {
        let effect = "the command could not be sent to \(self.place) in time; nothing was changed"
        guard self.phase != .ready, let lastFailure = self.lastFailure else {
            return StorageError(.unavailable, effect)
        }
        // A login that is refused is refused before anything is sent as well, and says what has to be mended.
        let code = lastFailure.code == .permissionDenied ? lastFailure.code : .unavailable
        return StorageError(code, "\(effect): \(lastFailure.message)", underlying: lastFailure.underlying)
    }

    /// For a command whose deadline passed while its reply was awaited.
    func unansweredError(_ command: borrowing PendingCommand) -> StorageError {
        let effect = command.isRepeatable ? "" : "; the command may have run, or run later"
        return StorageError(.timeout, "\(self.place) did not answer in time\(effect)")
    }

    var silenceError: StorageError {
        StorageError(.timeout, "no byte came or went for as long as a command may take")
    }
}

/// Nothing came of a command, so that it may be sent to another server: it was not sent, or only reads.
struct Unsent: Error {
    /// What to tell if there is no other server.
    let reason: StorageError
    /// Whether the connection broke while it was being written or answered, so that it may be the cause.
    var isSuspect = false
}
