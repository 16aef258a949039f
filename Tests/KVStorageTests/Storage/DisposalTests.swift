import KVStorageTesting
import Testing

@testable import KVStorage

@Suite struct DisposalTests {
    @Test func everyCallOfADisposedStorageSaysSo() async throws {
        for storage in [Storage(), Storage(.null), Storage(.memory(maximumBytes: 1))] {
            try await storage.dispose()
            try await storage.dispose()
            let calls: [@Sendable () async throws -> Void] = [
                { _ = try await storage.getItem("k", as: Int.self) },
                { try await storage.setItemRaw("k", [UInt8](repeating: 1, count: 1000)) },
                { _ = try await storage.getItemsRaw([]) },
                { try await storage.setItemsRaw([]) },
                { try await storage.removeItems([]) },
                { _ = try await storage.getKeys() },
                { try await storage.clear() },
                { try await storage.unmount("nothing") },
                { try storage.mount("m", .memory) },
                { _ = try await storage.watch() },
                { try await storage.restoreSnapshot(Snapshot()) },
                { _ = try await storage.copy("", to: Storage()) },
            ]
            for (number, call) in calls.enumerated() {
                let error = await #expect(throws: StorageError.self, "call \(number)") { try await call() }
                #expect(error?.code == .closed, "call \(number)")
            }
        }
    }

    @Test func aLimitedMemoryStoreIsClosedBeforeItIsTooSmall() async throws {
        let driver = MemoryDriver(.init(maximumBytes: 1))
        try await driver.dispose()
        let large = [UInt8](repeating: 1, count: 1000)
        let calls: [@Sendable () async throws -> Void] = [
            { try await driver.setItem("k", large, WriteOptions()) },
            { _ = try await driver.apply([.set(key: "k", value: large, options: WriteOptions())]) },
            { _ = try await driver.compareAndSwapItem("k", expected: nil, replacement: large, WriteOptions()) },
        ]
        for call in calls {
            let error = await #expect(throws: StorageError.self) { try await call() }
            #expect(error?.code == .closed)
        }
    }

    @Test func callsThatMeetAnUnmountedDriverGoToTheOneThatFollows() async throws {
        let root = MemoryDriver()
        let storage = Storage(root)
        let calls: [@Sendable () async throws -> Void] = [
            { try await storage.setItem("m:k", 1) },
            { _ = try await storage.getItem("m:k", as: Int.self) },
            { _ = try await storage.hasItem("m:k") },
            { try await storage.removeItem("m:k") },
            { try await storage.incrementItem("m:n") },
            { try await storage.updateItem("m:n", default: 0) { $0 += 1 } },
            { _ = try await storage.takeItemRaw("m:k") },
            { _ = try await storage.takeItem("m:k", as: Int.self) },
            { try await storage.touchItem("m:n", ttl: .seconds(600)) },
            { _ = try await storage.getMeta("m:n") },
            { try await storage.setMeta("m:n", [1]) },
            { _ = try await storage.compareAndSwapItem("m:c", expected: nil, replacement: [1]) },
            { try await storage.setItems([("a", 1), ("m:k", 2), ("m:l", 3)]) },
            {
                let answer = try await storage.getItems(["m:k", "a", "m:l"], as: Int.self)
                #expect(answer == [2, 1, 3])
            },
            {
                let answer = try await storage.removeItems(["m:k", "m:l", "m:absent"])
                #expect(answer == 2)
            },
        ]
        for (number, call) in calls.enumerated() {
            let driver = PausingDriver()
            try storage.mount("m", driver)
            let pause = driver.pause(.before) { _ in true }
            let task = Task { try await call() }
            await pause.reached()
            try await storage.unmount("m")
            pause.resume()
            await #expect(throws: Never.self, "call \(number)") { try await task.value }
        }
        #expect(try await Storage(root).getItem("m:n") == 2)
        // Disposed by somebody else, and still mounted: it is closed.
        let gone = MemoryDriver()
        try storage.mount("gone", gone)
        try await gone.dispose()
        let error = await #expect(throws: StorageError.self) { try await storage.getItem("gone:a", as: Int.self) }
        #expect(error?.code == .closed)
        #expect(error?.key == "gone:a")
    }
}
