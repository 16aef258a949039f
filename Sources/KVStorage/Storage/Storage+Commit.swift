extension Storage {
    /// Checks and writes several items as one step, and returns whether it did: `false` if a requirement did not hold, and
    /// nothing was written.
    ///
    ///     let moved = try await storage.commit {
    ///         $0.require("drafts:7", .etag(etag))
    ///         $0.require("posts:7", .absent)
    ///         $0.remove("drafts:7")
    ///         $0.set("posts:7", post)
    ///     }
    ///
    /// All or nothing, whatever happens; what is required holds in the instant of the writes. All keys have to be in one
    /// mount, in a Redis Cluster in one slot, and none may be written twice. A driver that declares no
    /// ``Capabilities/Feature/atomicCommit`` may do this for one key only. An etag costs one read of its item before.
    /// - Throws: ``StorageError/Code/notSupported``, before anything is written, where the driver can't;
    ///   ``StorageError/Code/invalidOption`` if a key is written twice or a lifetime is not positive;
    ///   ``StorageError/Code/encoding``, ``StorageError/Code/invalidKey``.
    public func commit(_ build: (inout CommitBuilder) -> Void) async throws(StorageError) -> Bool {
        var builder = CommitBuilder(self.values)
        build(&builder)
        return try await self.commit(builder).isCommitted
    }

    /// Does the same by a body that may throw, which passes through unchanged; nothing is written then.
    @_disfavoredOverload
    public func commit<Failure: Error>(_ build: (inout CommitBuilder) throws(Failure) -> Void) async throws -> Bool {
        var builder = CommitBuilder(self.values)
        try build(&builder)
        return try await self.commit(builder).isCommitted
    }

    /// Stores the value if the item's value has that etag, and returns whether it did.
    ///
    /// - Throws: As ``setItem(_:_:ttl:)``.
    public func setItem<Value: Encodable>(
        _ key: String,
        _ value: Value,
        ifMatch etag: ETag,
        ttl: TTL = .default
    ) async throws(StorageError) -> Bool {
        try await self.commit { builder in
            builder.require(key, .etag(etag))
            builder.set(key, value, ttl: ttl)
        }
    }

    /// Does the same as ``commit(_:)`` and says what was there before.
    package func commitOutcome(
        _ build: (inout CommitBuilder) -> Void
    ) async throws(StorageError) -> CommitOutcome {
        var builder = CommitBuilder(self.values)
        build(&builder)
        return try await self.commit(builder)
    }

    private func commit(_ builder: CommitBuilder) async throws(StorageError) -> CommitOutcome {
        if let failure = builder.failure { throw failure }
        guard builder.requirements.count + builder.writes.count > 0 else {
            try self.core.checkOpen()
            return .committed(found: [])
        }
        do {
            return try await self.commitOnce(builder)
        } catch {
            // The mount was taken out meanwhile: the keys belong to another one now.
            guard error.code == .closed else { throw error }
            return try await self.commitOnce(builder)
        }
    }

    private func commitOnce(_ builder: CommitBuilder) async throws(StorageError) -> CommitOutcome {
        let (mount, prepared) = try self.resolve(builder)
        var commit = prepared
        var retries = SwapRetries(limit: self.core.busyTimeout)
        do {
            for (index, (_, requirement)) in builder.requirements.enumerated() {
                guard case .etag = requirement else { continue }
                let current = try await mount.driver.currentItem(commit.checks[index].key)
                guard let current, requirement.holds(for: current) else {
                    return .mismatch(index: index, current: current)
                }
                commit.checks[index].condition = .bytes(current)
            }
            while true {
                let outcome = try await mount.commit(commit)
                guard case .mismatch(let index, let current?) = outcome,
                    case .etag = builder.requirements[index].requirement,
                    builder.requirements[index].requirement.holds(for: current)
                else { return outcome }
                commit.checks[index].condition = .bytes(current)
                _ = try await retries.next(nil)
            }
        } catch { throw self.located(error, mount) }
    }

    /// Finds the mount of all keys, and makes the driver's commit of the builder's, but for the etags.
    private func resolve(_ builder: CommitBuilder) throws(StorageError) -> (MountPoint, Commit) {
        var mount: MountPoint?
        var commit = Commit()
        for (key, requirement) in builder.requirements {
            let route = try self.route(key, in: &mount)
            let condition: Commit.Check.Condition =
                switch requirement {
                case .absent: .absent
                case .present, .etag: .present
                case .bytes(let bytes): .bytes(bytes)
                }
            commit.checks.append(Commit.Check(route.key, condition))
        }
        var written: Set<KeyIdentity> = []
        for (key, write) in builder.writes {
            let route = try self.route(key, in: &mount)
            guard written.insert(KeyIdentity(route.key)).inserted else {
                throw StorageError(
                    .invalidOption, "a commit writes each key once; leave out all but the last write", key: route.name)
            }
            switch write {
            case .set(let bytes, let ttl):
                commit.mutations.append(.set(key: route.key, value: bytes, options: route.mount.options(ttl)))
            case .remove: commit.mutations.append(.remove(key: route.key))
            case .touch(let ttl):
                commit.mutations.append(.touch(key: route.key, ttl: ttl.resolved(route.mount.ttl)))
            }
        }
        guard let mount else { throw StorageError(.invalidOption, "a commit needs a key") }
        return (mount, commit)
    }

    private func route(_ key: String, in mount: inout MountPoint?) throws(StorageError) -> Route {
        let route = try self.route(key)
        if let mount, mount.id != route.mount.id {
            throw StorageError(
                .notSupported,
                "the keys of a commit have to be in one mount, this one is in another; split the commit",
                key: route.name
            )
        }
        mount = mount ?? route.mount
        return route
    }
}

extension CommitOutcome {
    /// Whether everything was written.
    public var isCommitted: Bool {
        if case .committed = self { true } else { false }
    }
}
