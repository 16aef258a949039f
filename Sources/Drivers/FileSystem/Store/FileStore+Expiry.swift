import KVStorage

extension FileStore {
    /// How long other processes' items may wait to be removed once their process is gone, while there are any with a deadline.
    private static let lookInterval = Duration.seconds(60)

    /// Removes what is due and returns when to look again.
    func sweep(_ now: Timestamp) async -> Timestamp? {
        let due: (entries: [DeadlineIndex.Entry], next: Timestamp?)
        do {
            try self.gate.enter()
            defer { self.gate.leave() }
            due = try self.index.due(at: now, findsNext: true)
        } catch {
            // Closed, which ends it, or a folder that can't be read now and perhaps can later.
            return error.code == .closed ? nil : now.advanced(by: Self.lookInterval)
        }
        var failed = false
        for entry in due.entries {
            do { try await self.expire(entry) } catch {
                if error.code == .closed { return nil }
                failed = true
            }
        }
        guard due.next != nil || failed else { return nil }
        return min(due.next ?? .distantFuture, now.advanced(by: Self.lookInterval))
    }

    /// The earliest deadline there is, past ones included.
    func nextDeadline() throws(StorageError) -> Timestamp? {
        try self.index.due(at: Timestamp(milliseconds: .min), findsNext: true).next
    }

    /// Removes what is due, so that a listing needs not look into files; returns the keys to leave out where that may not be.
    func removeExpired() async throws(StorageError) -> [String] {
        let due = try self.index.due(at: self.configuration.clock.now, findsNext: false).entries
        if self.configuration.readOnly {
            var hidden: [String] = []
            for entry in due where try self.item(entry.key, loadsValue: false) == nil { hidden.append(entry.key) }
            return hidden
        }
        for entry in due { try await self.expire(entry) }
        return []
    }

    private func expire(_ entry: DeadlineIndex.Entry) async throws(StorageError) {
        do {
            // An item that is absent to the body is there no more, or has expired; the latter is removed.
            _ = try await self.change(entry.key, loadsValue: false) { current in
                (current == nil ? .remove : .nothing, ())
            }
        } catch {
            // A key that can't be one: the link was made by somebody else.
            if error.code != .invalidKey { throw error }
        }
        self.index.remove(entry)
    }
}
