import KVStorage
import Synchronization

/// Which masters a scan of all keys has to ask, and which once more, as slots move while it lasts.
extension Cluster {
    func walk() async throws(StorageError) -> NodeScan {
        try self.begin()
        defer { self.end() }
        var retryBudget = RetryBudget(self.options)
        _ = try await self.topology(&retryBudget)
        let holders = try await self.holders()
        // Also a master that the topology does not have yet.
        let masters = self.state.withLock { $0.topology?.masters ?? [] }
        let others = Set(holders.owned.keys).union(holders.arriving.keys).subtracting(masters)
        return NodeScan(servers: try self.servers(masters + others), holders: holders)
    }

    func walk(after walk: NodeScan) async throws(StorageError) -> NodeScan? {
        try self.begin()
        defer { self.end() }
        let holders = try await self.holders(walk.holders)
        let slots = walk.gains.map { $0.values.reduce(SlotSet(), |) }
        let gains = holders.gains(since: walk.holders, among: slots, visited: walk.gains ?? [:])
        guard !gains.isEmpty else { return nil }
        return NodeScan(servers: try self.servers(gains.keys), holders: holders, gains: gains)
    }

    private func servers(_ endpoints: some Sequence<Endpoint>) throws(StorageError) -> [Connection] {
        var servers: [Connection] = []
        for endpoint in endpoints { servers.append(try self.node(at: endpoint).first) }
        return servers
    }

    /// Asks all masters, also those of an earlier time, which slots are theirs and which are on their way.
    private func holders(_ earlier: SlotHolders? = nil) async throws(StorageError) -> SlotHolders {
        let topology = self.state.withLock { $0.topology }
        var endpoints = Set(topology?.masters ?? [])
        if let earlier { endpoints.formUnion(Set(earlier.owned.keys).union(earlier.arriving.keys)) }
        typealias Answer = (endpoint: Endpoint, result: Result<Reply, StorageError>)
        let connections = try self.servers(endpoints)
        let answers = await withTaskGroup(of: Answer.self) { group in
            for connection in connections {
                group.addTask {
                    let result: Result<Reply, StorageError>
                    do throws(StorageError) {
                        let reply = try await connection.send(isRepeatable: true) { writer in
                            writer.encoded("*2\r\n$7\r\nCLUSTER\r\n$5\r\nNODES\r\n")
                        }
                        result = .success(reply)
                    } catch {
                        result = .failure(error)
                    }
                    return (connection.endpoint, result)
                }
            }
            return await group.reduce(into: [Answer]()) { $0.append($1) }
        }
        var texts: [(asked: Endpoint, text: String)] = []
        for (endpoint, result) in answers {
            let bytes = try result.get().bytesOrNull(nil) ?? []
            texts.append((endpoint, String(decoding: bytes, as: UTF8.self)))
        }
        return SlotHolders(texts)
    }

    func recover(from error: StorageError, _ retryBudget: inout RetryBudget?) async throws(StorageError) {
        let departed = StorageError(
            .unavailable, "a node is none of the cluster's masters any more; the call could not begin anew in time")
        guard let reason = (error.underlying as? Unsent)?.reason ?? (error.code == .closed ? departed : nil),
            !self.isClosed
        else { throw error }
        var waiting = retryBudget ?? RetryBudget(self.options)
        defer { retryBudget = waiting }
        self.refreshSoon()
        try await waiting.wait(reason)
    }
}
