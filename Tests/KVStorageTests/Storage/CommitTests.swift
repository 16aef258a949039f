import KVStorage
import KVStorageTesting
import Testing

@Suite("Storage: commits and transactions over mounts and drivers")
struct CommitTests {
    @Test("Keys of two mounts are refused before anything is written")
    func twoMounts() async throws {
        let storage = Storage()
        try storage.mount("other", .memory)
        try await storage.setItems([("a", 1), ("other:b", 1)])
        let commit = await #expect(throws: StorageError.self) {
            try await storage.commit {
                $0.set("a", 2)
                $0.set("other:b", 2)
            }
        }
        #expect(commit?.code == .notSupported && commit?.key == "other:b")
        let transaction = await #expect(throws: StorageError.self) {
            try await storage.transaction { transaction in
                try transaction.setItem("a", 2)
                _ = try await transaction.getItem("other:b", as: Int.self)
            }
        }
        #expect(transaction?.code == .notSupported && transaction?.key == "other:b")
        #expect(try await storage.getItems(["a", "other:b"], as: Int.self) == [1, 1])
    }

    @Test("A driver of the eight required calls commits one key, and refuses two before anything is written")
    func minimalDriver() async throws {
        let storage = Storage(MinimalDriver())
        #expect(
            try await storage.commit {
                $0.require("a", .absent)
                $0.set("a", 1)
            })
        #expect(
            try await storage.commit {
                $0.require("a", .bytes([0x31]))
                $0.touch("a", ttl: .seconds(60))
            })
        try await storage.transaction { transaction in
            let count = try await transaction.getItem("a", as: Int.self) ?? 0
            try transaction.setItem("a", count + 1)
        }
        #expect(try await storage.getItem("a") == 2)
        let error = await #expect(throws: StorageError.self) {
            try await storage.commit {
                $0.set("a", 7)
                $0.set("b", 7)
            }
        }
        #expect(error?.code == .notSupported)
        #expect(try await storage.getItems(["a", "b"], as: Int.self) == [2, nil])
    }

    @Test("A mount's lifetime is the default of what a commit and a transaction write")
    func mountLifetime() async throws {
        let clock = ManualClock()
        let storage = Storage()
        try storage.mount("short", MemoryDriver(.init(clock: clock)), ttl: .seconds(60))
        _ = try await storage.commit {
            $0.set("short:a", 1)
            $0.set("short:b", 1, ttl: .forever)
        }
        try await storage.transaction("short") { try $0.setItem("c", 1) }
        #expect(try await storage.getMeta("short:a")?.ttl == .seconds(60))
        #expect(try await storage.getMeta("short:b")?.ttl == nil)
        #expect(try await storage.getMeta("short:c")?.ttl == .seconds(60))
    }

    @Test("A transaction costs one read for each call that reads, and one commit")
    func cost() async throws {
        let driver = CountingDriver()
        let storage = Storage(driver)
        try await storage.setItems([("a", 1), ("b", 2)])
        _ = driver.reset()
        try await storage.transaction { transaction in
            let values = try await transaction.getItems(["a", "b", "a"], as: Int.self)
            _ = try await transaction.getItem("b", as: Int.self)
            try transaction.setItem("a", values[1])
            try transaction.setItem("b", values[0])
        }
        #expect(driver.reset().map(\.operation) == [.getMany, .commit])
        // One read of everything is of one moment: nothing has to be looked at again.
        let sum = try await storage.transaction { transaction in
            try await transaction.getItems(["a", "b"], as: Int.self).compactMap(\.self).reduce(0, +)
        }
        #expect(sum == 3)
        #expect(driver.reset().map(\.operation) == [.getMany])
    }

    @Test("A transaction over a driver whose reads may be old decides by the store")
    func oldReads() async throws {
        let storage = Storage(Lagging(base: MemoryDriver()))
        try await storage.setItems([("a", 1), ("b", 1)])
        try await storage.transaction { transaction in
            let first = try await transaction.getItem("a", as: Int.self) ?? 0
            let second = try await transaction.getItem("b", as: Int.self) ?? 0
            try transaction.setItem("a", first + 1)
            try transaction.setItem("b", second + 1)
        }
        #expect(try await storage.compareAndSwapItem("a", expected: [0x32], replacement: [0x39]))
        #expect(try await storage.compareAndSwapItem("b", expected: [0x32], replacement: [0x39]))
    }

    @Test("A cancelled transaction ends while others keep coming between")
    func cancelled() async throws {
        let storage = Storage(busyTimeout: .seconds(600))
        try await storage.setItem("a", 0)
        let task = Task {
            try await storage.transaction { transaction in
                let count = try await transaction.getItem("a", as: Int.self) ?? 0
                // As another process would: each run meets a write of somebody who waits for no turn.
                _ = try await storage.compareAndSwapItem("a", expected: nil, replacement: nil)
                try await storage.setItem("a", count + 1)
                try transaction.setItem("a", -1)
            }
        }
        task.cancel()
        let error = await #expect(throws: StorageError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(try await storage.getItem("a", as: Int.self) ?? -1 > 0)
    }

    @Test("Commits emit events for a driver that has none of its own")
    func events() async throws {
        let storage = Storage(MinimalDriver())
        var events = try await storage.watch().makeAsyncIterator()
        #expect(try await storage.commit { $0.set("a", 1) })
        #expect(try await storage.commit { $0.require("a", .absent) } == false)
        #expect(try await storage.commit { $0.remove("none") })
        #expect(try await storage.commit { $0.remove("a") })
        #expect(try await events.next() == .update("a"))
        #expect(try await events.next() == .remove("a", .removed))
    }

    private struct Lagging: ForwardingDriver {
        let base: any StorageDriver

        var capabilities: Capabilities {
            var capabilities = self.base.capabilities
            capabilities.features.insert(.readsMayBeOld)
            return capabilities
        }

        func getItem(_ key: String) async throws(StorageError) -> [UInt8]? { nil }
        func getItems(_ keys: [String]) async throws(StorageError) -> [[UInt8]?] { keys.map { _ in nil } }
    }
}
