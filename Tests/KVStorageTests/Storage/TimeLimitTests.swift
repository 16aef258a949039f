import KVStorageTesting
import Synchronization
import Testing

@testable import KVStorage

@Suite struct TimeLimitTests {
    /// Remembers the limits that it was asked for.
    private final class Limiting: ForwardingDriver {
        let base: any StorageDriver = MemoryDriver()
        let limits = Mutex<[Duration]>([])

        func limited(to limit: Duration) throws(StorageError) -> any StorageDriver {
            self.limits.withLock { $0.append(limit) }
            return self.base
        }
    }

    @Test func everyCallAsksTheDriver() async throws {
        let driver = Limiting()
        let storage = Storage(driver)
        let limited = storage.timeLimit(.seconds(1))
        let calls: [@Sendable () async throws -> Void] = [
            { try await limited.setItem("k", 1) },
            {
                let answer = try await limited.getItem("k", as: Int.self)
                #expect(answer == 1)
            },
            { try await limited.updateItem("k", default: 0) { $0 += 1 } },
            { try await limited.incrementItem("k") },
            { try await limited.setItems([("k", 1), ("l", 2)]) },
            {
                let answer = try await limited.getItems(["k"], as: Int.self)
                #expect(answer == [1])
            },
            {
                let answer = try await limited.getKeys().sorted()
                #expect(answer == ["k", "l"])
            },
            {
                let answer = try await limited.prefixed("p").typed(Int.self).getItem("k")
                #expect(answer == nil)
            },
            {
                let answer = try await storage.typed(Int.self).timeLimit(.seconds(1)).getItem("k")
                #expect(answer == 1)
            },
            {
                let answer = try await limited.clear()
                #expect(answer == 2)
            },
        ]
        for (number, call) in calls.enumerated() {
            driver.limits.withLock { $0 = [] }
            try await call()
            #expect(driver.limits.withLock { $0 } == [.seconds(1)], "call \(number)")
        }
        driver.limits.withLock { $0 = [] }
        try await storage.setItem("k", 1)
        #expect(driver.limits.withLock { $0.isEmpty })
    }

    @Test func whatCannotBeLimitedSaysSo() async throws {
        let storage = Storage()
        for (limit, code) in [
            (Duration.seconds(1), StorageError.Code.notSupported), (.zero, .invalidOption),
            (.seconds(-1), .invalidOption),
        ] {
            let limited = storage.timeLimit(limit)
            let error = await #expect(throws: StorageError.self) { try await limited.setItem("a/k", 1) }
            #expect(error?.code == code)
            #expect(error?.key == "a:k")
            let listing = await #expect(throws: StorageError.self) { try await limited.getKeys() }
            #expect(listing?.code == code)
        }
        #expect(try await storage.getKeys().isEmpty)
    }

    @Test func readOnlyPassesItOn() async throws {
        let driver = Limiting()
        let storage = Storage(.readOnly(driver)).timeLimit(.seconds(2))
        #expect(try await storage.getItem("k", as: Int.self) == nil)
        #expect(driver.limits.withLock { $0 } == [.seconds(2)])
        let error = await #expect(throws: StorageError.self) { try await storage.setItem("k", 1) }
        #expect(error?.code == .readOnly)
    }

    @Test func limitedWritesAreWatchedAsAnyOther() async throws {
        let storage = Storage(Silent())
        let events = try await storage.watch()
        try await storage.timeLimit(.seconds(1)).setItem("k", 1)
        var iterator = events.makeAsyncIterator()
        #expect(try await iterator.next() == .update("k"))
    }

    /// Emits nothing.
    private struct Silent: ForwardingDriver {
        let base: any StorageDriver = MinimalDriver()

        func limited(to limit: Duration) throws(StorageError) -> any StorageDriver { self.base }
    }
}
