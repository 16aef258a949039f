extension Storage {
    /// Mounts a driver: it keeps every key below `base` from now on, unless a longer mount does.
    ///
    /// What an outer driver holds below the base, or at it, is hidden until ``unmount(_:dispose:)``. `ttl` is the lifetime
    /// of items that are written there without one. Who watches already gets this process's writes at once, and
    /// ``StorageEvent/lagged``, as what is to be seen has changed; again when the driver has begun to emit those of others.
    /// - Throws: ``StorageError/Code/alreadyMounted`` if there is a driver at that base, the root included;
    ///   ``StorageError/Code/invalidOption`` if `ttl` is not positive; ``StorageError/Code/invalidKey`` if the base holds NUL or
    ///   is not empty but has nothing left when it is normal; ``StorageError/Code/closed`` after ``dispose()``.
    public func mount(_ base: String, _ driver: some StorageDriver, ttl: TTL = .forever) throws(StorageError) {
        try ttl.validate()
        let mount = MountPoint(base: try self.fullBase(base), driver: driver, ttl: ttl)
        do { try self.core.mount(mount) } catch { throw error.naming(normalizeKey(base)) }
    }

    /// Takes the driver at `base` out and disposes of it, unless `dispose` is false.
    ///
    /// Mounts below it stay. The root can't be unmounted; a base where nothing is mounted is no error. Calls that had just
    /// begun on the driver are made again on the one that keeps their key from then on.
    public func unmount(_ base: String, dispose: Bool = true) async throws(StorageError) {
        guard let mount = try self.core.unmount(try self.fullBase(base)), dispose else { return }
        try await mount.driver.dispose()
    }

    /// Returns the mount that keeps what lies below the key: for a mount point that mount itself.
    ///
    /// Takes no longer with many mounts. A key that can't be one lies in the root mount.
    public func getMount(_ key: String = "") -> Mount {
        let table = self.core.table
        guard let base = try? self.fullBase(key) else { return table.root.mount }
        return table.mount(for: base).mount
    }

    /// Returns the mounts at and below a base, the longest first; with `parents` also those above it.
    ///
    /// None if the base can't be one.
    public func getMounts(_ base: String = "", parents: Bool = false) -> [Mount] {
        let table = self.core.table
        guard let base = try? self.fullBase(base) else { return [] }
        let mounts = MountTable.longestFirst(table.mounts(below: base)) + (parents ? table.mounts(above: base) : [])
        return mounts.map(\.mount)
    }

    /// Returns the driver that keeps the items right below the handle's base, and what tells whether it is still the same one.
    ///
    /// - Throws: ``StorageError/Code/invalidKey`` for a view of a bad base, ``StorageError/Code/closed``.
    package func owner() throws(StorageError) -> (id: ObjectIdentifier, driver: any StorageDriver) {
        let mount = try self.route("item").mount
        return (mount.id, mount.driver)
    }
}
