import Foundation

/// A thread that runs one task and its children, so that one which never returns takes no thread from the others.
///
/// The threads of Swift's own pool are as many as the machine has cores: a call that spins in two of them can stop every
/// test of the process, the one included that watches the time.
final class OwnThread: TaskExecutor, @unchecked Sendable {
    // Sendable as `jobs` and `isFinished` are touched under the condition's lock alone.
    private let condition = NSCondition()
    private var jobs: [UnownedJob] = []
    private var isFinished = false

    init() {
        Thread.detachNewThread { self.runJobs() }
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.condition.withLock {
            self.jobs.append(job)
            self.condition.signal()
        }
    }

    /// Ends the thread once there is nothing left to run; called by the task itself, as its last act.
    func finish() {
        self.condition.withLock {
            self.isFinished = true
            self.condition.signal()
        }
    }

    private func runJobs() {
        while let job = self.nextJob() {
            job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }

    private func nextJob() -> UnownedJob? {
        self.condition.withLock {
            while self.jobs.isEmpty {
                if self.isFinished { return nil }
                self.condition.wait()
            }
            return self.jobs.removeFirst()
        }
    }
}
