public import KVStorage

extension RedisDriver {
    /// Returns the items by `MGET`: by one for as many as are likely to be few megabytes, as the values have been until now.
    public func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        var values: [[UInt8]?] = []
        values.reserveCapacity(keys.count)
        while values.count < keys.count {
            let part = Array(keys[values.count...].prefix(self.knowledge.itemsPerRead))
            let found = try await self.read(part)
            self.knowledge.noteRead(items: found.count, bytes: found.reduce(0) { $0 + ($1?.count ?? 0) })
            values += found
        }
        return values
    }

    private func read(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] {
        let groups = self.client.groups(of: keys)
        let commands = groups.flatMap { group in
            // `MGET` is silent about what is no string; how many keys there are tells.
            [self.command("MGET", on: group.map { keys[$0] }), self.command("EXISTS", on: group.map { keys[$0] })]
        }
        let replies = try await self.client.readEach(commands)
        var values: [[UInt8]?] = Array(repeating: nil, count: keys.count)
        var doubtful: [String] = []
        for (position, group) in groups.enumerated() {
            let elements = try replies[2 * position].elements(count: group.count, keys[group[0]])
            var found = 0
            for (index, element) in zip(group, elements) {
                values[index] = try element.bytesOrNull(keys[index])
                if values[index] != nil { found += 1 }
            }
            guard try replies[2 * position + 1].integer(keys[group[0]]) > found else { continue }
            for index in group where values[index] == nil { doubtful.append(keys[index]) }
        }
        // Mostly one that has come meanwhile; what is something else is an error, as for `getItem`.
        for key in doubtful { _ = try await self.getItem(key) }
        return values
    }

    private func command(_ name: StaticString, on keys: [String]) -> Command {
        Command(key: keys[0], replies: .one) { [names = self.keys] writer in
            writer.begin(keys.count + 1)
            writer.word(name)
            for key in keys { names.write(key, to: &writer) }
        }
    }

    /// Carries out the writes in one step; in a cluster in one for each slot.
    ///
    /// Writes are a transaction (`MULTI`) unless they are one command, which a server that is out of memory refuses as a whole. Removals alone are a
    /// script, or one command, and go through then.
    public func apply(_ mutations: [Mutation]) async throws(StorageError) -> Int {
        guard !mutations.isEmpty else { return 0 }
        for case .set(let key, let value, _) in mutations { try Self.checkSize(key, value) }
        let steps = self.client.groups(of: mutations.lazy.map(\.key)).map { group in
            self.step(group.map { mutations[$0] })
        }
        var removed = 0
        var done = 0
        var failure: StorageError?
        let replies = try await self.client.sendEach(steps.map(\.command), isRepeatable: false)
        for (step, reply) in zip(steps, replies) {
            let outcome = step.outcome(reply)
            removed += outcome.removed
            done += outcome.done
            failure = failure ?? outcome.failure
        }
        guard let failure else { return removed }
        throw done == 0 ? failure : StorageError(partlyDone: done, of: mutations.count, failure)
    }

    /// Removes items with their metadata in one step; all of them are on one node.
    func removal(of keys: [String]) -> Command {
        Command(key: keys[0], replies: .one) { writer in
            guard self.customMetadata else {
                writer.begin(keys.count + 1)
                writer.word("UNLINK")
                for key in keys { self.keys.write(key, to: &writer) }
                return
            }
            self.write(.removeAll, on: keys, to: &writer)
        }
    }

    /// Writes a script, in full, as a digest that the server does not know would be found out too late.
    private func write(_ script: Script, on keys: [String], to writer: inout CommandWriter) {
        writer.begin(3 + 2 * keys.count)
        writer.word("EVAL")
        writer.word(script.source)
        writer.word(Int64(2 * keys.count))
        for key in keys { self.keys.write(key, to: &writer) }
        for key in keys { self.keys.writeMeta(key, to: &writer) }
    }

    // MARK: - One step

    /// What is sent as one, and how its answer is read.
    private struct Step {
        var command: Command
        /// The key, if it concerns only one.
        var onlyKey: String?
        /// The transaction's mutations, each with the position of the answer that counts; `nil` for removals only.
        var answers: [(mutation: Mutation, position: Int)]?
        /// How many answers there are to a transaction, or how many removals.
        var count: Int

        /// Returns how many items were removed, how many of the mutations were done, and why others were not.
        func outcome(_ reply: Reply) -> (removed: Int, done: Int, failure: StorageError?) {
            guard let answers = self.answers else {
                guard case .integer(let count) = reply else { return (0, 0, reply.unexpected(self.onlyKey)) }
                return (Int(count), self.count, nil)
            }
            guard let results = self.results(reply) else { return (0, 0, reply.unexpected(self.onlyKey)) }
            var (removed, done, failure) = (0, 0, nil as StorageError?)
            for (mutation, position) in answers {
                switch (mutation, results[position]) {
                case (_, .error):
                    failure = failure ?? results[position].unexpected(mutation.key)
                    continue
                case (.remove, .integer(let count)): removed += Int(count)
                default: break
                }
                done += 1
            }
            return (removed, done, failure)
        }

        /// Returns the answers of all commands: what `EXEC` says, or the one of a command by itself.
        private func results(_ reply: Reply) -> [Reply]? {
            if self.count == 1, case .ok = reply { return [reply] }
            guard case .array(let results) = reply, results.count == self.count else { return nil }
            return results
        }
    }

    private func step(_ mutations: [Mutation]) -> Step {
        let removals = mutations.filter { if case .remove = $0 { true } else { false } }
        let onlyKey = mutations.count == 1 ? mutations[0].key : nil
        if removals.count == mutations.count {
            return Step(command: self.removal(of: removals.map(\.key)), onlyKey: onlyKey, count: removals.count)
        }
        // Those whose metadata may be a predecessor's.
        let created = mutations.compactMap { mutation -> String? in
            guard self.customMetadata, case .set(let key, _, let options) = mutation else { return nil }
            return self.dropsLeftovers || self.options(options).keepsOrCreates ? key : nil
        }
        var count = created.isEmpty ? 0 : 1
        var answers: [(Mutation, Int)] = []
        for mutation in mutations {
            count += self.commands(for: mutation)
            answers.append((mutation, count - 1))
        }
        if count == 1 {
            // By itself it is as much of one step as in a transaction, and refused as a whole.
            let command = Command(key: mutations[0].key, replies: .one) { self.write(mutations[0], to: &$0) }
            return Step(command: command, onlyKey: onlyKey, answers: answers, count: count)
        }
        let command = Command(key: mutations[0].key, replies: .transaction(count + 2)) { writer in
            writer.encoded("*1\r\n$5\r\nMULTI\r\n")
            if !created.isEmpty { self.write(.dropLeftovers, on: created, to: &writer) }
            for mutation in mutations { self.write(mutation, to: &writer) }
            writer.encoded("*1\r\n$4\r\nEXEC\r\n")
        }
        return Step(command: command, onlyKey: onlyKey, answers: answers, count: count)
    }

    /// How many commands ``write(_:to:)`` writes.
    private func commands(for mutation: Mutation) -> Int {
        if self.customMetadata { return 2 }
        guard case .set(_, _, let options) = mutation, self.options(options).keepsOrCreates else { return 1 }
        return 2
    }

    /// Writes the commands of one mutation, of which the last one's answer counts.
    private func write(_ mutation: Mutation, to writer: inout CommandWriter) {
        switch mutation {
        case .remove(let key):
            if self.customMetadata {
                writer.encoded("*2\r\n$6\r\nUNLINK\r\n")
                self.keys.writeMeta(key, to: &writer)
            }
            writer.encoded("*2\r\n$6\r\nUNLINK\r\n")
            self.keys.write(key, to: &writer)
        case .set(let key, let value, let options):
            let options = self.options(options)
            if options.keepsOrCreates {
                // No script, as a server refuses a script's writes one by one when it is out of memory, and not the whole
                // transaction. Nobody sees the empty item.
                writer.begin(6)
                writer.word("SET")
                self.keys.write(key, to: &writer)
                writer.word("")
                writer.word("PX")
                writer.optionalWord(options.milliseconds)
                writer.word("NX")
                return self.writeSet(key, value, WriteOptions(keepTTL: true), to: &writer)
            }
            if self.customMetadata { self.writeMetaLifeTime(key, options, to: &writer) }
            self.writeSet(key, value, options, to: &writer)
        }
    }
}
