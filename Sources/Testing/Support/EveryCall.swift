import KVStorage

/// A call of a storage on one key, by name, for what has to hold for every call.
struct NamedCall: Sendable {
    let name: String
    let writes: Bool
    let body: @Sendable (Storage, String) async throws -> Void

    /// Every call that names a key.
    static let all: [NamedCall] = Self.reads + Self.writes

    static let reads: [NamedCall] = [
        .read("hasItem") { storage, key in _ = try await storage.hasItem(key) },
        .read("getItem") { storage, key in _ = try await storage.getItem(key, as: Int.self) },
        .read("getItemRaw") { storage, key in _ = try await storage.getItemRaw(key) },
        .read("getItems") { storage, key in _ = try await storage.getItems([key], as: Int.self) },
        .read("getMeta") { storage, key in _ = try await storage.getMeta(key) },
    ]

    static let writes: [NamedCall] = [
        .write("setItem") { storage, key in try await storage.setItem(key, 1) },
        .write("setItem(ifAbsent:)") { storage, key in _ = try await storage.setItem(key, 1, ifAbsent: true) },
        .write("setItemRaw") { storage, key in try await storage.setItemRaw(key, [1]) },
        .write("setItems") { storage, key in try await storage.setItems([(key, 1)]) },
        .write("removeItem") { storage, key in try await storage.removeItem(key) },
        .write("removeItems") { storage, key in try await storage.removeItems([key]) },
        .write("updateItem") { storage, key in try await storage.updateItem(key, default: 0) { $0 += 1 } },
        .write("compareAndSwapItem") { storage, key in
            _ = try await storage.compareAndSwapItem(key, expected: nil, replacement: [1])
        },
        .write("takeItem") { storage, key in _ = try await storage.takeItem(key, as: Int.self) },
        .write("takeItemRaw") { storage, key in _ = try await storage.takeItemRaw(key) },
        .write("incrementItem") { storage, key in try await storage.incrementItem(key) },
        .write("touchItem") { storage, key in try await storage.touchItem(key, ttl: .seconds(1)) },
        .write("setMeta") { storage, key in try await storage.setMeta(key, ["a": 1]) },
        .write("removeMeta") { storage, key in try await storage.removeMeta(key) },
    ]

    private static func read(
        _ name: String,
        _ body: @escaping @Sendable (Storage, String) async throws -> Void
    ) -> NamedCall {
        NamedCall(name: name, writes: false, body: body)
    }

    private static func write(
        _ name: String,
        _ body: @escaping @Sendable (Storage, String) async throws -> Void
    ) -> NamedCall {
        NamedCall(name: name, writes: true, body: body)
    }
}

/// Fails unless every call refuses the key.
func expectRefused(
    _ key: String,
    by storage: Storage,
    fileID: String = #fileID,
    line: Int = #line
) async throws(ConformanceFailure) {
    for call in NamedCall.all {
        try await expectThrows(.invalidKey, "\(call.name)(\(key.debugDescription))", fileID: fileID, line: line) {
            try await call.body(storage, key)
        }
    }
}
