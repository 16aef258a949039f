import Synchronization

/// Whether a cached driver emits what others change, and when it is to be asked to.
final class CacheWatch: Sendable {
    private enum State {
        /// Never asked.
        case idle
        /// Being asked; nothing is kept until it answers, as a change in between would not be noticed.
        case starting
        case active
        /// Refused, or ended, at that time.
        case failed(Timestamp)
    }

    /// How long after a failure, or an end, it is not asked again.
    static let pause = Duration.seconds(1)

    private let watching: Capabilities.Watching
    private let clock: any StorageClock
    private let state = Mutex(State.idle)

    init(_ watching: Capabilities.Watching, clock: any StorageClock) {
        self.watching = watching
        self.clock = clock
    }

    /// Whether changes by others are noticed.
    var isActive: Bool {
        self.state.withLock { state in if case .active = state { true } else { false } }
    }

    /// Whether what a read finds that begins now may be kept.
    var allowsKeeping: Bool {
        guard self.watching != .none else { return true }
        return self.state.withLock { state in
            switch state {
            case .idle, .starting: false
            case .active, .failed: true
            }
        }
    }

    /// Has the driver watch, if it can and does not yet. What takes long, as a connection does, is not waited for.
    func begin(_ driver: any StorageDriver, _ cache: NearCache) async {
        guard self.watching != .none, let isFirst = self.claim() else { return }
        let start: @Sendable () async -> Void = { [weak cache] in
            do {
                try await driver.startWatching()
                // Unless it has ended already.
                self.state.withLock { state in if case .starting = state { state = .active } }
                // What was kept meanwhile may have been changed without an event.
                if !isFirst { cache?.invalidateAll() }
            } catch {
                self.end()
            }
        }
        // A driver that only watches itself has nothing to connect to.
        if self.watching == .local { await start() } else { Task.detached { await start() } }
    }

    /// Notes that there are no more events for now.
    func end() {
        let now = self.clock.now
        self.state.withLock { $0 = .failed(now) }
    }

    /// Returns whether it is the first time, if the caller is to have the driver watch.
    private func claim() -> Bool? {
        let now = self.clock.now
        return self.state.withLock { state in
            switch state {
            case .starting, .active: return nil
            case .idle:
                state = .starting
                return true
            case .failed(let time):
                // A clock that was turned back is no reason to wait longer.
                guard now < time || now >= time.advanced(by: Self.pause) else { return nil }
                state = .starting
                return false
            }
        }
    }
}
