import Dispatch
import KVStorage
import Synchronization
import Testing

@Suite("Group commit behind a lock of other processes", .timeLimit(.minutes(5)))
struct GroupCommitQueueLockingTests {
    typealias Queue = GroupCommitQueue<Int, Int>

    /// A lock that somebody else may hold, and what was committed under it.
    private final class Engine: Sendable {
        private let lock = DispatchSemaphore(value: 1)
        private let batches = Mutex<[[Int]]>([])
        /// What the next commits answer before they succeed.
        private let troubles = Mutex<[Queue.LockingOutcome]>([])
        private let waiting = Atomic(0)

        var committed: [[Int]] { self.batches.withLock { $0 } }
        var isWaitedFor: Bool { self.waiting.load(ordering: .sequentiallyConsistent) > 0 }

        func hold() { self.lock.wait() }
        func letGo() { self.lock.signal() }
        func expect(_ outcomes: [Queue.LockingOutcome]) { self.troubles.withLock { $0 = outcomes } }

        func commit(_ claim: () -> [Int]) -> Queue.LockingOutcome {
            self.waiting.add(1, ordering: .sequentiallyConsistent)
            self.lock.wait()
            self.waiting.subtract(1, ordering: .sequentiallyConsistent)
            defer { self.lock.signal() }
            let operations = claim()
            let trouble = self.troubles.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if let trouble { return trouble }
            if operations.count > 1, operations.contains(-1) { return .oneByOne }
            self.batches.withLock { $0.append(operations) }
            return .done(operations.map { $0 < 0 ? .failure(StorageError(.full, "refused")) : .success($0 * 2) })
        }

        /// On the caller's thread, as long as nobody holds the lock.
        func attempt(_ operations: [Int]) -> [Queue.Outcome]? {
            guard self.lock.wait(timeout: .now()) == .success else { return nil }
            defer { self.lock.signal() }
            self.batches.withLock { $0.append(operations) }
            return operations.map { .success($0 * 2) }
        }
    }

    private static let late = StorageError(.unavailable, "the lock is held for too long")

    private func queue(_ engine: Engine, limit: Duration, attempts: Bool) -> Queue {
        var attempt: Queue.Attempt?
        if attempts { attempt = { operations in engine.attempt(operations) } }
        return Queue(
            on: DispatchQueue(label: "commit"),
            limit: Queue.TimeLimit(limit, Self.late),
            attempt: attempt
        ) { engine.commit($0) }
    }

    private func outcome(_ queue: Queue, _ number: Int) async -> Result<Int, StorageError> {
        do throws(StorageError) { return .success(try await queue.submit(number)) } catch { return .failure(error) }
    }

    @Test("What is late is answered and never runs; what comes once the lock is free does", arguments: [true, false])
    func late(attempts: Bool) async throws {
        let engine = Engine()
        let queue = self.queue(engine, limit: .milliseconds(100), attempts: attempts)
        #expect(try await queue.submit(1) == 2)
        engine.hold()
        await withTaskGroup(of: Result<Int, StorageError>.self) { group in
            for number in 2..<30 { group.addTask { await self.outcome(queue, number) } }
            for await outcome in group {
                if case .failure(let error) = outcome { #expect(error.code == .unavailable) } else { Issue.record() }
            }
        }
        // The thread still waits; who comes now has a time of his own.
        if case .failure(let error) = await self.outcome(queue, 30) { #expect(error.code == .unavailable) }
        engine.letGo()
        while await (self.outcome(queue, 31)).isFailure, !Task.isCancelled {}
        let committed = Set(engine.committed.joined())
        #expect(committed == [1, 31])
        await queue.close()
    }

    @Test("What a commit has claimed is awaited, however long it takes")
    func claimed() async throws {
        let engine = Engine()
        let gate = DispatchSemaphore(value: 0)
        let entered = Atomic(false)
        let queue = Queue(
            on: DispatchQueue(label: "commit"),
            limit: Queue.TimeLimit(.milliseconds(50), Self.late)
        ) { claim in
            let outcome = engine.commit(claim)
            if !entered.exchange(true, ordering: .sequentiallyConsistent) { gate.wait() }
            return outcome
        }
        let first = Task { try await queue.submit(1) }
        while !entered.load(ordering: .sequentiallyConsistent), !Task.isCancelled { await Task.yield() }
        // Comes while a commit runs, not while one waits for the lock: its time does not begin yet.
        let second = Task { try await queue.submit(2) }
        let end = ContinuousClock.now + .milliseconds(300)
        while ContinuousClock.now < end { await Task.yield() }
        gate.signal()
        #expect(try await first.value == 2)
        #expect(try await second.value == 4)
        #expect(engine.committed == [[1], [2]])
    }

    @Test("A commit that has to be repeated gets the same ones again, before all others")
    func again() async throws {
        let engine = Engine()
        let queue = self.queue(engine, limit: .seconds(60), attempts: false)
        engine.expect([.again, .again])
        #expect(try await queue.submit(1) == 2)
        #expect(engine.committed == [[1]])
    }

    @Test("Of a batch that can't be committed each is tried alone, and the one at fault fails alone")
    func oneByOne() async throws {
        let engine = Engine()
        let queue = self.queue(engine, limit: .seconds(60), attempts: false)
        engine.hold()
        let tasks = [Task { await self.outcome(queue, 1) }]
        while !engine.isWaitedFor, !Task.isCancelled { await Task.yield() }
        var more: [Task<Result<Int, StorageError>, Never>] = []
        for number in [2, -1, 3] {
            let count = queue.waitingCount
            more.append(Task { await self.outcome(queue, number) })
            while queue.waitingCount == count, !Task.isCancelled { await Task.yield() }
        }
        engine.letGo()
        var outcomes: [Int?] = []
        for task in tasks + more { outcomes.append(try? await task.value.get()) }
        #expect(outcomes == [2, 4, nil, 6])
        #expect(engine.committed == [[1], [2], [-1], [3]])
    }
}

extension Result {
    fileprivate var isFailure: Bool {
        if case .failure = self { true } else { false }
    }
}
