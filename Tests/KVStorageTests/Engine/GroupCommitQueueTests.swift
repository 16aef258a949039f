import Dispatch
import KVStorage
import Synchronization
import Testing

@Suite("Group commit", .timeLimit(.minutes(5)))
struct GroupCommitQueueTests {
    typealias Queue = GroupCommitQueue<Int, Int>

    /// Records the batches, doubles each number, and refuses the negative ones.
    private final class Engine: Sendable {
        private let batches = Mutex<[[Int]]>([])
        private let committing = Atomic(0)

        var committed: [[Int]] { self.batches.withLock { $0 } }

        func commit(_ operations: [Int]) -> [Queue.Outcome] {
            #expect(self.committing.add(1, ordering: .relaxed).newValue == 1)
            self.batches.withLock { $0.append(operations) }
            let outcomes = operations.map { number -> Queue.Outcome in
                number < 0 ? .failure(StorageError(.full, "refused \(number)")) : .success(number * 2)
            }
            self.committing.subtract(1, ordering: .relaxed)
            return outcomes
        }
    }

    /// Holds the first commit until the test opens it.
    private final class Gate: Sendable {
        private let semaphore = DispatchSemaphore(value: 0)
        private let thread = DispatchQueue(label: "gate")
        private let entered = Atomic(false)

        func open() { self.semaphore.signal() }

        func pass() {
            guard !self.entered.exchange(true, ordering: .sequentiallyConsistent) else { return }
            self.semaphore.wait()
        }

        func passSuspending() async {
            guard !self.entered.exchange(true, ordering: .sequentiallyConsistent) else { return }
            await withCheckedContinuation { continuation in
                self.thread.async {
                    self.semaphore.wait()
                    continuation.resume()
                }
            }
        }

        func waitUntilEntered() async {
            while !self.entered.load(ordering: .sequentiallyConsistent), !Task.isCancelled { await Task.yield() }
        }
    }

    enum Mode: CaseIterable { case onQueue, inPlace }

    private func queue(_ mode: Mode, _ engine: Engine, _ gate: Gate? = nil) -> Queue {
        switch mode {
        case .onQueue:
            Queue(on: DispatchQueue(label: "commit")) { operations in
                gate?.pass()
                return engine.commit(operations)
            }
        case .inPlace:
            Queue(inPlace: { operations in
                await gate?.passSuspending()
                return engine.commit(operations)
            })
        }
    }

    private func waitUntil(_ queue: Queue, hasWaiting count: Int) async {
        while queue.waitingCount < count, !Task.isCancelled { await Task.yield() }
    }

    @Test("A lone writer is committed at once, each time", arguments: Mode.allCases)
    func lone(mode: Mode) async throws {
        let engine = Engine()
        let queue = self.queue(mode, engine)
        for number in 0..<10 { #expect(try await queue.submit(number) == number * 2) }
        #expect(engine.committed == (0..<10).map { [$0] })
    }

    @Test("Those who come during a commit are committed together, in their order", arguments: Mode.allCases)
    func together(mode: Mode) async throws {
        let engine = Engine()
        let gate = Gate()
        let queue = self.queue(mode, engine, gate)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask { try await queue.submit(0) == 0 }
            await gate.waitUntilEntered()
            for number in 1...20 {
                group.addTask { try await queue.submit(number) == number * 2 }
                await self.waitUntil(queue, hasWaiting: number)
            }
            gate.open()
            for try await isRight in group { #expect(isRight) }
        }
        #expect(engine.committed == [[0], Array(1...20)])
    }

    @Test("One operation's failure is its own", arguments: Mode.allCases)
    func failure(mode: Mode) async throws {
        let engine = Engine()
        let gate = Gate()
        let queue = self.queue(mode, engine, gate)
        await withTaskGroup(of: Void.self) { group in
            for number in -4...4 {
                group.addTask {
                    do throws(StorageError) {
                        let answer = try await queue.submit(number)
                        #expect(answer == number * 2)
                        #expect(number >= 0)
                    } catch {
                        #expect(error.code == .full)
                        #expect(error.message == "refused \(number)")
                    }
                }
                // The first one alone is the first batch.
                await gate.waitUntilEntered()
            }
            await self.waitUntil(queue, hasWaiting: 8)
            gate.open()
        }
        #expect(engine.committed.map(\.count) == [1, 8])
    }

    @Test("In place, the lead passes on: a caller whose write is committed returns while others commit theirs")
    func leadPasses() async throws {
        let engine = Engine()
        let gates = [Gate(), Gate()]
        let queue = Queue(inPlace: { operations in
            for operation in operations { await gates[operation].passSuspending() }
            return engine.commit(operations)
        })
        let first = Task { try await queue.submit(0) }
        await gates[0].waitUntilEntered()
        let second = Task { try await queue.submit(1) }
        await self.waitUntil(queue, hasWaiting: 1)
        gates[0].open()
        #expect(try await first.value == 0)
        await gates[1].waitUntilEntered()
        #expect(engine.committed == [[0]])
        gates[1].open()
        #expect(try await second.value == 2)
        #expect(engine.committed == [[0], [1]])
    }

    @Test("A cancelled caller's write is finished and answered", arguments: Mode.allCases)
    func cancellation(mode: Mode) async throws {
        let engine = Engine()
        let gate = Gate()
        let queue = self.queue(mode, engine, gate)
        let first = Task { try await queue.submit(1) }
        await gate.waitUntilEntered()
        let second = Task { try await queue.submit(2) }
        await self.waitUntil(queue, hasWaiting: 1)
        first.cancel()
        second.cancel()
        gate.open()
        #expect(try await first.value == 2)
        #expect(try await second.value == 4)
    }

    @Test("Closing waits for what was accepted and refuses the rest", arguments: Mode.allCases)
    func close(mode: Mode) async throws {
        let engine = Engine()
        let gate = Gate()
        let queue = self.queue(mode, engine, gate)
        let first = Task { try await queue.submit(1) }
        await gate.waitUntilEntered()
        let second = Task { try await queue.submit(2) }
        await self.waitUntil(queue, hasWaiting: 1)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    await queue.close()
                    #expect(engine.committed == [[1], [2]])
                }
            }
            while !queue.isClosed, !Task.isCancelled { await Task.yield() }
            // Refused from here on, while the accepted ones still wait.
            await #expect(throws: StorageError.self) { try await queue.submit(3) }
            #expect(engine.committed == [])
            gate.open()
        }
        #expect(try await first.value == 2)
        #expect(try await second.value == 4)
        await queue.close()
        await #expect(throws: StorageError.self) { try await queue.submit(3) }
    }

    @Test("Under load nothing is lost and nothing is committed twice", arguments: Mode.allCases)
    func load(mode: Mode) async throws {
        let engine = Engine()
        let queue = self.queue(mode, engine)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<32 {
                group.addTask {
                    for count in 0..<200 {
                        let number = task * 1000 + count
                        let answer = try await queue.submit(number)
                        #expect(answer == number * 2)
                    }
                }
            }
            try await group.waitForAll()
        }
        await queue.close()
        let all = engine.committed.flatMap(\.self)
        #expect(all.count == 6400)
        #expect(Set(all).count == 6400)
    }
}
