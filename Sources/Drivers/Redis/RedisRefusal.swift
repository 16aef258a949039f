import KVStorage

/// A server refused a command, and did nothing, because it is not the one to ask now: the command may be sent again.
struct RedisRefusal {
    let error: RedisServerError
    /// Whether another server may have taken its place under its name, so that the name is to be looked up again.
    let isDemoted: Bool

    /// Returns `nil` if the reply is one for the caller.
    ///
    /// - Parameter collects: Whether it is an array of the replies to several commands, of which one may be refused.
    init?(_ reply: RedisReply, collects: Bool) {
        if case .error(let error) = reply {
            self.init(error)
        } else if collects, case .array(let replies) = reply {
            guard let refusal = replies.lazy.compactMap({ RedisRefusal($0, collects: false) }).first else { return nil }
            self = refusal
        } else {
            return nil
        }
    }

    private init?(_ error: RedisServerError) {
        switch error.code {
        case "READONLY", "MASTERDOWN": self.isDemoted = true
        case "LOADING": self.isDemoted = false
        default: return nil
        }
        self.error = error
    }

    /// What to tell the caller if no server takes the command in time.
    var storageError: StorageError { StorageError(redis: self.error, key: nil) }
}
