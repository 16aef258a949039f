extension Storage {
    /// Returns the item's bytes as they are stored, or `nil` if it is absent.
    ///
    /// With `decodingBase64Prefix` bytes that unstorage stored as text, `base64:` and base64, are answered decoded.
    /// - Throws: ``StorageError/Code/decoding`` if such a text is not valid base64.
    public func getItemRaw(
        _ key: String,
        decodingBase64Prefix: Bool = false
    ) async throws(StorageError) -> [UInt8]? {
        let route = try self.route(key)
        let bytes: [UInt8]?
        do { bytes = try await route.mount.driver.getItem(route.key) } catch {
            bytes = try await self.readAgain(route, after: error)
        }
        guard decodingBase64Prefix, let bytes else { return bytes }
        return try Base64Text.decode(bytes, key: route.name)
    }

    /// Calls the body with the item's bytes and returns what it returns, or `nil` if the item is absent.
    ///
    /// The bytes are those of one write and are valid in the body only. What the body throws passes through.
    public func withItemRaw<Result, Failure: Error>(
        _ key: String,
        _ body: (RawSpan) throws(Failure) -> Result
    ) async throws -> Result? {
        guard let bytes = try await self.getItemRaw(key) else { return nil }
        return try body(bytes.span.bytes)
    }

    /// Stores the bytes as they are, replacing what was there. An array is passed on without a copy.
    ///
    /// Lifetime and errors are those of ``setItem(_:_:ttl:)``.
    @inlinable
    public func setItemRaw(
        _ key: String,
        _ bytes: some Sequence<UInt8>,
        ttl: TTL = .default
    ) async throws(StorageError) {
        try await self.setBytes(key, bytes as? [UInt8] ?? [UInt8](bytes), ttl)
    }

    @usableFromInline
    func setBytes(_ key: String, _ bytes: [UInt8], _ ttl: TTL) async throws(StorageError) {
        try ttl.validate()
        let route = try self.route(key)
        try await self.set(route, bytes, ttl)
    }
}
