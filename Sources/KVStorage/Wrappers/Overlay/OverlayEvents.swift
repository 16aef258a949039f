import Synchronization

/// Turns what an overlay's first layer emits into the overlay's events: one for each write, in the order of the
/// commits.
///
/// A tombstone that is written hides an item. Whether it was removed by that, or written at the same time, knows only
/// whoever wrote the tombstone: that is noted before the commit. Of another's tombstone ``StorageEvent/lagged`` is
/// emitted.
final class OverlayEvents: Sendable {
    /// What a commit that writes a tombstone does to the item.
    struct Hiding: Sendable {
        let key: String
        /// Whether the item was in a lower layer alone and is absent now, of which the first layer emits nothing.
        let isRemoval: Bool
    }

    private struct Pending {
        var removals = 0
        var others = 0
    }

    let hub = EventHub()
    private let source: EventHub?
    private let pending = Mutex<[KeyIdentity: Pending]>([:])
    private let observer = Mutex<Int?>(nil)

    /// More is kept of no commits whose events have not come, in case they never do.
    private static let limit = 10_000

    init(_ source: EventHub?) {
        self.source = source
        let id = source?.addObserver { [weak self] event in
            self?.pass(event)
        } onEnd: { [weak self] in
            self?.hub.finish()
        }
        self.observer.withLock { $0 = id }
    }

    deinit {
        if let observer = self.observer.withLock({ $0 }) { self.source?.removeObserver(observer) }
    }

    /// Notes what a commit is about to do.
    func begin(_ hidings: [Hiding]) {
        guard self.hub.isObserved, !hidings.isEmpty else { return }
        let isFull = self.pending.withLock { pending in
            let isFull = pending.count + hidings.count > Self.limit
            if isFull { pending = [:] }
            for hiding in hidings {
                var one = pending[KeyIdentity(hiding.key)] ?? Pending()
                if hiding.isRemoval { one.removals += 1 } else { one.others += 1 }
                pending[KeyIdentity(hiding.key)] = one
            }
            return isFull
        }
        if isFull { self.hub.emit(.lagged) }
    }

    /// Takes back what was noted of a commit that was not done.
    func withdraw(_ hidings: [Hiding]) {
        guard !hidings.isEmpty else { return }
        self.pending.withLock { pending in
            for hiding in hidings {
                guard var one = pending[KeyIdentity(hiding.key)] else { continue }
                if hiding.isRemoval { one.removals -= 1 } else { one.others -= 1 }
                pending[KeyIdentity(hiding.key)] = one.removals > 0 || one.others > 0 ? one : nil
            }
        }
    }

    private func pass(_ event: StorageEvent) {
        guard let key = event.key else {
            // What was to come may be in the gap.
            self.pending.withLock { $0 = [:] }
            self.hub.emit(event)
            return
        }
        guard Tombstone.isOne(key) else { return self.hub.emit(event) }
        guard case .update = event, let item = Tombstone.itemKey(key) else { return }
        switch self.pending.withLock({ $0.removeValue(forKey: KeyIdentity(item)) }) {
        case let one? where one.others == 0: self.hub.emit(.remove(item, .removed))
        case let one? where one.removals == 0: break
        default: self.hub.emit(.lagged)
        }
    }
}
