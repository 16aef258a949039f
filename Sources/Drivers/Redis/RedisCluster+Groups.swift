import KVStorage

/// Calls on many items, which are split by slot and sent to all nodes at the same time.
extension RedisCluster {
    func groups(of keys: some Collection<String>) -> [[Int]] {
        var groups: [Int: [Int]] = [:]
        for (index, key) in keys.enumerated() { groups[self.keys.slot(of: key), default: []].append(index) }
        return groups.values.sorted { $0[0] < $1[0] }
    }

    func sendEach(_ commands: [RedisCommand], isRepeatable: Bool) async throws(StorageError) -> [RedisReply] {
        try self.begin()
        defer { self.end() }
        var patience = RedisPatience(self.options)
        let topology = try await self.topology(&patience)
        var indices: [RedisEndpoint?: [Int]] = [:]
        for (index, command) in commands.enumerated() {
            indices[topology.master(of: self.keys.slot(of: command.key)), default: []].append(index)
        }
        let results = await withTaskGroup(of: ([Int], Result<[RedisReply], StorageError>).self) { group in
            for (endpoint, indices) in indices {
                let commands = indices.map { commands[$0] }
                group.addTask {
                    do throws(StorageError) {
                        return (
                            indices, .success(try await self.send(commands, to: endpoint, isRepeatable: isRepeatable))
                        )
                    } catch {
                        return (indices, .failure(error))
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var replies = [RedisReply](repeating: .null, count: commands.count)
        for (indices, result) in results {
            for (index, reply) in zip(indices, try result.get()) { replies[index] = reply }
        }
        return replies
    }

    /// Sends commands to the node that is taken for their master; those that it does not take go their own ways.
    private func send(
        _ commands: [RedisCommand],
        to endpoint: RedisEndpoint?,
        isRepeatable: Bool
    ) async throws(StorageError) -> [RedisReply] {
        guard let first = commands.first else { return [] }
        let call = RedisClusterCall(self.keys.slot(of: first.key), isRepeatable: isRepeatable, self.options)
        var answers: [RedisReply?] = Array(repeating: nil, count: commands.count)
        var setbacks: [RedisSetback?] = Array(repeating: .unserved, count: commands.count)
        if let endpoint {
            let count = commands.reduce(0) { $0 + $1.replies.count }
            let outcome = try await self.attempt(call, at: endpoint, replies: count, collects: true) { writer in
                for command in commands { command.encode(&writer) }
            }
            switch outcome {
            case .failed(let setback):
                setbacks = Array(repeating: setback, count: commands.count)
            case .answered(let reply):
                var rest = try reply.elements(count: count, nil)[...]
                for (index, command) in commands.enumerated() {
                    let answer = RedisReply.summary(of: rest.prefix(command.replies.count))
                    rest = rest.dropFirst(command.replies.count)
                    setbacks[index] = RedisSetback(answer, from: endpoint)
                    answers[index] = answer
                }
            }
        }
        var replies: [RedisReply] = []
        for (index, command) in commands.enumerated() {
            if setbacks[index] == nil, let answer = answers[index] {
                replies.append(answer)
                continue
            }
            var single = call.for(slot: self.keys.slot(of: command.key))
            replies.append(
                try await self.settle(&single, command.replies.count, setbacks[index], command.encode))
        }
        return replies
    }
}
