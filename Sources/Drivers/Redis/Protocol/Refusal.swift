import KVStorage

/// A server refused a command, and did nothing, because it is not the one to ask now: the command may be sent again.
struct Refusal {
    let error: RedisServerError
    /// Whether another server may have taken its place under its name, so that the name is to be looked up again.
    let isDemoted: Bool

    /// Returns `nil` if the reply is one for the caller.
    init?(_ reply: Reply) {
        guard case .error(let error) = reply else { return nil }
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
