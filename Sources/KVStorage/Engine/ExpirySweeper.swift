import Synchronization

/// Wakes when the next deadline has passed and has the driver remove what expired.
///
/// One task sleeps for the whole driver; no timer per item. Wake-ups come at most every ``interval``, so that many items
/// that expire close together are swept together.
package final class ExpirySweeper: Sendable {
    /// Removes what expired by the given time and returns the earliest deadline that is left.
    package typealias Sweep = @Sendable (Timestamp) async -> Timestamp?

    private struct State {
        var task: Task<Void, Never>?
        var generation = 0
        var lastSweep = Timestamp(milliseconds: .min)
        var stopped = false
    }

    private let clock: any StorageClock
    private let interval: Duration
    private let sweep: Sweep
    private let state = Mutex(State())
    // When the sleeping task wakes; `.max` when there is none. Read without the lock by every write with a lifetime.
    private let wakeTime = Atomic<Int64>(.max)

    package init(clock: any StorageClock, interval: Duration = .milliseconds(100), sweep: @escaping Sweep) {
        self.clock = clock
        self.interval = interval
        self.sweep = sweep
    }

    deinit {
        self.state.withLock { $0.task?.cancel() }
    }

    /// Sees to it that a sweep runs soon after `deadline`.
    package func schedule(_ deadline: Timestamp) {
        guard deadline.milliseconds < self.wakeTime.load(ordering: .relaxed) else { return }
        self.state.withLock { state in
            guard !state.stopped, deadline.milliseconds < self.wakeTime.load(ordering: .relaxed) else { return }
            // The first wake-up is at the deadline; the ones after it keep their distance, unless the clock was turned back.
            let last = min(state.lastSweep, self.clock.now)
            let wake = max(deadline, last.advanced(by: self.interval))
            guard wake.milliseconds < self.wakeTime.load(ordering: .relaxed) else { return }
            self.wakeTime.store(wake.milliseconds, ordering: .relaxed)
            state.task?.cancel()
            state.generation += 1
            let generation = state.generation
            // Detached: it may sleep for weeks, and shall keep neither the task-local values nor the priority of the writer.
            state.task = Task.detached { [weak self, clock = self.clock] in
                guard await Self.sleep(until: wake, clock) else { return }
                await self?.run(generation)
            }
        }
    }

    /// Returns true when the clock shows `wake`, false when the task was cancelled.
    private static func sleep(until wake: Timestamp, _ clock: any StorageClock) async -> Bool {
        // A clock that can't sleep is asked again, at a distance.
        var pause = Duration.milliseconds(10)
        while clock.now < wake {
            do {
                try await clock.sleep(until: wake)
            } catch {
                if Task.isCancelled { return false }
                do { try await Task.sleep(for: pause) } catch { return false }
                pause = min(pause * 2, .seconds(60))
            }
        }
        return !Task.isCancelled
    }

    /// Ends sweeping for good.
    package func stop() {
        self.state.withLock { state in
            state.stopped = true
            state.task?.cancel()
            state.task = nil
        }
    }

    private func run(_ generation: Int) async {
        let now = self.clock.now
        let isCurrent = self.state.withLock { state in
            guard state.generation == generation, !state.stopped else { return false }
            state.lastSweep = now
            self.wakeTime.store(.max, ordering: .relaxed)
            return true
        }
        guard isCurrent else { return }
        if let next = await self.sweep(now) {
            self.schedule(next)
        }
    }
}
