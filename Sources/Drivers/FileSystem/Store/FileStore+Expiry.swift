import KVStorage

extension FileStore {
    /// How long other processes' items may wait to be removed once their process is gone, while there are any with a deadline.
    private static let lookInterval = Duration.seconds(60)

    /// How long the removal of an expired item waits for another process that has it locked: it can be made up for.
    private static let expiryTimeout = Duration.milliseconds(100)

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

    private func expire(_ entry: DeadlineIndex.Entry) async throws(StorageError) {
        do {
            // An item that is absent to the body is there no more, or has expired; the latter is removed.
            _ = try await self.change(entry.key, loadsValue: false, waits: Self.expiryTimeout) { current in
                (current == nil ? .remove : .nothing, ())
            }
        } catch {
            // A key that can't be one: the link was made by somebody else.
            if error.code != .invalidKey { throw error }
        }
        self.index.remove(entry)
    }
}
