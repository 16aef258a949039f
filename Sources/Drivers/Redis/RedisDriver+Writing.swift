public import KVStorage

extension RedisDriver {
    /// Stores the bytes by `SET`, with `PX` for a lifetime; whatever else another program kept there is replaced.
    public func setItem(_ key: String, _ value: [UInt8], _ options: WriteOptions) async throws(StorageError) {
        try Self.checkSize(key, value)
        if options.isOver, !options.keepsDeadline {
            _ = try await self.removeItem(key)
        } else if options.keepsOrCreates || self.dropsLeftovers {
            _ = try await self.run(.set, key, arguments: 3) { writer in
                writer.word(value)
                writer.optionalWord(options.milliseconds)
                writer.word(options.keepsDeadline ? "1" : "0")
            }.integer(key)
        } else if self.customMetadata {
            let reply = try await self.client.send(key, .each(2), isRepeatable: false) { writer in
                self.writeMetaLifetime(key, options, to: &writer)
                self.writeSet(key, value, options, to: &writer)
            }
            try reply.expectOK(key)
        } else {
            let reply = try await self.client.send(key, .one, isRepeatable: false) { writer in
                self.writeSet(key, value, options, to: &writer)
            }
            try reply.expectOK(key)
        }
    }

    /// Removes the item with its metadata.
    ///
    /// - Throws: `StorageError.Code.incompatibleFormat` if another program keeps something other than a string there, which
    ///   stays; without ``Configuration/customMetadata`` that is removed like an item.
    public func removeItem(_ key: String) async throws(StorageError) -> Bool {
        guard !self.customMetadata else { return try await self.run(.remove, key).integer(key) > 0 }
        return try await self.client.send(key, .one, isRepeatable: false) { writer in
            self.writeUnlink([key], to: &writer)
        }.integer(key) > 0
    }

    /// Replaces the item if its bytes are as expected: by `SET NX` where there must be none, else by a script.
    public func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ options: WriteOptions
    ) async throws(StorageError) -> CompareAndSwapResult {
        var replacement = replacement
        if let replacement { try Self.checkSize(key, replacement) }
        // An item that is absent as soon as it is written.
        if options.isOver, expected == nil || !options.keepsDeadline { replacement = nil }
        switch (expected, replacement) {
        case (nil, nil):
            let current = try await self.currentItem(key)
            return current == nil ? .swapped : .mismatch(current: current)
        case (nil, let replacement?):
            return try await self.create(key, replacement, options)
        case (let expected?, let replacement):
            return try await self.swap(key, expected, replacement, options)
        }
    }

    /// Gives the item a new lifetime, in one script; without ``Configuration/customMetadata`` by `PEXPIRE` where it can be.
    public func touchItem(_ key: String, ttl: TTL) async throws(StorageError) -> Bool {
        if ttl.keepsDeadline {
            // Asked of the master, as after any other write.
            return try await self.client.send(key, .one, isRepeatable: true) { writer in
                writer.encoded("*2\r\n$6\r\nEXISTS\r\n")
                self.keys.write(key, to: &writer)
            }.integer(key) > 0
        }
        if let milliseconds = ttl.redisMilliseconds, !self.customMetadata {
            return try await self.client.send(key, .one, isRepeatable: false) { writer in
                self.writeExpire(key, milliseconds, to: &writer)
            }.integer(key) > 0
        }
        return try await self.run(.touch, key, arguments: 1) { $0.optionalWord(ttl.redisMilliseconds) }.integer(key) > 0
    }

    /// Returns the item's bytes and removes it, in one script.
    public func takeItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        try await self.run(.take, key).bytesOrNull(key)
    }

    /// Adds to the number by `INCRBY`, in a script where the lifetime changes.
    public func incrementItem(
        _ key: String,
        by amount: Int,
        _ options: WriteOptions
    ) async throws(StorageError) -> Int {
        let reply: Reply
        if options.keepsDeadline, options.milliseconds == nil, !self.dropsLeftovers {
            reply = try await self.client.send(key, .one, isRepeatable: false) { writer in
                writer.begin(3)
                writer.word("INCRBY")
                self.keys.write(key, to: &writer)
                writer.word(Int64(amount))
            }
        } else {
            reply = try await self.run(.increment, key, arguments: 3) { writer in
                writer.word(Int64(amount))
                writer.optionalWord(options.milliseconds)
                writer.word(options.keepsDeadline ? "1" : "0")
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

    /// Keeps custom metadata under the item's key with a `$`, for as long as the item lives.
    ///
    /// - Throws: `StorageError.Code.notSupported` without ``Configuration/customMetadata``,
    ///   `StorageError.Code.incompatibleFormat` if another program keeps something other than a string under the key.
    public func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        guard self.customMetadata else {
            throw StorageError(
                .notSupported,
                "this Redis driver keeps no custom metadata; leave its configuration's customMetadata at true",
                key: key)
        }
        guard let fields else { return try await self.run(.removeMeta, key).integer(key) > 0 }
        try Self.checkSize(key, fields)
        self.knowledge.noteMetadata()
        return try await self.run(.setMeta, key, arguments: 1) { $0.word(fields) }.integer(key) > 0
    }

    /// Carries out the writes in one script; in a cluster in one for each slot, all at the same time.
    ///
    /// A server that is out of memory refuses a script that stores anything as a whole; one that only removes and touches goes
    /// through. What may have run is never repeated.
    /// - Throws: `StorageError.Code.partlyDone` if some slots' writes were done, or may have been, and others were not;
    ///   `StorageError.Code.tooLarge` for several hundred thousand writes at once.
    public func apply(_ mutations: [Mutation]) async throws(StorageError) -> [Bool] {
        guard !mutations.isEmpty else { return [] }
        try self.validate(mutations)
        let groups = self.client.groups(of: mutations.map(\.key))
        var steps: [Step] = []
        for group in groups { steps.append(try self.step(group.map { mutations[$0] })) }
        let replies = try await self.client.runEach(steps.map(\.command), isRepeatable: false)
        var found = [Bool](repeating: true, count: mutations.count)
        var done = 0
        var failure: StorageError?
        for (index, group) in groups.enumerated() {
            do throws(StorageError) {
                let answers = try steps[index].found(replies[index])
                for (position, wasFound) in zip(group, answers) {
                    if case .set = mutations[position] { continue }
                    found[position] = wasFound
                }
                done += group.count
            } catch {
                failure = failure ?? error
            }
        }
        guard let failure else { return found }
        throw done == 0 ? failure : StorageError(partlyDone: done, of: mutations.count, failure)
    }

    /// Checks and writes in one script.
    ///
    /// In a cluster all keys have to have one slot, as they do with a common hash tag (`{ada}:profile`, `{ada}:orders`) or with
    /// one in the ``Configuration/prefix``. While that slot moves to another node, a commit on items of which some have moved
    /// waits until all have, as long as a call may take. A server that is out of memory refuses a commit that stores anything
    /// as a whole; one that only removes and touches goes through. What may have run is never repeated.
    /// - Throws: `StorageError.Code.notSupported`, before anything is sent, if a cluster's keys have several slots;
    ///   `StorageError.Code.tooLarge` for several hundred thousand writes at once.
    public func commit(_ commit: Commit) async throws(StorageError) -> CommitOutcome {
        let keys = commit.keys
        guard !keys.isEmpty else { return .committed(found: []) }
        try self.validate(commit.mutations)
        for check in commit.checks {
            if case .bytes(let bytes) = check.condition { try Self.checkSize(check.key, bytes) }
        }
        guard self.client.groups(of: keys).count == 1 else {
            throw StorageError(
                .notSupported,
                "a cluster commits keys of one slot only; name them with a common {hash tag}, as in {ada}:profile and "
                    + "{ada}:orders, or give the driver's prefix one"
            )
        }
        let batch = try Batch(
            checks: commit.checks, commit.mutations, self.keys, hasMetadata: self.customMetadata)
        let replies = try await self.client.runEach([batch.command], isRepeatable: commit.mutations.isEmpty)
        return try batch.outcome(replies[0])
    }
}

// MARK: - Parts

extension RedisDriver {
    /// What is sent as one, and how its answer is read.
    private enum Step {
        case plain(Command)
        case batch(Batch)

        var command: Command {
            switch self {
            case .plain(let command): command
            case .batch(let batch): batch.command
            }
        }

        /// Returns whether each mutation's item was there.
        func found(_ reply: Reply) throws(StorageError) -> [Bool] {
            switch self {
            case .plain(let command):
                if case .ok = reply { return [true] }
                return [try reply.integer(command.key) > 0]
            case .batch(let batch):
                guard case .committed(let found) = try batch.outcome(reply) else { throw reply.unexpected(nil) }
                return found
            }
        }
    }

    private func step(_ mutations: [Mutation]) throws(StorageError) -> Step {
        if mutations.count == 1, !self.customMetadata, let command = self.plainCommand(mutations[0]) {
            return .plain(command)
        }
        return .batch(try Batch(mutations, self.keys, hasMetadata: self.customMetadata))
    }

    /// Returns the one command that a write of an item without metadata is, or `nil` if it is none.
    private func plainCommand(_ mutation: Mutation) -> Command? {
        switch mutation {
        case .set(let key, let value, let options, _):
            guard !options.keepsOrCreates, !options.isOver else { return nil }
            return Command(key: key) { self.writeSet(key, value, options, to: &$0) }
        case .remove(let key):
            return Command(key: key) { self.writeUnlink([key], to: &$0) }
        case .touch(let key, let ttl):
            guard !ttl.keepsDeadline, let milliseconds = ttl.redisMilliseconds else { return nil }
            return Command(key: key) { self.writeExpire(key, milliseconds, to: &$0) }
        }
    }

    private func validate(_ mutations: [Mutation]) throws(StorageError) {
        for mutation in mutations {
            try self.requireFields(of: mutation)
            guard case .set(let key, let value, _, let fields) = mutation else { continue }
            try Self.checkSize(key, value)
            guard case .replace(let bytes?) = fields else { continue }
            try Self.checkSize(key, bytes)
            self.knowledge.noteMetadata()
        }
    }

    static func checkSize(_ key: String, _ value: [UInt8]) throws(StorageError) {
        guard value.count <= Self.maximumBytes, key.utf8.count <= Self.maximumBytes else {
            throw StorageError(.tooLarge, "Redis takes keys and values of at most 512 MiB; store less", key: key)
        }
    }
}
