import KVStorage
import Synchronization

/// How the cluster is asked who serves which slot.
extension RedisCluster {
    /// Asks some node in the background.
    func refreshSoon() {
        _ = self.refreshTask()
    }

    /// Asks some node, and returns what went wrong if none knows.
    func refresh() async -> StorageError? {
        await self.refreshTask().value
    }

    /// The asking that is under way, or a new one: as many callers as may come share it.
    private func refreshTask() -> Task<StorageError?, Never> {
        self.state.withLock { state in
            if let task = state.refresh { return task }
            let known = Array(state.topology?.nodes ?? [])
            // Detached: all calls share it, and it shall not end by the time limit of the one that began it.
            let task = Task.detached {
                let failure = await self.askAround(known)
                self.state.withLock { $0.refresh = nil }
                return failure
            }
            state.refresh = task
            return task
        }
    }

    func apply(_ topology: RedisTopology) {
        let (hasChanged, gone) = self.state.withLock { state -> (Bool, [RedisServerClient]) in
            let hasChanged = state.topology.map { !$0.hasSameOwners(as: topology) } ?? false
            state.topology = topology
            if hasChanged { state.layout += 1 }
            let gone = state.nodes.filter { !topology.masters.contains($0.key) }
            for endpoint in gone.keys { state.nodes[endpoint] = nil }
            let former = state.replicas.filter { !topology.hasReplica($0.key) }
            for endpoint in former.keys { state.replicas[endpoint] = nil }
            state.turns.keep(topology.hasReplica)
            return (hasChanged, Array(gone.values) + Array(former.values))
        }
        if !gone.isEmpty {
            Task { for node in gone { await node.close() } }
        }
        if hasChanged { self.observer.withLock { $0 }?() }
    }

    /// Asks three nodes at a time, as some may be away.
    private func askAround(_ known: [RedisEndpoint]) async -> StorageError? {
        var candidates = (known.shuffled() + self.seeds.filter { !known.contains($0) })[...]
        var failure = StorageError(.unavailable, "no node of the cluster is known")
        while !candidates.isEmpty {
            let some = Array(candidates.prefix(3))
            candidates = candidates.dropFirst(3)
            let answer = await withTaskGroup(of: Result<RedisTopology, StorageError>.self) { group in
                for endpoint in some { group.addTask { await self.ask(endpoint) } }
                for await result in group {
                    switch result {
                    case .success(let topology):
                        group.cancelAll()
                        return topology as RedisTopology?
                    case .failure(let error):
                        if error.code != .cancelled { failure = error }
                    }
                }
                return nil
            }
            if let answer {
                self.apply(answer)
                return nil
            }
        }
        return failure
    }

    private func ask(_ endpoint: RedisEndpoint) async -> Result<RedisTopology, StorageError> {
        var options = self.options
        options.endpoint = endpoint
        options.connectTimeout = min(options.connectTimeout, .seconds(2))
        options.commandTimeout = min(options.commandTimeout, .seconds(2))
        do throws(StorageError) {
            let connection = try RedisConnection(options)
            // Letting go of the connection ends it.
            return .success(try await Self.askForSlots(connection))
        } catch {
            return .failure((error.underlying as? RedisUnsent)?.reason ?? error)
        }
    }

    static func askForSlots(_ connection: RedisConnection) async throws(StorageError) -> RedisTopology {
        let reply = try await connection.send(isRepeatable: true) { writer in
            writer.encoded("*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n")
        }
        if case .error(let error) = reply, error.description.contains("cluster support disabled") {
            let place = connection.endpoint
            throw StorageError(
                .invalidOption,
                "\(place) is no cluster; use redis:// in place of redis-cluster://, or rediss:// over TLS")
        }
        return try RedisTopology(reply, asked: connection.endpoint)
    }
}
