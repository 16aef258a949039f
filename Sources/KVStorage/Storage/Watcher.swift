import Synchronization

/// One watcher's bounded buffer between the writers and the task that reads.
final class Watcher: Sendable {
    private struct State {
        var buffer: [StorageEvent] = []
        var position = 0
        var waiting: CheckedContinuation<StorageEvent?, Never>?
        var isFinished = false
        var followed: [(mount: MountPoint, observer: Int)] = []
    }

    private let base: String
    private let handleBaseCount: Int
    private let capacity: Int
    private let state = Mutex(State())

    init(base: String, handleBase: String, capacity: Int) {
        self.base = base
        self.handleBaseCount = handleBase.utf8.count
        self.capacity = capacity
    }

    /// Starts to listen to the mount's events.
    func follow(_ mount: MountPoint) {
        let isAlone = self.state.withLock { state in
            !state.isFinished && !state.followed.contains { $0.mount === mount }
        }
        guard isAlone else { return }
        let observer = mount.events.addObserver { [weak self, base = mount.base] event in
            self?.receive(event, from: base)
        } onEnd: { [weak self] in
            self?.finish()
        }
        let isListening = self.state.withLock { state in
            guard !state.isFinished, !state.followed.contains(where: { $0.mount === mount }) else { return false }
            state.followed.append((mount, observer))
            return true
        }
        if !isListening { mount.events.removeObserver(observer) }
    }

    /// Stops to listen to the mount's events.
    func unfollow(_ mount: MountPoint) {
        let observers = self.state.withLock { state in
            defer { state.followed.removeAll { $0.mount === mount } }
            return state.followed.filter { $0.mount === mount }.map(\.observer)
        }
        for observer in observers { mount.events.removeObserver(observer) }
    }

    /// Returns the next event, or `nil` when the watching has ended.
    func next() async -> StorageEvent? {
        await withCheckedContinuation { continuation in
            let (isReady, event) = self.state.withLock { state in
                if state.position < state.buffer.count {
                    let event = state.buffer[state.position]
                    state.position += 1
                    if state.position == state.buffer.count {
                        state.buffer.removeAll(keepingCapacity: true)
                        state.position = 0
                    }
                    return (true, event as StorageEvent?)
                }
                if state.isFinished || state.waiting != nil { return (true, nil) }
                state.waiting = continuation
                return (false, nil)
            }
            if isReady { continuation.resume(returning: event) }
        }
    }

    /// Ends the watching: what is buffered can still be read.
    func finish() {
        let (waiting, followed) = self.state.withLock { state in
            state.isFinished = true
            defer {
                state.waiting = nil
                state.followed = []
            }
            return (state.waiting, state.followed)
        }
        for (mount, observer) in followed { mount.events.removeObserver(observer) }
        waiting?.resume(returning: nil)
    }

    private func receive(_ event: StorageEvent, from mountBase: String) {
        let named = event.mapKey { key in
            let full = mountBase + key
            guard keyHasPrefix(full, self.base) else { return nil }
            return keyDroppingPrefix(full, self.handleBaseCount)
        }
        guard let named else { return }
        let waiting = self.state.withLock { state in
            if state.isFinished { return nil as CheckedContinuation<StorageEvent?, Never>? }
            if let waiting = state.waiting {
                state.waiting = nil
                return waiting
            }
            let count = state.buffer.count - state.position
            if count < self.capacity {
                if state.position >= self.capacity {
                    state.buffer.removeFirst(state.position)
                    state.position = 0
                }
                state.buffer.append(named)
            } else if state.buffer.last != .lagged {
                // One more than the capacity: the gap itself is always told.
                state.buffer.append(.lagged)
            }
            return nil
        }
        waiting?.resume(returning: named)
    }
}
