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
        return try await self.sendEach(commands, isRepeatable: isRepeatable, &patience)
    }

    /// Sends commands to the masters of their slots.
    func sendEach(
        _ commands: [RedisCommand],
        isRepeatable: Bool,
        _ patience: inout RedisPatience
    ) async throws(StorageError) -> [RedisReply] {
        let topology = try await self.topology(&patience)
        var indices: [RedisEndpoint?: [Int]] = [:]
        for (index, command) in commands.enumerated() {
            indices[topology.master(of: self.keys.slot(of: command.key)), default: []].append(index)
        }
        let parts = try await self.divide(commands, indices) { [patience] commands, endpoint throws(StorageError) in
            try await self.send(commands, to: endpoint, isRepeatable: isRepeatable, patience)
        }
        return parts.map { $0 ?? .null }
    }

    /// Sends each node its commands, all at the same time, and returns what came of each command in their order.
    ///
    /// - Parameter indices: The positions of each node's commands.
    func divide(
        _ commands: [RedisCommand],
        _ indices: [RedisEndpoint?: [Int]],
        _ send: @escaping @Sendable ([RedisCommand], RedisEndpoint?) async throws(StorageError) -> [RedisReply?]
    ) async throws(StorageError) -> [RedisReply?] {
        typealias Part = ([Int], Result<[RedisReply?], StorageError>)
        let parts = await withTaskGroup(of: Part.self) { group in
            for (endpoint, indices) in indices {
                let commands = indices.map { commands[$0] }
                group.addTask {
                    do throws(StorageError) {
                        // Bound first: Swift 6.3.1 miscompiles a tuple in whose later element a throwing `await` stands
                        // when it optimizes.
                        let replies = try await send(commands, endpoint)
                        return (indices, .success(replies))
                    } catch {
                        return (indices, .failure(error))
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var replies = [RedisReply?](repeating: nil, count: commands.count)
        for (indices, result) in parts {
            for (index, reply) in zip(indices, try result.get()) { replies[index] = reply }
        }
        return replies
    }

    /// Sends commands to the node that is taken for their master; those that it does not take go their own ways.
    private func send(
        _ commands: [RedisCommand],
        to endpoint: RedisEndpoint?,
        isRepeatable: Bool,
        _ patience: RedisPatience
    ) async throws(StorageError) -> [RedisReply] {
        guard let first = commands.first else { return [] }
        let call = RedisClusterCall(self.keys.slot(of: first.key), isRepeatable: isRepeatable, patience)
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
