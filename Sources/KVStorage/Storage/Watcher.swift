import Synchronization

/// One watcher's bounded buffer between the writers and the task that reads.
final class Watcher: Sendable {
    private struct State {
        var buffer: [StorageEvent] = []
        var position = 0
        var waiting: CheckedContinuation<StorageEvent?, Never>?
        var isFinished = false
        var followed: [ObjectIdentifier: (mount: MountPoint, observer: Int)] = [:]
    }

    /// What the watching is about, counted from the root.
    let base: String
    private let handleBaseCount: Int
    private let capacity: Int
    private let core: StorageCore
    private let state = Mutex(State())

    init(base: String, handleBase: String, capacity: Int, core: StorageCore) {
        self.base = base
        self.handleBaseCount = handleBase.utf8.count
        self.capacity = capacity
        self.core = core
    }

    /// Starts to listen to the mount's events, and returns whether that is new.
    @discardableResult
    func follow(_ mount: MountPoint) -> Bool {
        guard self.state.withLock({ !$0.isFinished && $0.followed[mount.id] == nil }) else { return false }
        let observer = mount.events.addObserver { [weak self, base = mount.base, id = mount.id] event in
            self?.receive(event, from: id, at: base)
        } onEnd: { [weak self] in
            self?.finish()
        }
        let isListening = self.state.withLock { state in
            guard !state.isFinished, state.followed[mount.id] == nil else { return false }
            state.followed[mount.id] = (mount, observer)
            return true
        }
        if !isListening { mount.events.removeObserver(observer) }
        // One that was taken out meanwhile has nobody else to let go of it.
        if isListening, self.core.table.mount(at: mount.base)?.id != mount.id { self.unfollow(mount) }
        return isListening
    }

    /// Stops to listen to the mount's events.
    func unfollow(_ mount: MountPoint) {
        guard let followed = self.state.withLock({ $0.followed.removeValue(forKey: mount.id) }) else { return }
        mount.events.removeObserver(followed.observer)
    }

    /// Follows a mount that was just added, if it keeps anything of the base; what is to be seen there has changed then.
    func follow(_ mount: MountPoint, whereItConcerns table: MountTable) {
        guard self.isConcerned(by: mount, table) else { return }
        self.begin(mount)
        self.receive(.lagged)
    }

    /// Stops to follow a mount that was just taken out, and follows the one that comes to light.
    func unfollow(_ mount: MountPoint, whereItConcerned table: MountTable) {
        guard self.isConcerned(by: mount, table) else { return }
        self.unfollow(mount)
        self.begin(table.mount(for: mount.base))
        self.receive(.lagged)
    }

    /// Follows a mount while the watching goes on.
    private func begin(_ mount: MountPoint) {
        guard self.follow(mount), mount.driver.capabilities.watching == .external else { return }
        // Until it watches, changes by others go unseen; whether it does in the end or not, the watcher reads again.
        // Detached: it shall not keep the task-local values of whoever mounts.
        Task.detached { [weak self] in
            try? await mount.driver.startWatching()
            self?.receive(.lagged)
        }
    }

    /// Whether the mount keeps, or kept, anything of the base.
    private func isConcerned(by mount: MountPoint, _ table: MountTable) -> Bool {
        if keyHasPrefix(mount.base, self.base) { return true }
        return keyHasPrefix(self.base, mount.base) && table.mount(for: self.base).baseCount <= mount.baseCount
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
                state.followed = [:]
            }
            return (state.waiting, state.followed)
        }
        for (mount, observer) in followed.values { mount.events.removeObserver(observer) }
        waiting?.resume(returning: nil)
    }

    private func receive(_ event: StorageEvent, from mount: ObjectIdentifier, at mountBase: String) {
        let named = event.mapKey { key in
            let full = mountBase.isEmpty ? key : mountBase + key
            guard keyHasPrefix(full, self.base) else { return nil }
            // Of what nobody can read nothing is told.
            if !self.core.hasOnlyRoot, self.core.table.isMasked(full, inMount: mount) { return nil }
            return keyDroppingPrefix(full, self.handleBaseCount)
        }
        if let named { self.receive(named) }
    }

    private func receive(_ named: StorageEvent) {
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
