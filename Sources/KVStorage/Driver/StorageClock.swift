/// Where a driver takes the time from; injected so that tests need not wait for it.
///
/// Deadlines are kept in wall-clock time, as they outlive the process. A clock that jumps back makes items live longer,
/// one that jumps forward makes them expire earlier; neither traps.
public protocol StorageClock: Sendable {
    /// The current time.
    var now: Timestamp { get }

    /// Waits until `now` has reached `deadline`.
    ///
    /// May return early; callers look at `now` again.
    /// - Throws: `CancellationError` when the task is cancelled.
    func sleep(until deadline: Timestamp) async throws
}

/// The system's wall clock.
public struct SystemClock: StorageClock {
    /// Creates the clock.
    public init() {}

    /// The current time by `clock_gettime(CLOCK_REALTIME)`.
    public var now: Timestamp {
        Timestamp(milliseconds: wallClockMilliseconds())
    }

    /// Sleeps at most a minute at a time, so that a jump of the wall clock is noticed.
    public func sleep(until deadline: Timestamp) async throws {
        let remaining = self.now.duration(to: deadline)
        guard remaining > .zero else { return }
        try await Task.sleep(for: min(remaining, .seconds(60)))
    }
}

extension StorageClock where Self == SystemClock {
    /// The system's wall clock; the default everywhere.
    public static var system: SystemClock { SystemClock() }
}
