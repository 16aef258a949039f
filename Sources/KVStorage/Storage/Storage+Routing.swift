extension Storage {
    /// Where a key leads: the mount that keeps it and its name there.
    struct Route {
        let mount: MountPoint
        /// The key as the driver knows it.
        let key: String
        /// How much of a full key the handle leaves out.
        fileprivate let handleBaseCount: Int

        /// The key as the caller of the handle knows it, for errors.
        var name: String {
            if self.mount.baseCount == self.handleBaseCount { return self.key }
            return keyDroppingPrefix(self.mount.base + self.key, self.handleBaseCount)
        }
    }

    /// Normalises and validates the key and finds its mount.
    func route(_ key: String) throws(StorageError) -> Route {
        let full = try self.fullKey(key)
        return try self.route(full, to: try self.core.mount(for: full))
    }

    /// Does the same by a table that the caller holds on to, and leaves the time limit to the caller.
    func route(_ key: String, in table: MountTable) throws(StorageError) -> Route {
        let full = try self.fullKey(key)
        return try self.route(full, to: table.mount(forItem: full), isLimited: false)
    }

    /// Makes a call once more, where the key leads by now, or throws what it threw the first time.
    ///
    /// The first call stands with its caller, in a straight line: a loop that may change the route counts references on
    /// each call, which all cores share.
    @inline(never)
    func again<Result>(
        _ route: Route,
        after error: StorageError,
        _ call: (_ mount: MountPoint, _ key: String) async throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        let route = try self.moved(route, after: error)
        do { return try await call(route.mount, route.key) } catch { throw error.naming(route.name) }
    }

    /// Finds the mount anew that a call is to be made on again, or throws what the call threw.
    ///
    /// One that was just unmounted says that it is closed, and the key belongs to another one now.
    private func moved(_ route: Route, after error: StorageError) throws(StorageError) -> Route {
        guard error.code == .closed else { throw error.naming(route.name) }
        let full = route.mount.base + route.key
        let mount = try self.core.mount(for: full)
        guard mount?.id != route.mount.id else { throw error.naming(route.name) }
        return try self.route(full, to: mount)
    }

    private func route(
        _ full: String,
        to mount: MountPoint?,
        isLimited: Bool = true
    ) throws(StorageError) -> Route {
        let handleBaseCount = self.base.utf8.count
        guard let mount else {
            throw StorageError(
                .invalidKey,
                "the key is a mount point, which can't hold an item itself; use a key below it",
                key: keyDroppingPrefix(full, handleBaseCount)
            )
        }
        let key = keyDroppingPrefix(full, mount.baseCount)
        if self.limit == nil || !isLimited { return Route(mount: mount, key: key, handleBaseCount: handleBaseCount) }
        do {
            return Route(mount: try self.limited(mount), key: key, handleBaseCount: handleBaseCount)
        } catch {
            throw error.naming(keyDroppingPrefix(full, handleBaseCount))
        }
    }

    /// Returns the mount, or the view of it that keeps this handle's time limit.
    func limited(_ mount: MountPoint) throws(StorageError) -> MountPoint {
        guard let limit = self.limit else { return mount }
        guard limit > .zero else {
            throw StorageError(.invalidOption, "a call's time limit must be positive; call without timeLimit for none")
        }
        return MountPoint(mount, driver: try mount.driver.limited(to: limit))
    }

    /// Returns the key normalised and counted from the storage's root.
    func fullKey(_ key: String) throws(StorageError) -> String {
        guard self.isBaseValid else { throw self.invalidBase }
        if isNormalItemKey(key) { return self.base.isEmpty ? key : self.base + key }
        let name = normalizeKey(key)
        try StorageKey.validate(name)
        return self.base + name
    }

    /// Returns the base counted from the root, normal and with a colon at the end.
    func fullBase(_ base: String) throws(StorageError) -> String {
        guard self.isBaseValid else { throw self.invalidBase }
        if let problem = StorageKey.problem(ofBase: base) { throw StorageError(.invalidKey, problem, key: base) }
        return self.base + normalizeBaseKey(base)
    }

    private var invalidBase: StorageError {
        StorageError(
            .invalidKey,
            "the view's base holds NUL or has nothing left when it is normal; StorageKey.escaped(_:) makes a base of any text"
        )
    }
}
