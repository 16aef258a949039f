// The writes of a mount, as ``Storage`` makes them: with the mount's lifetime, and with events if the driver emits none
// itself. Whoever adds a write adds it here, so that no event is forgotten.
extension MountPoint {
    @inline(__always)
    func setItem(_ key: String, _ value: [UInt8], _ ttl: TTL) async throws(StorageError) {
        let options = self.options(ttl)
        guard let writes = self.writes else { return try await self.driver.setItem(key, value, options) }
        try await writes.around([key], { _ in [.update(key)] }) { () async throws(StorageError) in
            try await self.driver.setItem(key, value, options)
        }
    }

    func removeItem(_ key: String) async throws(StorageError) -> Bool {
        guard let writes = self.writes else { return try await self.driver.removeItem(key) }
        return try await writes.around([key], { $0 ? [.remove(key, .removed)] : [] }) { () async throws(StorageError) in
            try await self.driver.removeItem(key)
        }
    }

    func compareAndSwapItem(
        _ key: String,
        expected: [UInt8]?,
        replacement: [UInt8]?,
        _ ttl: TTL
    ) async throws(StorageError) -> CompareAndSwapResult {
        let options = self.options(ttl)
        guard let writes = self.writes else {
            return try await self.driver.compareAndSwapItem(
                key, expected: expected, replacement: replacement, options)
        }
        return try await writes.around(
            [key],
            { result in
                guard result == .swapped else { return [] }
                if replacement != nil { return [.update(key)] }
                return expected == nil ? [] : [.remove(key, .removed)]
            },
            { () async throws(StorageError) in
                try await self.driver.compareAndSwapItem(
                    key, expected: expected, replacement: replacement, options)
            }
        )
    }

    func touchItem(_ key: String, _ ttl: TTL) async throws(StorageError) -> Bool {
        let ttl = ttl.resolved(self.ttl)
        guard let writes = self.writes else { return try await self.driver.touchItem(key, ttl: ttl) }
        return try await writes.around([key], { $0 ? [.update(key)] : [] }) { () async throws(StorageError) in
            try await self.driver.touchItem(key, ttl: ttl)
        }
    }

    func takeItem(_ key: String) async throws(StorageError) -> [UInt8]? {
        guard let writes = self.writes else { return try await self.driver.takeItem(key) }
        return try await writes.around([key], { $0 == nil ? [] : [.remove(key, .removed)] }) {
            () async throws(StorageError) in
            try await self.driver.takeItem(key)
        }
    }

    func incrementItem(_ key: String, by amount: Int, _ ttl: TTL) async throws(StorageError) -> Int {
        let options = self.options(ttl)
        guard let writes = self.writes else { return try await self.driver.incrementItem(key, by: amount, options) }
        return try await writes.around([key], { _ in [.update(key)] }) { () async throws(StorageError) in
            try await self.driver.incrementItem(key, by: amount, options)
        }
    }

    func setMeta(_ key: String, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        guard let writes = self.writes else { return try await self.driver.setMeta(key, fields) }
        return try await writes.around([key], { $0 ? [.update(key)] : [] }) { () async throws(StorageError) in
            try await self.driver.setMeta(key, fields)
        }
    }

    func apply(_ mutations: [Mutation]) async throws(StorageError) -> [Bool] {
        if mutations.isEmpty { return [] }
        guard let writes = self.writes else { return try await self.driver.apply(mutations) }
        let isWhole = self.driver.capabilities.contains(.atomicCommit)
        return try await writes.around(
            mutations.map(\.key),
            { found in Self.events(of: mutations, found: found) },
            // Of a batch that is not all or nothing a part may be done, and which is not known.
            mayHaveChangedSomething: { !isWhole || $0.mayHaveChangedSomething },
            { () async throws(StorageError) in try await self.driver.apply(mutations) }
        )
    }

    func commit(_ commit: Commit) async throws(StorageError) -> CommitOutcome {
        guard let writes = self.writes else { return try await self.driver.commit(commit) }
        return try await writes.around(
            commit.mutations.map(\.key),
            { outcome in
                guard case .committed(let found) = outcome else { return [] }
                return Self.events(of: commit.mutations, found: found)
            },
            { () async throws(StorageError) in try await self.driver.commit(commit) }
        )
    }

    private static func events(of mutations: [Mutation], found: [Bool]) -> [StorageEvent] {
        zip(mutations, found).compactMap { mutation, found in
            switch mutation {
            case .set(let key, _, _, _): .update(key)
            case .touch(let key, _): found ? .update(key) : nil
            case .remove(let key): found ? .remove(key, .removed) : nil
            }
        }
    }
}
