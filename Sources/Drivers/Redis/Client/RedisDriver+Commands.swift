import KVStorage

/// The ways in which an item is compared and swapped, and what else a call that writes consists of.
extension RedisDriver {
    /// Replaces or removes what is as expected.
    func swap(
        _ key: String,
        _ expected: [UInt8],
        _ replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        if !self.customMetadata, let result = try await self.compareAndSwap(key, expected, replacement, options) {
            return result
        }
        let reply = try await self.runSwap(key, expected, replacement, options)
        if case .integer = reply { return .swapped }
        return .mismatch(current: try reply.bytesOrNull(key))
    }

    private func runSwap(
        _ key: String,
        _ expected: [UInt8],
        _ replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> Reply {
        guard let replacement else { return try await self.run(.removeEqual, key, arguments: 1) { $0.word(expected) } }
        return try await self.run(.swap, key, arguments: 4) { writer in
            writer.word(expected)
            writer.word(replacement)
            writer.optionalWord(options.milliseconds)
            writer.word(options.keepsDeadline ? "1" : "0")
        }
    }

    /// Replaces or removes the item by a command that compares in the server, or returns `nil` if the server knows none.
    private func compareAndSwap(
        _ key: String,
        _ expected: [UInt8],
        _ replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult? {
        var retries = SwapRetries()
        while true {
            guard replacement == nil ? self.knowledge.mayCompareRemoving : self.knowledge.mayCompare else { return nil }
            let reply = try await self.client.send(key, .one, isRepeatable: false) { writer in
                guard let replacement else {
                    writer.encoded("*3\r\n$7\r\nDELIFEQ\r\n")
                    self.keys.write(key, to: &writer)
                    return writer.word(expected)
                }
                // An item that is as expected is there, and so keeps its lifetime if it is to keep any.
                let ttl = options.keepsDeadline ? nil : options.leastMilliseconds
                writer.begin(options.keepsDeadline ? 6 : ttl == nil ? 5 : 7)
                writer.encoded("$3\r\nSET\r\n")
                self.keys.write(key, to: &writer)
                writer.word(replacement)
                writer.encoded("$4\r\nIFEQ\r\n")
                writer.word(expected)
                if options.keepsDeadline { writer.encoded("$7\r\nKEEPTTL\r\n") }
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
                _ = try await retries.next(key)
            case .error(let error) where replacement == nil && error.description.hasPrefix("ERR unknown command"):
                self.knowledge.noteComparingRemovalUnknown()
            case .error(let error) where replacement != nil && error.description.hasPrefix("ERR syntax error"):
                self.knowledge.noteComparingUnknown()
            default:
                throw reply.unexpected(key)
            }
        }
    }

    /// Creates the item if there is none.
    func create(
        _ key: String,
        _ value: [UInt8],
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        if self.dropsLeftovers {
            let reply = try await self.run(.create, key, arguments: 2) { writer in
                writer.word(value)
                writer.optionalWord(options.milliseconds)
            }
            if case .integer = reply { return .swapped }
            return .mismatch(current: try reply.bytesOrNull(key))
        }
        var retries = SwapRetries()
        while true {
            let reply = try await self.client.send(key, .one, isRepeatable: false) { writer in
                let ttl = options.leastMilliseconds
                writer.begin(ttl == nil ? 4 : 6)
                writer.word("SET")
                self.keys.write(key, to: &writer)
                writer.word(value)
                writer.word("NX")
                if let ttl {
                    writer.word("PX")
                    writer.word(ttl)
                }
            }
            if case .ok = reply { return .swapped }
            guard case .null = reply else { throw reply.unexpected(key) }
            // If the item went meanwhile, there was a moment at which it could have been created.
            if let current = try await self.currentItem(key) { return .mismatch(current: current) }
            _ = try await retries.next(key)
        }
    }

    /// Adds to what the server takes for no number, such as `007`, which other drivers do; most often it is none.
    func incrementText(
        _ key: String,
        by amount: Int,
        _ options: WriteOptions
    ) async throws(StorageError) -> Int {
        var retries = SwapRetries()
        var current = try await self.currentItem(key)
        while true {
            let (sum, bytes) = try StoredInteger.increment(current, by: amount, key: key)
            switch try await self.compareAndSwapItem(key, expected: current, replacement: bytes, options) {
            case .swapped: return sum
            case .mismatch(let other): current = other
            }
            if try await retries.next(key) { current = try await self.currentItem(key) }
        }
    }

    // MARK: - Commands

    /// Writes the command that stores an item.
    func writeSet(_ key: String, _ value: [UInt8], _ options: WriteOptions, to writer: inout CommandWriter) {
        let ttl = options.leastMilliseconds
        writer.begin(ttl != nil ? 5 : options.keepsDeadline ? 4 : 3)
        writer.encoded("$3\r\nSET\r\n")
        self.keys.write(key, to: &writer)
        writer.word(value)
        if let ttl {
            writer.encoded("$2\r\nPX\r\n")
            writer.word(ttl)
        } else if options.keepsDeadline {
            writer.encoded("$7\r\nKEEPTTL\r\n")
        }
    }

    /// Writes the command that gives metadata the same lifetime, which goes before the item's: where a connection breaks in
    /// between, metadata may be gone before its item, and never stay behind.
    func writeMetaLifetime(_ key: String, _ options: WriteOptions, to writer: inout CommandWriter) {
        if let ttl = options.leastMilliseconds {
            writer.encoded("*3\r\n$7\r\nPEXPIRE\r\n")
            self.keys.writeMeta(key, to: &writer)
            writer.word(ttl)
        } else if options.keepsDeadline {
            // An answer that costs nothing, so that every way has as many.
            writer.encoded("*2\r\n$6\r\nEXISTS\r\n")
            self.keys.write(key, to: &writer)
        } else {
            writer.encoded("*2\r\n$7\r\nPERSIST\r\n")
            self.keys.writeMeta(key, to: &writer)
        }
    }

    /// Writes the command that gives an item a lifetime; one of 0 removes it.
    func writeExpire(_ key: String, _ milliseconds: Int64, to writer: inout CommandWriter) {
        writer.encoded("*3\r\n$7\r\nPEXPIRE\r\n")
        self.keys.write(key, to: &writer)
        writer.word(milliseconds)
    }

    /// Writes the command that removes items and not their metadata.
    func writeUnlink(_ keys: [String], to writer: inout CommandWriter) {
        writer.begin(keys.count + 1)
        writer.encoded("$6\r\nUNLINK\r\n")
        for key in keys { self.keys.write(key, to: &writer) }
    }

    /// Runs a script on an item, and on its metadata where there may be any.
    func run(
        _ script: Script,
        _ key: String,
        onlyReads: Bool = false,
        arguments count: Int = 0,
        _ arguments: @Sendable (inout CommandWriter) -> Void = { _ in }
    ) async throws(StorageError) -> Reply {
        try await self.client.run(script, key, onlyReads: onlyReads, words: (self.customMetadata ? 2 : 1) + count) {
            writer in
            writer.encoded(self.customMetadata ? "$1\r\n2\r\n" : "$1\r\n1\r\n")
            self.keys.write(key, to: &writer)
            if self.customMetadata { self.keys.writeMeta(key, to: &writer) }
            arguments(&writer)
        }
    }

    /// Whether every write takes from a new item what metadata its predecessor left: in one script, which costs the server
    /// twice as much as `SET`, so only once this driver has met metadata. In a cluster, where a slot that moves would hold up
    /// scripts on two keys, it does not.
    var dropsLeftovers: Bool {
        self.customMetadata && !self.keys.isCluster && self.knowledge.hasMetadata
    }
}
