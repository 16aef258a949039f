import KVStorage

/// Lists page by page; an end that never comes is a failure, not a wait.
func collect(
    _ storage: Storage,
    _ base: String = "",
    pageSize: Int = 1000,
    maxDepth: Int? = nil,
    atMost limit: Int = 100_000
) async throws -> [String] {
    var keys: [String] = []
    for try await key in storage.keys(in: base, maxDepth: maxDepth, pageSize: pageSize) {
        keys.append(key)
        try expect(
            keys.count <= limit,
            "at most \(limit) keys below \(base.debugDescription), the last of those that came: \(keys.suffix(3))"
        )
    }
    return keys
}
