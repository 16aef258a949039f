import KVStorage

/// What goes over all masters.
extension RedisCluster {
    func walk() async throws(StorageError) -> RedisWalk {
        try self.begin()
        defer { self.end() }
        var patience = RedisPatience(self.options)
        let topology = try await self.topology(&patience)
        let layout = self.layout
        var servers: [RedisConnection] = []
        for master in topology.masters { servers.append(try self.node(at: master).first) }
        return RedisWalk(servers: servers, layout: layout)
    }

    func hasChanged(since walk: RedisWalk, _ server: RedisConnection) async throws(StorageError) -> Bool {
        self.apply(try await Self.askForSlots(server))
        return self.layout != walk.layout
    }

    func recover(from error: StorageError, _ patience: inout RedisPatience?) async throws(StorageError) {
        guard let reason = (error.underlying as? RedisUnsent)?.reason ?? (error.code == .closed ? error : nil),
            !self.isClosed
        else { throw error }
        var waiting = patience ?? RedisPatience(self.options)
        defer { patience = waiting }
        try await waiting.wait(reason)
        _ = await self.refresh()
    }
}
