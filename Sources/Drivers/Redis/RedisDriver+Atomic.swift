public import KVStorage

extension RedisDriver {
    /// Replaces the item if its bytes are as expected: by `SET NX` where there must be none, else by a script.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        if let replacement { try Self.checkSize(key, replacement) }
        let options = self.options(options)
        switch (expected, replacement) {
        case (nil, nil):
            let current = try await self.currentItem(key)
            return current == nil ? .swapped : .mismatch(current: current)
        case (nil, let replacement?):
            return try await self.create(key, replacement, options)
        case (let expected?, let replacement):
            if !self.customMetadata, let result = try await self.compareAndSwap(key, expected, replacement, options) {
                return result
            }
            let reply = try await self.runSwap(key, expected, replacement, options)
            if case .integer = reply { return .swapped }
            return .mismatch(current: try reply.bytesOrNull(key))
        }
    }

    private func runSwap(
        _ key: String,
        _ expected: [UInt8],
        _ replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> Reply {
        guard let replacement else { return try await self.run(.removeEqual, key, arguments: 1) { $0.word(expected) } }
        let ttl = options.milliseconds
        return try await self.run(.swap, key, arguments: 4) { writer in
            writer.word(expected)
            writer.word(replacement)
            writer.optionalWord(ttl)
            writer.word(options.keepTTL ? "1" : "0")
        }
    }

    /// Replaces or removes the item by a command that compares in the server, or returns `nil` if the server knows none.
    private func compareAndSwap(
        _ key: String,
        _ expected: [UInt8],
        _ replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult? {
        while true {
            guard replacement == nil ? self.knowledge.mayCompareRemoving : self.knowledge.mayCompare else { return nil }
            let reply = try await self.client.send(key, .one, isRepeatable: false) { writer in
                guard let replacement else {
                    writer.encoded("*3\r\n$7\r\nDELIFEQ\r\n")
                    self.keys.write(key, to: &writer)
                    return writer.word(expected)
                }
                // An item that is as expected is there, and so keeps its lifetime if it is to keep any.
                let ttl = options.keepTTL ? nil : options.milliseconds
                writer.begin(options.keepTTL ? 6 : ttl == nil ? 5 : 7)
                writer.encoded("$3\r\nSET\r\n")
                self.keys.write(key, to: &writer)
                writer.word(replacement)
                writer.encoded("$4\r\nIFEQ\r\n")
                writer.word(expected)
                if options.keepTTL { writer.encoded("$7\r\nKEEPTTL\r\n") }
                if let ttl {
                    writer.encoded("$2\r\nPX\r\n")
                    writer.word(ttl)
                }
            }
            switch reply {
            case .ok, .integer(1):
                return .swapped
            case .null, .integer(0):
                // If the item has become what was expected meanwhile, it was something else before.
                let current = try await self.currentItem(key)
                if current != expected { return .mismatch(current: current) }
            case .error(let error) where replacement == nil && error.description.hasPrefix("ERR unknown command"):
                self.knowledge.noteComparingRemovalUnknown()
            case .error(let error) where replacement != nil && error.description.hasPrefix("ERR syntax error"):
                self.knowledge.noteComparingUnknown()
            default:
                throw reply.unexpected(key)
            }
        }
    }

    /// Returns the item's bytes as its master has them: what is decided by them must not rest on an older state.
    private func currentItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        let reply = try await self.client.send(key, .one, isRepeatable: true) { writer in
            writer.encoded("*2\r\n$3\r\nGET\r\n")
            self.keys.write(key, to: &writer)
        }
        return try reply.bytesOrNull(key)
    }

    private func create(
        _ key: String,
        _ value: [UInt8],
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        if self.dropsLeftovers {
            let ttl = options.milliseconds
            let reply = try await self.run(.create, key, arguments: 2) { writer in
                writer.word(value)
                writer.optionalWord(ttl)
            }
            if case .integer = reply { return .swapped }
            return .mismatch(current: try reply.bytesOrNull(key))
        }
        while true {
            let reply = try await self.client.send(key, .one, isRepeatable: false) { writer in
                writer.begin(options.ttl == nil ? 4 : 6)
                writer.word("SET")
                self.keys.write(key, to: &writer)
                writer.word(value)
                writer.word("NX")
                if let ttl = options.milliseconds {
                    writer.word("PX")
                    writer.word(ttl)
                }
            }
            if case .ok = reply { return .swapped }
            guard case .null = reply else { throw reply.unexpected(key) }
            // If the item went meanwhile, there was a moment at which it could have been created.
            if let current = try await self.currentItem(key) { return .mismatch(current: current) }
        }
    }

    /// Returns the item's bytes and removes it, in one script.
    public func takeItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.run(.take, key).bytesOrNull(key)
    }

    /// Gives the item a new lifetime, in one script; without ``Configuration/customMetadata`` by `PEXPIRE` where it can be.
    public func touchItem(_ key: String, ttl: Duration?) async throws(StorageError) -> Bool {
        let ttl = ttl?.redisMilliseconds
        if let ttl, !self.customMetadata {
            return try await self.client.send(key, .one, isRepeatable: false) { writer in
                writer.encoded("*3\r\n$7\r\nPEXPIRE\r\n")
                self.keys.write(key, to: &writer)
                writer.word(ttl)
            }.integer(key) > 0
        }
        return try await self.run(.touch, key, arguments: 1) { $0.optionalWord(ttl) }.integer(key) > 0
    }

    /// Adds to the number by `INCRBY`, in a script where the lifetime changes.
    public func incrementItem(
        _ key: String,
        by amount: Int,
        _ options: WriteOptions
    ) async throws(StorageError) -> Int {
        let options = self.options(options)
        let reply: Reply
        if options.keepTTL, options.ttl == nil, !self.dropsLeftovers {
            reply = try await self.client.send(key, .one, isRepeatable: false) { writer in
                writer.begin(3)
                writer.word("INCRBY")
                self.keys.write(key, to: &writer)
                writer.word(Int64(amount))
            }
        } else {
            let ttl = options.milliseconds
            reply = try await self.run(.increment, key, arguments: 3) { writer in
                writer.word(Int64(amount))
                writer.optionalWord(ttl)
                writer.word(options.keepTTL ? "1" : "0")
            }
        }
        switch reply {
        case .integer(let sum):
            return Int(sum)
        case .bytes(let digits):
            guard let sum = Int(String(decoding: digits, as: UTF8.self)) else { throw reply.unexpected(key) }
            return sum
        case .error(let error) where error.description.contains("not an integer"):
            return try await self.incrementText(key, by: amount, options)
        case .error(let error) where error.description.contains("would overflow"):
            throw StorageError(
                .overflow,
                "incrementing by \(amount) would leave the range of a 64-bit integer",
                key: key,
                underlying: error
            )
        default:
            throw reply.unexpected(key)
        }
    }

    /// Adds to what the server takes for no number, such as `007`, which other drivers do; most often it is none.
    private func incrementText(
        _ key: String,
        by amount: Int,
        _ options: WriteOptions
    ) async throws(StorageError) -> Int {
        var current = try await self.currentItem(key)
        while true {
            let (sum, bytes) = try StoredInteger.increment(current, by: amount, key: key)
            switch try await self.compareAndSwapItem(key, expected: current, replacement: bytes, options) {
            case .swapped: return sum
            case .mismatch(let other): current = other
            }
        }
    }
}
