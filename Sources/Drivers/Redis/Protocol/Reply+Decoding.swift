import KVStorage

/// What a reply says to one who knows which kind to expect; everything else throws.
extension Reply {
    func bytesOrNull(_ key: String?) throws(StorageError) -> [UInt8]? {
        switch self {
        case .bytes(let bytes): return bytes
        case .null: return nil
        default: throw self.unexpected(key)
        }
    }

    func integer(_ key: String?) throws(StorageError) -> Int64 {
        guard case .integer(let value) = self else { throw self.unexpected(key) }
        return value
    }

    func expectOK(_ key: String?) throws(StorageError) {
        guard case .ok = self else { throw self.unexpected(key) }
    }

    /// Returns an array's elements.
    ///
    /// - Parameter count: How many there have to be, if that is known.
    func elements(count: Int? = nil, _ key: String?) throws(StorageError) -> [Reply] {
        guard case .array(let elements) = self, count == nil || elements.count == count else {
            throw self.unexpected(key)
        }
        return elements
    }

    /// Whether the server refused a script before it ran anything, as it does not know the digest.
    var isUnknownScript: Bool {
        guard case .error(let error) = self else { return false }
        return error.code == "NOSCRIPT"
    }

    /// The first of several replies that is an error, or else the last.
    static func summary(of replies: some Collection<Reply>) -> Reply {
        var last = Reply.null
        for reply in replies {
            if case .error = reply { return reply }
            last = reply
        }
        return last
    }

    /// The error that the reply is, or that it is of the wrong kind.
    func unexpected(_ key: String?) -> StorageError {
        if case .error(let error) = self { return StorageError(redis: error, key: key) }
        return StorageError(
            .incompatibleFormat,
            "the server's answer is not of the kind that Redis gives to this command; is something else in between?",
            key: key
        )
    }
}

extension CommandWriter {
    /// Appends a number, or an empty word for none.
    mutating func optionalWord(_ number: Int64?) {
        if let number { self.word(number) } else { self.word("") }
    }
}

extension WriteOptions {
    /// The lifetime as the server takes it.
    var milliseconds: Int64? { self.ttl.redisMilliseconds }

    /// Whether an existing item keeps its lifetime and a new one gets another, which no single command does.
    var keepsOrCreates: Bool { self.keepsDeadline && self.milliseconds != nil }

    /// The lifetime as `SET` takes it, which knows none that is over: one whose end came just now lasts for a millisecond.
    var leastMilliseconds: Int64? { self.milliseconds.map { max($0, 1) } }

    /// Whether an item that does not keep its lifetime is absent as soon as it is written.
    var isOver: Bool { self.milliseconds == 0 }
}

extension TTL {
    /// The lifetime as the server takes it, by its own clock from now on; 0 if its end has come.
    ///
    /// ``KVStorage/TTL/until(_:)`` is a time by the clock of this machine, as is ``KVStorage/ItemMeta/deadline``: so clocks that
    /// differ make no item live longer.
    var redisMilliseconds: Int64? { self.duration(at: SystemClock().now).map { max(0, $0.redisMilliseconds) } }
}

extension Duration {
    /// The duration in milliseconds, rounded up, at most 285,000 years: what the server can add to its clock, and what Lua
    /// can count exactly (2^53).
    var redisMilliseconds: Int64 { min(self.wholeMilliseconds, 9_000_000_000_000_000) }
}

extension StorageError {
    /// Translates what a server refused a command with; the one place where that is done.
    init(redis error: RedisServerError, key: String?) {
        let (code, advice): (Code, String) =
            switch error.code {
            case "NOAUTH", "WRONGPASS", "NOPERM":
                (.permissionDenied, "the server does not allow it to this user")
            case "OOM":
                (.full, "the server's memory is full; nothing was written, raise its maxmemory or make room")
            case "READONLY":
                (.readOnly, "the server is a replica that takes no writes; connect to its master")
            case "WRONGTYPE":
                (.incompatibleFormat, "another program keeps something other than a string under this key")
            case "LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS":
                (.unavailable, "the server can't serve now; try again later")
            case "MISCONF":
                (.inputOutput, "the server can't save its data and so takes no writes; look at its log")
            case "MOVED", "ASK", "CROSSSLOT":
                (
                    .invalidOption,
                    "the server is part of a cluster; use redis-cluster:// instead of redis://, or rediss-cluster:// over TLS"
                )
            default:
                (.inputOutput, "the server refused the command")
            }
        self.init(code, "\(advice): \(error.description)", key: key, underlying: error)
    }
}
