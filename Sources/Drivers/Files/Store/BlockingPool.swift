import Dispatch
import KVStorage
import Synchronization

/// Threads for what may block for long, such as flushing: at most ``threadLimit`` in the process, with one shared line.
///
/// Shared by all stores in files. The system ends a thread once it has had nothing to do for some seconds. Serial queues and
/// not a concurrent one: on Linux a concurrent queue takes its threads from those that Swift's tasks run on, so that a few
/// blocked calls would hold up every task of the process.
final class BlockingPool: Sendable {
    typealias Job = @Sendable () -> Void

    /// How many jobs run at a time: enough to keep a disk busy, few enough to start them all.
    static let threadLimit = 32
    static let shared = BlockingPool()

    private struct State {
        var jobs: [Job] = []
        /// How many of the jobs at the start have been taken.
        var takenCount = 0
        var idle = Array(0..<BlockingPool.threadLimit)
    }

    private let state = Mutex(State())
    private let queues = (0..<BlockingPool.threadLimit).map { DispatchQueue(label: "kv-storage.files.\($0)") }

    /// Runs the job once a thread is free, in the order of coming. A job must not wait for another one.
    func run(_ job: @escaping Job) {
        let index = self.state.withLock { state in
            state.jobs.append(job)
            return state.idle.popLast()
        }
        guard let index else { return }
        self.queues[index].async { self.work(index) }
    }

    private func work(_ index: Int) {
        while let job = self.next(index) { job() }
    }

    private func next(_ index: Int) -> Job? {
        self.state.withLock { state in
            guard state.takenCount < state.jobs.count else {
                state.jobs = []
                state.takenCount = 0
                state.idle.append(index)
                return nil
            }
            let job = state.jobs[state.takenCount]
            state.takenCount += 1
            if state.takenCount >= 64, state.takenCount * 2 > state.jobs.count {
                state.jobs.removeFirst(state.takenCount)
                state.takenCount = 0
            }
            return job
        }
    }

    /// Runs the body on one of the threads and returns what it does.
    func run<Result: Sendable>(
        _ body: @escaping @Sendable () throws(StorageError) -> Result
    ) async throws(StorageError) -> Result {
        let result = await withCheckedContinuation { continuation in
            self.run {
                let result: Swift.Result<Result, StorageError>
                do throws(StorageError) { result = .success(try body()) } catch { result = .failure(error) }
                continuation.resume(returning: result)
            }
        }
        return try result.get()
    }
}
