extension Storage {
    /// Mounts a driver: it keeps every key below `base` from now on, unless a longer mount does.
    ///
    /// What an outer driver holds below the base, or at it, is hidden until ``unmount(_:dispose:)``. `ttl` is the life time
    /// of items that are written there without one. Who watches already is told of this process's writes at once, and by
    /// ``StorageEvent/lagged`` when the driver has begun to tell of those of others.
    /// - Throws: ``StorageError/Code/alreadyMounted`` if there is a driver at that base, the root included;
    ///   ``StorageError/Code/invalidOption`` if `ttl` is not positive; ``StorageError/Code/closed`` after ``dispose()``.
    public func mount(_ base: String, _ driver: some StorageDriver, ttl: Duration? = nil) throws(StorageError) {
        try Self.validate(ttl: ttl)
        try self.core.mount(MountPoint(base: self.fullBase(base), driver: driver, ttl: ttl))
    }

    /// Takes the driver at `base` out and disposes of it, unless `dispose` is false.
    ///
    /// Mounts below it stay. The root can't be unmounted; a base where nothing is mounted is no error.
    public func unmount(_ base: String, dispose: Bool = true) async throws(StorageError) {
        guard let mount = self.core.unmount(self.fullBase(base)), dispose else { return }
        try await mount.driver.dispose()
    }

    /// Returns the mount that keeps what lies below the key: for a mount point that mount itself.
    public func getMount(_ key: String = "") -> Mount {
        self.core.table.mount(for: self.fullBase(key)).mount
    }

    /// Returns the mounts at and below a base, the longest first; with `parents` also those above it.
    public func getMounts(_ base: String = "", parents: Bool = false) -> [Mount] {
        let table = self.core.table
        let base = self.fullBase(base)
        let mounts = table.mounts(below: base) + (parents ? table.mounts(above: base) : [])
        return mounts.map(\.mount)
    }

    /// Returns the base counted from the root, normal and with a colon at the end.
    func fullBase(_ base: String) -> String {
        self.base + normalizeBaseKey(base)
    }
}
