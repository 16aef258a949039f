public import KVStorage

extension RedisDriver {
    /// Carries out the writes as one transaction (`MULTI`); in a cluster one for each slot.
    public func apply(_ mutations: [Mutation]) async throws(StorageError) -> Int {
        guard !mutations.isEmpty else { return 0 }
        for case .set(let key, let value, _) in mutations { try Self.checkSize(key, value) }
        let groups = self.client.groups(of: mutations.lazy.map(\.key))
        let commands = groups.map { group in
            RedisCommand(key: mutations[group[0]].key, replies: .transaction(group.count * 2 + 2)) { writer in
                writer.encoded("*1\r\n$5\r\nMULTI\r\n")
                for index in group { self.write(mutations[index], to: &writer) }
                writer.encoded("*1\r\n$4\r\nEXEC\r\n")
            }
        }
        var removed = 0
        var done = 0
        var failure: StorageError?
        let replies = try await self.client.sendEach(commands, isRepeatable: false)
        for (group, reply) in zip(groups, replies) {
            guard case .array(let results) = reply, results.count == group.count * 2 else {
                failure = failure ?? reply.unexpected(group.count == 1 ? mutations[group[0]].key : nil)
                continue
            }
            for (position, index) in group.enumerated() {
                // The second of the two answers to each is the one that tells.
                let result = results[position * 2 + 1]
                switch (mutations[index], result) {
                case (_, .error):
                    failure = failure ?? result.unexpected(mutations[index].key)
                    continue
                case (.remove, .integer(let count)): removed += Int(count)
                default: break
                }
                done += 1
            }
        }
        guard let failure else { return removed }
        throw done == 0 ? failure : StorageError(partlyDone: done, of: mutations.count, failure)
    }

    /// Writes two commands.
    private func write(_ mutation: Mutation, to writer: inout RedisCommandWriter) {
        switch mutation {
        case .remove(let key):
            writer.encoded("*2\r\n$6\r\nUNLINK\r\n")
            self.keys.writeMeta(key, to: &writer)
            writer.encoded("*2\r\n$6\r\nUNLINK\r\n")
            self.keys.write(key, to: &writer)
        case .set(let key, let value, let options):
            let options = self.options(options)
            guard options.keepTTL, options.ttl != nil else {
                return self.writeSet(key, value, options, to: &writer)
            }
            writer.encoded("*2\r\n$6\r\nEXISTS\r\n")
            self.keys.write(key, to: &writer)
            // In full, as a digest that the server does not know would be found out in the middle of the transaction.
            writer.begin(7)
            writer.word("EVAL")
            writer.word(RedisScript.setKeeping.source)
            writer.word("2")
            self.keys.write(key, to: &writer)
            self.keys.writeMeta(key, to: &writer)
            writer.word(value)
            writer.optionalWord(options.milliseconds)
        }
    }
}
