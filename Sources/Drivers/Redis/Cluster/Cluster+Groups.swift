import KVStorage

/// Calls on many items, which are split by slot and sent to all nodes at the same time.
extension Cluster {
    func groups(of keys: some Collection<String>) -> [[Int]] {
        var groups: [Int: [Int]] = [:]
        for (index, key) in keys.enumerated() { groups[self.keys.slot(of: key), default: []].append(index) }
        return groups.values.sorted { $0[0] < $1[0] }
    }

    func sendEach(_ commands: [Command], isRepeatable: Bool) async throws(StorageError) -> [Reply] {
        try self.begin()
        defer { self.end() }
        var retryBudget = RetryBudget(self.options)
        return try await self.sendEach(commands, isRepeatable: isRepeatable, &retryBudget)
    }

    /// Sends commands to the masters of their slots.
    func sendEach(
        _ commands: [Command],
        isRepeatable: Bool,
        _ retryBudget: inout RetryBudget
    ) async throws(StorageError) -> [Reply] {
        let topology = try await self.topology(&retryBudget)
        var indices: [Endpoint?: [Int]] = [:]
        for (index, command) in commands.enumerated() {
            indices[topology.master(of: self.keys.slot(of: command.key)), default: []].append(index)
        }
        let outcomes = await self.divide(commands, indices) { [retryBudget] commands, endpoint in
            await self.send(commands, to: endpoint, isRepeatable: isRepeatable, retryBudget)
        }
        return try Self.all(outcomes, isRepeatable: isRepeatable)
    }

    typealias Outcome = Result<Reply, StorageError>

    /// Sends each node its commands, all at the same time, and returns what came of each command in their order.
    ///
    /// - Parameter indices: The positions of each node's commands.
    func divide<Reply: Sendable>(
        _ commands: [Command],
        _ indices: [Endpoint?: [Int]],
        _ send: @escaping @Sendable ([Command], Endpoint?) async -> [Reply]
    ) async -> [Reply?] {
        let parts = await withTaskGroup(of: (indices: [Int], replies: [Reply]).self) { group in
            for (endpoint, indices) in indices {
                let commands = indices.map { commands[$0] }
                group.addTask {
                    // Bound first: when Swift 6.3.1 optimizes, it miscompiles tuples with a throwing `await` in a later
                    // element.
                    let replies = await send(commands, endpoint)
                    return (indices, replies)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        var replies = [Reply?](repeating: nil, count: commands.count)
        for (indices, part) in parts {
            for (index, reply) in zip(indices, part) { replies[index] = reply }
        }
        return replies
    }

    /// Returns the replies if there is one to each command.
    ///
    /// - Throws: What the first failed with; `StorageError.Code.partlyDone` if others, which were to change something,
    ///   were answered or may have run.
    private static func all(_ outcomes: [Outcome?], isRepeatable: Bool) throws(StorageError) -> [Reply] {
        var replies: [Reply] = []
        var failures: [StorageError] = []
        for outcome in outcomes {
            switch outcome {
            case .success(let reply): replies.append(reply)
            case .failure(let error): failures.append(error)
            case nil: replies.append(.null)
            }
        }
        guard let failure = failures.first else { return replies }
        if isRepeatable { throw failure }
        let done = replies.count { reply in if case .error = reply { false } else { true } }
        let isInDoubt = failures.contains { $0.mayHaveChanged } && failures.contains { !$0.mayHaveChanged }
        guard done > 0 || isInDoubt else { throw failure }
        throw StorageError(partlyDone: done, of: outcomes.count, failure)
    }

    /// Sends commands to the node that is taken for their master; those that it does not take go their own ways.
    private func send(
        _ commands: [Command],
        to endpoint: Endpoint?,
        isRepeatable: Bool,
        _ retryBudget: RetryBudget
    ) async -> [Outcome] {
        guard let first = commands.first else { return [] }
        let call = ClusterCall(self.keys.slot(of: first.key), isRepeatable: isRepeatable, retryBudget)
        var attempts: [Result<Attempt, StorageError>] = commands.map { _ in .success(.failed(.unserved)) }
        if let endpoint {
            do throws(StorageError) {
                let connection = try self.node(at: endpoint).next
                let results = await connection.sendEach(
                    commands, isRepeatable: isRepeatable, until: retryBudget.until)
                attempts = results.map { self.attempt($0, at: endpoint) }
            } catch {
                return commands.map { _ in .failure(error) }
            }
        }
        var outcomes: [Outcome] = []
        for (command, attempt) in zip(commands, attempts) {
            switch attempt {
            case .success(.answered(let reply)):
                outcomes.append(.success(reply))
            case .failure(let error):
                outcomes.append(.failure(error))
            case .success(.failed(let retryReason)):
                var single = call.forSlot(self.keys.slot(of: command.key))
                do throws(StorageError) {
                    let reply = try await self.settle(&single, command.replies.count, retryReason, command.encode)
                    outcomes.append(.success(reply))
                } catch {
                    outcomes.append(.failure(error))
                }
            }
        }
        return outcomes
    }
}

extension StorageError {
    /// Whether what failed may have changed something.
    var mayHaveChanged: Bool {
        switch self.code {
        case .connectionLost, .timeout, .inputOutput, .partlyDone: true
        default: false
        }
    }

    /// A call failed of which some parts were done, and others were not, or may have been.
    init(partlyDone done: Int, of count: Int, _ reason: StorageError) {
        self.init(
            .partlyDone,
            "\(done) of the call's \(count) parts were done; read the items before it is repeated, as the others may or may "
                + "not be: \(reason.message)", underlying: reason)
    }
}
