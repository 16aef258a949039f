import KVStorageTesting
import Synchronization
import Testing

@testable import KVStorage

@Suite(.timeLimit(.minutes(5))) struct ContentionTests {
    /// Compares and swaps, and lets others come in between.
    private struct Yielding: ForwardingDriver {
        let base: any StorageDriver

        func compareAndSwapItem(
            _ key: String, expected: [UInt8]?, replacement: [UInt8]?, _ options: WriteOptions
        ) async throws(StorageError) -> CompareAndSwapResult {
            await Task.yield()
            return try await self.base.compareAndSwapItem(
                key, expected: expected, replacement: replacement, options)
        }
    }

    /// Never lets anybody swap.
    private struct Unlucky: ForwardingDriver {
        let base: any StorageDriver = MemoryDriver()
        let tries = Counter()

        func compareAndSwapItem(
            _ key: String, expected: [UInt8]?, replacement: [UInt8]?, _ options: WriteOptions
        ) async throws(StorageError) -> CompareAndSwapResult {
            self.tries.increment()
            return .mismatch(current: Array("\(self.tries.count)".utf8))
        }
    }

    private final class Counter: Sendable {
        private let value = Atomic(0)
        var count: Int { self.value.load(ordering: .relaxed) }
        func increment() { self.value.add(1, ordering: .relaxed) }
    }

    @Test(arguments: [false, true])
    func manyTasksRunTheirBodiesAboutOnceEach(_ isMinimal: Bool) async throws {
        let storage =
            isMinimal ? Storage(Yielding(base: MinimalDriver())) : Storage(Yielding(base: MemoryDriver()))
        let runs = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<64 {
                group.addTask {
                    for _ in 0..<5 {
                        try await storage.updateItem("count", default: 0) { count in
                            runs.increment()
                            count += 1
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await storage.getItem("count") == 320)
        // One run each, one more for those that met at the beginning, and a few that overlapped a turn.
        #expect(runs.count < 3 * 320)
    }

    @Test func aSlowBodyIsNotStarvedByFastOnes() async throws {
        let storage = Storage(Yielding(base: MemoryDriver()))
        let runs = Counter()
        let fast = (0..<2).map { _ in
            Task {
                while !Task.isCancelled { try await storage.updateItem("k", default: 0) { $0 += 1 } }
            }
        }
        while try await storage.getItem("k", as: Int.self) ?? 0 < 10 { await Task.yield() }
        for _ in 0..<5 {
            try await storage.updateItem("k", default: 0) { value in
                runs.increment()
                let end = ContinuousClock.now + .milliseconds(2)
                while ContinuousClock.now < end {}
                value += 1
            }
        }
        for task in fast {
            task.cancel()
            _ = await task.result
        }
        #expect(runs.count <= 5 * 8, "not bodies without number")
    }

    @Test func givesUpWithAConflict() async throws {
        let driver = Unlucky()
        let storage = Storage(driver, busyTimeout: .zero)
        try await storage.setItem("k", 1)
        let update = await #expect(throws: StorageError.self) {
            try await storage.updateItem("k", default: 0) { $0 += 1 }
        }
        #expect(update?.code == .conflict)
        #expect(update?.key == "k")
        #expect(driver.tries.count == SwapRetries.minimumTries)
        let take = await #expect(throws: StorageError.self) { try await storage.takeItem("k", as: Int.self) }
        #expect(take?.code == .conflict)
        #expect(driver.tries.count == 2 * SwapRetries.minimumTries)
        // Whoever comes next finds no turn taken.
        #expect(try await storage.incrementItem("k") == 2)
    }

    @Test func cancellingEndsIt() async throws {
        let driver = Unlucky()
        let storage = Storage(driver, busyTimeout: .seconds(600))
        let task = Task { try await storage.updateItem("k", default: 0) { $0 += 1 } }
        while driver.tries.count < 5 { await Task.yield() }
        let queued = Task { try await storage.updateItem("k", default: 0) { $0 += 1 } }
        for one in [queued, task] {
            one.cancel()
            let error = await #expect(throws: StorageError.self) { try await one.value }
            #expect(error?.code == .cancelled)
        }
    }

    @Test func defaultsOfADriverGiveUpToo() async throws {
        let driver = MinimalDriver()
        let values = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<32 { group.addTask { try await driver.incrementItem("n", by: 1, WriteOptions()) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(values.sorted() == Array(1...32))
    }

    @Test func aBodyThatThrowsLetsTheNextHaveItsTurn() async throws {
        struct Refused: Error {}
        let storage = Storage(Yielding(base: MemoryDriver()))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<32 {
                group.addTask {
                    for _ in 0..<10 {
                        do {
                            try await storage.updateItem("n", default: 0) { value in
                                if number.isMultiple(of: 2) { throw Refused() }
                                value += 1
                            }
                        } catch is Refused {}
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await storage.getItem("n") == 160)
    }
}
