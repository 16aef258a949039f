extension Storage {
    /// Returns what is known about the item beside its value, or `nil` if it is absent.
    public func getMeta(_ key: String) async throws(StorageError) -> ItemMeta? {
        let route = try self.route(key)
        var meta: ItemMeta?
        do { meta = try await route.mount.driver.getMeta(route.key) } catch {
            meta = try await self.again(route, after: error) { mount, key throws(StorageError) in
                try await mount.driver.getMeta(key)
            }
        }
        meta?.codec = self.values.codec
        return meta
    }

    /// Keeps custom fields beside the item, replacing those that were there, and returns whether the item is there.
    ///
    /// They live and vanish with the item: an absent one is given none. Writing the value leaves them.
    /// - Throws: ``StorageError/Code/notSupported`` if the driver keeps none (``Capabilities/Feature/customMetadata``).
    @discardableResult
    public func setMeta<Fields: Encodable>(_ key: String, _ fields: Fields) async throws(StorageError) -> Bool {
        let route = try self.route(key)
        return try await self.setMeta(route, try self.values.encode(fields, key: route.name))
    }

    /// Removes the item's custom fields and returns whether the item is there.
    @discardableResult
    public func removeMeta(_ key: String) async throws(StorageError) -> Bool {
        try await self.setMeta(try self.route(key), nil)
    }

    private func setMeta(_ route: Route, _ fields: [UInt8]?) async throws(StorageError) -> Bool {
        do { return try await route.mount.setMeta(route.key, fields) } catch {
            return try await self.again(route, after: error) { mount, key throws(StorageError) in
                try await mount.setMeta(key, fields)
            }
        }
    }
}
