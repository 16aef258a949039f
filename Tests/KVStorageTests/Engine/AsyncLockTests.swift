import KVStorageTesting
import Synchronization
import Testing

@testable import KVStorage

@Suite(.timeLimit(.minutes(5))) struct AsyncLockTests {
    /// A lock with a place of its own, as a value can't be shared.
    private final class Shared: Sendable {
        let lock = AsyncLock()
        let log = Mutex<[Int]>([])

        var isHeld: Bool { self.lock.isHeld }
        var waitingCount: Int { self.lock.waitingCount }

        /// Waits until so many wait for the lock.
        func waiting(_ count: Int) async {
            while self.lock.waitingCount != count, !Task.isCancelled { await Task.yield() }
        }
    }

    private let shared = Shared()

    /// Starts a task for each number that notes it when its turn comes, in their order.
    private func queue(_ numbers: Range<Int>, within limit: Duration? = nil) async -> [Task<Void, any Error>] {
        var tasks: [Task<Void, any Error>] = []
        for number in numbers {
            let waiting = self.shared.waitingCount
            tasks.append(
                Task { [shared] in
                    try await shared.lock.withLock(within: limit) { () async throws(StorageError) in
                        shared.log.withLock { $0.append(number) }
                    }
                }
            )
            await self.shared.waiting(waiting + 1)
        }
        return tasks
    }

    @Test func servesInTheOrderOfComing() async throws {
        try await self.shared.lock.acquire(within: nil)
        let tasks = await self.queue(0..<50)
        #expect(self.shared.waitingCount == 50)
        self.shared.lock.release()
        for task in tasks { try await task.value }
        #expect(self.shared.log.withLock { $0 } == Array(0..<50))
        #expect(!self.shared.isHeld)
    }

    @Test func oneThatIsCancelledLeavesTheQueue() async throws {
        try await self.shared.lock.acquire(within: nil)
        let tasks = await self.queue(0..<9)
        for index in [0, 4, 8] {
            tasks[index].cancel()
            let error = await #expect(throws: StorageError.self) { try await tasks[index].value }
            #expect(error?.code == .cancelled)
        }
        #expect(self.shared.waitingCount == 6)
        self.shared.lock.release()
        for index in [1, 2, 3, 5, 6, 7] { try await tasks[index].value }
        #expect(self.shared.log.withLock { $0 } == [1, 2, 3, 5, 6, 7])
    }

    @Test func oneThatWasCancelledBeforeDoesNotWait() async throws {
        try await self.shared.lock.acquire(within: nil)
        let task = Task { [shared] in
            withUnsafeCurrentTask { $0?.cancel() }
            try await shared.lock.acquire(within: nil)
        }
        let error = await #expect(throws: StorageError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(self.shared.waitingCount == 0)
        self.shared.lock.release()
        // A free one is taken all the same.
        let second = Task { [shared] in
            withUnsafeCurrentTask { $0?.cancel() }
            try await shared.lock.withLock(within: nil) { () async throws(StorageError) in }
        }
        try await second.value
    }

    @Test func aTimeLimitEndsTheWaiting() async throws {
        try await self.shared.lock.acquire(within: nil)
        let error = await #expect(throws: StorageError.self) {
            try await self.shared.lock.acquire(within: .milliseconds(1))
        }
        #expect(error?.code == .unavailable)
        #expect(self.shared.waitingCount == 0)
        let tasks = await self.queue(0..<3, within: .seconds(600))
        self.shared.lock.release()
        for task in tasks { try await task.value }
        #expect(self.shared.log.withLock { $0 } == [0, 1, 2])
    }

    @Test func excludesUnderLoadWithCancellations() async throws {
        let counts = Counts()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<32 {
                group.addTask { [shared] in
                    for round in 0..<100 {
                        let one = Task {
                            try await shared.lock.withLock(within: .seconds(600)) { () async throws(StorageError) in
                                counts.enter()
                                await Task.yield()
                                counts.leave()
                            }
                        }
                        if (number + round).isMultiple(of: 3) { one.cancel() }
                        _ = await one.result
                    }
                }
            }
        }
        #expect(counts.most == 1)
        #expect(counts.total > 2000, "those that were not cancelled had their turn")
        #expect(!self.shared.isHeld)
        #expect(self.shared.waitingCount == 0)
    }
}

/// How many are in at a time.
private final class Counts: Sendable {
    private let state = Mutex((inside: 0, most: 0, total: 0))

    var most: Int { self.state.withLock { $0.most } }
    var total: Int { self.state.withLock { $0.total } }

    func enter() {
        self.state.withLock { state in
            state.inside += 1
            state.most = max(state.most, state.inside)
            state.total += 1
        }
    }

    func leave() {
        self.state.withLock { $0.inside -= 1 }
    }
}
