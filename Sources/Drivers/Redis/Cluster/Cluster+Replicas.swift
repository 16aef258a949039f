import KVStorage
import Synchronization

/// Reads that may be older than the last write: a replica is tried once, and what it does not answer goes to the master.
extension Cluster {
    /// Sends a command that only reads.
    func read(_ key: String, _ replies: Replies, _ encode: Encode) async throws(StorageError) -> Reply {
        guard self.readsFrom == .replica else {
            return try await self.send(key, replies, isRepeatable: true, encode)
        }
        try self.begin()
        defer { self.end() }
        var call = ClusterCall(self.keys.slot(of: key), isRepeatable: true, RetryBudget(self.options))
        let topology = try await self.topology(&call.retryBudget)
        if let turn = self.turn(of: call.slot, topology),
            let reply = try await self.attempt(turn, replies: replies.count, collects: false, call.retryBudget, encode),
            self.accepts(reply, from: turn)
        {
            return reply
        }
        return try await self.settle(&call, replies.count, nil, encode)
    }

    func readEach(_ commands: [Command]) async throws(StorageError) -> [Reply] {
        guard self.readsFrom == .replica else { return try await self.sendEach(commands, isRepeatable: true) }
        try self.begin()
        defer { self.end() }
        var retryBudget = RetryBudget(self.options)
        var answers = try await self.readFromReplicas(commands, &retryBudget)
        let open = answers.indices.filter { answers[$0] == nil }
        if !open.isEmpty {
            let replies = try await self.sendEach(open.map { commands[$0] }, isRepeatable: true, &retryBudget)
            for (index, reply) in zip(open, replies) { answers[index] = reply }
        }
        return answers.map { $0 ?? .null }
    }

    /// Returns what replicas answered, and `nil` for each command that is the master's.
    private func readFromReplicas(
        _ commands: [Command],
        _ retryBudget: inout RetryBudget
    ) async throws(StorageError) -> [Reply?] {
        let topology = try await self.topology(&retryBudget)
        // By master: all that one call reads of a master's items, one replica answers.
        var turns: [Endpoint: ReplicaRoundRobin.Turn?] = [:]
        var indices: [Endpoint?: [Int]] = [:]
        for (index, command) in commands.enumerated() {
            let slot = self.keys.slot(of: command.key)
            guard let master = topology.master(of: slot) else { continue }
            let turn = turns[master] ?? self.turn(of: slot, topology)
            turns[master] = .some(turn)
            if let turn { indices[turn.endpoint, default: []].append(index) }
        }
        let chosen = turns.values.compactMap(\.self)
        let outcomes = await self.divide(commands, indices) { [retryBudget] commands, endpoint in
            guard let turn = chosen.first(where: { $0.endpoint == endpoint }) else {
                return [Result<Reply?, StorageError>](repeating: .success(nil), count: commands.count)
            }
            do throws(StorageError) {
                let replies = try await self.send(commands, turn, retryBudget)
                return replies.map { .success($0) }
            } catch {
                return commands.map { _ in .failure(error) }
            }
        }
        var replies: [Reply?] = []
        for outcome in outcomes { replies.append(try outcome?.get() ?? nil) }
        return replies
    }

    private func send(
        _ commands: [Command],
        _ turn: ReplicaRoundRobin.Turn,
        _ retryBudget: RetryBudget
    ) async throws(StorageError) -> [Reply?] {
        let count = commands.reduce(0) { $0 + $1.replies.count }
        let reply = try await self.attempt(turn, replies: count, collects: true, retryBudget) { writer in
            for command in commands { command.encode(&writer) }
        }
        guard let reply else { return Array(repeating: nil, count: commands.count) }
        var rest = try reply.elements(count: count, nil)[...]
        return commands.map { command in
            let answer = Reply.summary(of: rest.prefix(command.replies.count))
            rest = rest.dropFirst(command.replies.count)
            return self.accepts(answer, from: turn) ? answer : nil
        }
    }

    // MARK: - One replica

    /// How long a replica may take, so that there is time to turn to the master.
    private var replicaTimeout: Duration { self.options.commandTimeout / 3 }

    /// Returns the client for a replica's reads.
    ///
    /// Each may take a third of the time that a command has, so that the master can still be asked.
    private func replica(at endpoint: Endpoint) throws(StorageError) -> ServerClient {
        try self.state.withLock { state throws(StorageError) in
            if let node = state.replicas[endpoint] { return node }
            var options = self.options
            options.endpoint = endpoint
            options.readsReplica = true
            options.commandTimeout = self.replicaTimeout
            let node = try ServerClient(options, connections: self.connectionsPerNode)
            state.replicas[endpoint] = node
            return node
        }
    }

    /// Calls the body with the turns of the replicas while nobody else does.
    private func withTurns<Result>(_ body: (inout ReplicaRoundRobin) -> sending Result) -> sending Result {
        self.state.withLock { body(&$0.turns) }
    }

    private func turn(of slot: Int, _ topology: Topology) -> ReplicaRoundRobin.Turn? {
        let replicas = topology.replicas(of: slot)
        let now = RedisPlatform.now
        let (turn, isDue) = self.withTurns { ($0.next(of: replicas, now), $0.isRefreshDue(now)) }
        if isDue { self.refreshSoon() }
        return turn
    }

    /// Sends once, and returns `nil` if the replica fails.
    private func attempt(
        _ turn: ReplicaRoundRobin.Turn,
        replies: Int,
        collects: Bool,
        _ retryBudget: RetryBudget,
        _ encode: Encode
    ) async throws(StorageError) -> Reply? {
        let until = min(retryBudget.until, RedisPlatform.now.advanced(by: self.replicaTimeout))
        do throws(StorageError) {
            return try await self.replica(at: turn.endpoint).next.send(
                replies: replies, collects: collects, isRepeatable: true, until: until, encode)
        } catch {
            switch error.code {
            case .unavailable, .timeout, .connectionLost, .closed:
                self.passOver(turn.endpoint)
                return nil
            default:
                throw error
            }
        }
    }

    /// Returns whether the reply is for the caller. If not, the replica can't answer, or is none of this slot's any more.
    private func accepts(_ reply: Reply, from turn: ReplicaRoundRobin.Turn) -> Bool {
        switch (RetryReason(reply, from: turn.endpoint), reply) {
        case (.redirected(.moved(let slot, let master), _), _):
            if self.note(slot, master) {
                self.refreshSoon()
            } else {
                // The slot is where it was: this node does not serve its reads.
                self.passOver(turn.endpoint)
            }
            return false
        case (.some, _):
            self.passOver(turn.endpoint)
            return false
        case (nil, .error(let error)) where error.code == "BUSY":
            self.passOver(turn.endpoint)
            return false
        case (nil, _):
            if turn.isTrial { self.withTurns { $0.succeed(turn.endpoint) } }
            return true
        }
    }

    /// Leaves the replica out for a while, and asks whether the cluster still counts it in.
    private func passOver(_ endpoint: Endpoint) {
        let now = RedisPlatform.now
        self.withTurns { $0.fail(endpoint, now) }
        self.refreshSoon()
    }
}
