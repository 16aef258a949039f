import KVStorage

extension StorageEvent {
    /// Whether it tells that the item is gone, or any item, whatever took it.
    func isRemoval(of key: String? = nil) -> Bool {
        guard case .remove(let removed, _) = self else { return false }
        return key.map { keysEqual($0, removed) } ?? true
    }
}

extension ConformanceStore {
    /// Returns the events with the causes that are expected, where the driver may say that it does not know them.
    ///
    /// One that tells of others' changes may hear of all removals alike. One that says something else has to be right, and
    /// so has every driver that tells of its own changes alone.
    func resolved(_ events: [StorageEvent], as expected: some Sequence<StorageEvent>) -> [StorageEvent] {
        guard self.capabilities.watching == .external else { return events }
        var causes: [KeyIdentity: StorageEvent] = [:]
        for event in expected {
            if case .remove(let key, _) = event { causes[KeyIdentity(key)] = event }
        }
        return events.map { event in
            guard case .remove(let key, .unknown) = event else { return event }
            return causes[KeyIdentity(key)] ?? event
        }
    }
}
