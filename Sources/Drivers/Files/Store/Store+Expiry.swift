import KVStorage

extension Store {
    /// How long other processes' items may wait to be removed once their process is gone, while there are any with a deadline.
    private static let lookInterval = Duration.seconds(60)

    /// How long the removal of an expired item waits for another process that has it locked: it can be made up for.
    private static let expiryTimeout = Duration.milliseconds(100)

    /// How long it takes until what could not be completed of a commit is tried again.
    private static let retryInterval = Duration.seconds(1)

    /// Completes the commits that dead processes have left, removes what is due, and returns when to look again.
    func sweep(_ now: Timestamp) async -> Timestamp? {
        let hasLeftovers: Bool
        do {
            try self.gate.enter()
            defer { self.gate.leave() }
            hasLeftovers = try await self.sweepLeftovers(for: Self.expiryTimeout)
        } catch {
            if error.code == .closed { return nil }
            hasLeftovers = true
        }
        let next = await self.removeDue(now)
        return hasLeftovers ? min(next ?? .distantFuture, now.advanced(by: Self.retryInterval)) : next
    }

    private func removeDue(_ now: Timestamp) async -> Timestamp? {
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
        var next = due.next
        for entry in due.entries {
            do throws(StorageError) {
                // The clock was turned back meanwhile.
                if try await self.expire(entry) { next = min(next ?? entry.deadline, entry.deadline) }
            } catch {
                if error.code == .closed { return nil }
                failed = true
            }
        }
        guard next != nil || failed else { return nil }
        return min(next ?? .distantFuture, now.advanced(by: Self.lookInterval))
    }

    /// The earliest deadline there is, past ones included.
    func nextDeadline() throws(StorageError) -> Timestamp? {
        try self.index.due(at: Timestamp(milliseconds: .min), findsNext: true).next
    }

    /// What a listing has to know of items that have expired.
    enum Expired {
        /// These are to be left out, all others were removed.
        case hidden([String])
        /// Every item has to be looked at: the index is another user's.
        case unknown
    }

    /// Removes what is due, so that a listing needs not look into files.
    func removeExpired() async throws(StorageError) -> Expired {
        let due: [DeadlineIndex.Entry]
        do throws(StorageError) {
            due = try self.index.due(at: self.configuration.clock.now, findsNext: false).entries
        } catch {
            guard error.code == .permissionDenied, System.isForeign(self.base, PathMapping.indexName) else {
                throw error
            }
            return .unknown
        }
        if self.configuration.readOnly {
            var hidden: [String] = []
            for entry in due where try self.item(entry.key, loadsValue: false) == nil { hidden.append(entry.key) }
            return .hidden(hidden)
        }
        var hidden: [String] = []
        for entry in due {
            do throws(StorageError) { try await self.expire(entry) } catch {
                // Somebody else has to remove it, or will.
                guard error.code == .permissionDenied || error.code == .unavailable else { throw error }
                if case .some(.none) = try? self.item(entry.key, loadsValue: false) { hidden.append(entry.key) }
            }
        }
        return .hidden(hidden)
    }

    /// Removes the item if its time has come, and the note of its deadline; returns whether the note had to stay, as the item
    /// lives to that deadline by the clock as it is by now.
    @discardableResult
    private func expire(_ entry: DeadlineIndex.Entry) async throws(StorageError) -> Bool {
        do {
            return try await self.change(entry.key, loadsValue: false, waits: Self.expiryTimeout) { current in
                (.expire(entry), current.map { $0.record.deadline == entry.deadline } ?? false)
            }.result
        } catch {
            guard error.code == .invalidKey else { throw error }
            // A key that can't be one: the link was made by somebody else.
            self.index.remove(entry)
            return false
        }
    }
}
