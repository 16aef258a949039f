import KVStorageTesting
import Testing

@testable import KVStorage

@Suite(.timeLimit(.minutes(5))) struct CopyTests {
    private func expectRefused(_ source: Storage, _ base: String = "", to target: Storage) async throws {
        let before = try await source.getKeys().count
        let error = await #expect(throws: StorageError.self) { try await source.copy(base, to: target) }
        #expect(error?.code == .invalidOption)
        #expect(try await source.getKeys().count == before)
    }

    @Test func aBranchOfTheSourceIsNoTarget() async throws {
        let storage = Storage()
        try await storage.setItems((0..<1200).map { ("a:\($0)", $0) })
        try await self.expectRefused(storage, to: storage.prefixed("backup"))
        try await self.expectRefused(storage, to: storage)
        try await self.expectRefused(storage, "a", to: storage.prefixed("a:b"))
        try await self.expectRefused(storage.prefixed("a"), to: storage.prefixed("a"))
        #expect(try await storage.copy("a", to: storage.prefixed("ab")) == 1200)
        #expect(try await storage.copy("a", to: storage.prefixed("b")) == 1200)
        #expect(try await storage.prefixed("b").copy("", to: storage) == 1200, "out of the branch it ends")
    }

    @Test func aDriverThatBothShareIsNoTarget() async throws {
        let driver = MemoryDriver()
        let source = Storage(driver)
        try await source.setItems((0..<1200).map { ("a:\($0)", $0) })
        try await self.expectRefused(source, to: Storage(driver).prefixed("backup"))
        try await self.expectRefused(source, to: Storage(.cached(driver)).prefixed("backup"))
        try await self.expectRefused(Storage(.readOnly(driver)), to: source.prefixed("backup"))
        try await self.expectRefused(Storage(try .overlay(MemoryDriver(), driver)), to: source.prefixed("x"))
        let mounted = Storage()
        try mounted.mount("m", driver)
        try await self.expectRefused(source, to: mounted.prefixed("m:backup"))
        try await self.expectRefused(mounted.prefixed("m"), to: source.prefixed("backup"))
        try await self.expectRefused(mounted, "m", to: source)
        // Another store, and a mount that lies beside what is copied.
        #expect(try await source.copy("a", to: mounted.prefixed("m:b")) == 1200)
        #expect(try await source.copy("", to: Storage()) == 2400)
    }

    @Test func cancellingEndsEveryLoopWithinAPage() async throws {
        let driver = PausingDriver()
        let storage = Storage(driver)
        try await storage.setItems((0..<3000).map { ("k\($0)", $0) })
        let target = Storage()
        let reads: [@Sendable () async throws -> Void] = [
            { _ = try await storage.getKeys() },
            { _ = try await storage.snapshot() },
            { for try await _ in storage.keys(pageSize: 100) {} },
            { for try await _ in storage.items(as: Int.self, pageSize: 100) {} },
        ]
        for call in reads {
            let pause = driver.pause(.after) { $0.operation == .keys }
            let task = Task { try await call() }
            await pause.reached()
            task.cancel()
            pause.resume()
            let error = await #expect(throws: StorageError.self) { try await task.value }
            #expect(error?.code == .cancelled)
        }
        let pause = driver.pause(.after) { $0.operation == .keys }
        let copy = Task { try await storage.copy("", to: target) }
        await pause.reached()
        copy.cancel()
        pause.resume()
        let error = await #expect(throws: StorageError.self) { try await copy.value }
        #expect(error?.code == .partlyDone)
        let copied = try await target.getKeys().count
        #expect((1...500).contains(copied), "no more than the page that it had")
        let snapshot = try await storage.snapshot()
        let restored = Storage(driver.base)
        let writing = driver.pause(.after) { $0.operation == .apply }
        let restore = Task { try await storage.restoreSnapshot(snapshot, to: "again") }
        await writing.reached()
        restore.cancel()
        writing.resume()
        let second = await #expect(throws: StorageError.self) { try await restore.value }
        #expect(second?.code == .partlyDone)
        #expect(try await restored.getKeys("again").count == 500)
    }

    /// Emits no events, so that its items are removed page by page.
    private struct Silent: ForwardingDriver {
        let base: any StorageDriver = MemoryDriver()
        var events: EventHub? { nil }
    }

    @Test func clearingEndsWithinAPage() async throws {
        let driver = PausingDriver(Silent())
        let storage = Storage(driver)
        try await storage.setItems((0..<3000).map { ("k\($0)", $0) })
        let pause = driver.pause(.after) { $0.operation == .keys }
        let clear = Task { try await storage.clear() }
        await pause.reached()
        clear.cancel()
        pause.resume()
        let error = await #expect(throws: StorageError.self) { try await clear.value }
        #expect(error?.code == .partlyDone)
        let left = try await storage.getKeys().count
        #expect((2000..<3000).contains(left), "no more than a page was removed")
    }

    @Test func whatHasExpiredWhenItIsRestoredIsAbsent() async throws {
        let clock = ManualClock()
        let storage = Storage(MemoryDriver(.init(clock: clock)))
        for deadline in [clock.now, clock.now.advanced(by: .seconds(-5))] {
            try await storage.setItem("k", "old")
            let snapshot = Snapshot(items: [
                .init(key: "first", value: [1]), .init(key: "k", value: [2], deadline: deadline),
            ])
            try await storage.restoreSnapshot(snapshot)
            #expect(try await storage.getKeys() == ["first"])
            #expect(try await storage.hasItem("k") == false)
        }
    }
}
