import Synchronization

/// Who waits for the end of sessions of one configuration, by the sessions' handles.
final class SessionStreams: Sendable {
    /// A session that somebody waits on.
    struct Watched: Sendable {
        let id: SessionID
        /// As it was last seen.
        var record: SessionRecord
        fileprivate var waiting: [UInt64: AsyncStream<SessionEnd>.Continuation] = [:]
    }

    private struct State {
        var nextID: UInt64 = 0
        var watched: [String: Watched] = [:]
        /// The keys beside the handles of which it matters that they change.
        var otherKeys: Set<String> = []
        /// Wakes the checker, which runs as long as this is there.
        var wake: AsyncStream<Void>.Continuation?
    }

    private let state = Mutex(State())

    /// Adds somebody; returns what a checker is to be woken by if one has to be started for them.
    func add(
        _ session: LoadedSession,
        _ continuation: AsyncStream<SessionEnd>.Continuation
    ) -> AsyncStream<Void>? {
        let handle = session.handle
        let (id, signals) = self.state.withLock { state -> (UInt64, AsyncStream<Void>?) in
            state.nextID += 1
            state.watched[handle, default: Watched(id: session.id, record: session.record)].waiting[state.nextID] =
                continuation
            guard state.wake == nil else { return (state.nextID, nil) }
            let (signals, wake) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
            state.wake = wake
            return (state.nextID, signals)
        }
        continuation.onTermination = { [weak self] _ in self?.remove(handle, id) }
        // It may have ended meanwhile, and its deadline may come before the checker's next look.
        self.wakeChecker()
        return signals
    }

    private func remove(_ handle: String, _ id: UInt64) {
        let isLast = self.state.withLock { state in
            state.watched[handle]?.waiting[id] = nil
            if state.watched[handle]?.waiting.isEmpty == true { state.watched[handle] = nil }
            return state.watched.isEmpty
        }
        if isLast { self.wakeChecker() }
    }

    /// The sessions that somebody waits on; `nil` if there are none: the checker that asks ends then.
    func open() -> [String: Watched]? {
        self.state.withLock { state in
            guard state.watched.isEmpty else { return state.watched }
            // Not only dropped: whoever waited for it would wait for ever.
            state.wake?.finish()
            state.wake = nil
            state.otherKeys = []
            return nil
        }
    }

    /// The sessions that somebody waits on, to be looked at alone: ends no checker.
    var records: [SessionRecord] { self.state.withLock { $0.watched.values.map(\.record) } }

    /// Notes how a session is now.
    func update(_ handle: String, _ record: SessionRecord) {
        self.state.withLock { $0.watched[handle]?.record = record }
    }

    /// Tells all who wait on a session that it has ended.
    func end(_ handle: String, _ end: SessionEnd) {
        let watched = self.state.withLock { $0.watched.removeValue(forKey: handle) }
        guard let watched else { return }
        for continuation in watched.waiting.values {
            continuation.yield(end)
            continuation.finish()
        }
    }

    /// Notes the keys beside the handles of which it matters that they change.
    func setOtherKeys(_ keys: Set<String>) {
        self.state.withLock { $0.otherKeys = keys }
    }

    /// Has the checker look now.
    func wakeChecker() {
        self.state.withLock { $0.wake }?.yield()
    }

    /// Has the checker look now if it matters that this item was removed.
    func itemWasRemoved(_ key: String) {
        let matters = self.state.withLock { $0.watched[key] != nil || $0.otherKeys.contains(key) }
        if matters { self.wakeChecker() }
    }

    /// Has the checker look now if it matters that this item was written. A record that was written is still there.
    func itemWasWritten(_ key: String) {
        if self.state.withLock({ $0.otherKeys.contains(key) }) { self.wakeChecker() }
    }
}
