import KVStorage

extension Behavior {
    /// What a wrapper keeps although time passes, or somebody writes, between it and the driver that it wraps.
    static let layers: [Behavior] = [
        Behavior(
            "layers.slowRead",
            promise: 4,
            "An item that was read slowly is absent from its deadline on all the same.",
            movesClock: true,
            needs: [.wrappedDriver],
            limit: .seconds(60)
        ) { store in
            for first in ["getItem", "getItems"] {
                try await store.storage.setItem("k", 1, ttl: .seconds(60))
                let slow = await SlowRead(first, store)
                store.clock.advance(by: .seconds(30))
                try expectEqual(try await slow.end(), 1, "the item read by \(first), half its life before its deadline")
                store.clock.advance(by: .milliseconds(29_999))
                try expectEqual(try await SlowRead.read(first, store.storage), 1, "the item just before its deadline")
                store.clock.advance(by: .milliseconds(1))
                try expectEqual(try await store.storage.getItem("k", as: Int.self), nil, "getItem at the deadline")
                try expectEqual(
                    try await store.storage.getItems(["k"], as: Int.self), [nil], "getItems at the deadline")
                try expectEqual(try await store.storage.hasItem("k"), false, "hasItem at the deadline")
            }
        },
        Behavior(
            "layers.failingListing",
            promise: 5,
            "A listing that can't go on throws: a part of it never passes for the whole.",
            needs: [.wrappedDriver]
        ) { store in
            let storage = store.storage
            let keys = (0..<30).map { "k\($0)" }
            try await storage.setItems(keys.map { ($0, 1) })
            for page in 0..<3 {
                store.faults?.fail(at: page) { $0.operation == .keys }
                var listed = 0
                try await expectThrows(.unavailable, "a listing whose page \(page) fails") {
                    for try await _ in storage.keys(in: "", pageSize: 5) { listed += 1 }
                }
                try expect(listed <= page * 5, "at most \(page * 5) keys before the failure, got \(listed)")
            }
            store.faults?.fail { $0.operation == .keys }
            try await expectThrows(.unavailable, "getKeys whose page fails") { try await storage.getKeys() }
            store.faults?.fail { $0.operation == .keys }
            try await expectThrows(.unavailable, "a snapshot whose page fails") { try await storage.snapshot() }
            try expectKeys(try await storage.getKeys(), keys, "the keys, once nothing fails")
        },
        overtaken("setItem", "The item", 2) { storage in try await storage.setItem("k", 2) },
        overtaken("removeItem", "Nothing", nil) { storage in try await storage.removeItem("k") },
        overtaken("setItems", "The item", 2) { storage in try await storage.setItems([("k", 2), ("l", 2)]) },
        overtaken("clear", "Nothing", nil) { storage in try await storage.clear() },
        overtaken("incrementItem", "The sum", 2) { storage in try await storage.incrementItem("k") },
        overtaken("updateItem", "The item", 2) { storage in
            try await storage.updateItem("k", default: 0) { $0 = 2 }
        },
    ]

    /// Returns a behaviour that holds a read on its way back while a write is acknowledged, then reads again.
    private static func overtaken(
        _ name: String,
        _ what: String,
        _ expected: Int?,
        _ write: @escaping @Sendable (Storage) async throws -> Void
    ) -> Behavior {
        Behavior(
            "layers.overtakenBy.\(name)",
            promise: 8,
            "\(what) that an acknowledged \(name) left is what everybody reads, a slow earlier read notwithstanding.",
            needs: [.wrappedDriver],
            limit: .seconds(60)
        ) { store in
            let storage = store.storage
            for first in ["getItem", "getItems"] {
                try await storage.setItem("k", 1)
                let slow = await SlowRead(first, store)
                let isWritten = Shared(false)
                async let written: Void = {
                    try await write(storage)
                    isWritten.withLock { $0 = true }
                }()
                // A wrapper may make the write wait for the read: then it comes after it.
                await waited(for: .milliseconds(50)) { isWritten.withLock(\.self) }
                if isWritten.withLock(\.self) {
                    try expectEqual(try await storage.getItem("k", as: Int.self), expected, "the item after \(name)")
                }
                _ = try await slow.end()
                try await written
                for _ in 0..<10 {
                    let read = try await storage.getItem("k", as: Int.self)
                    try expectEqual(read, expected, "the item after \(name) and the end of an earlier \(first)")
                    let many = try await storage.getItems(["k"], as: Int.self)
                    try expectEqual(many, [expected], "the same, read by getItems")
                }
            }
        }
    }
}

/// A read that is held between the wrapped driver and the wrapper.
private struct SlowRead {
    private let task: Task<Int?, any Error>
    private let pause: PausingDriver.Pause?

    /// Begins to read the item `k`; returns once the read is held, or has ended without asking the wrapped driver.
    init(_ call: String, _ store: ConformanceStore) async {
        // Where the value is read, whatever a wrapper asks for before.
        let pause = store.inner?.pause(.after) { call in
            !call.operation.isWrite && call.operation != .keys && call.operation != .has
        }
        let isDone = Shared(false)
        self.pause = pause
        self.task = Task {
            defer { isDone.withLock { $0 = true } }
            return try await Self.read(call, store.storage)
        }
        await waited(for: store.patience) { pause?.isReached ?? true || isDone.withLock(\.self) }
        // Answered without the wrapped driver: no later call is to be held instead.
        if isDone.withLock(\.self) { pause?.resume() }
    }

    /// Lets the read go on and returns what it read.
    func end() async throws -> Int? {
        self.pause?.resume()
        return try await self.task.value
    }

    static func read(_ call: String, _ storage: Storage) async throws -> Int? {
        if call == "getItem" { return try await storage.getItem("k", as: Int.self) }
        return try await storage.getItems(["k"], as: Int.self)[0]
    }
}
