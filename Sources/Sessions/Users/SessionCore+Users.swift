import Crypto
import KVStorage

/// R32, R33, R34: which sessions a user has.
///
/// An entry is written before its session's ID is known to anybody, and removed after its record: the list may name sessions
/// that are gone, which are dropped as they are found, but misses none that works.
extension SessionCore {
    /// Where a user's list is: behind a hash, as users are called as they please.
    private func indexKey(_ user: String) -> String { "users:" + Self.hash(user) }

    static func hash(_ user: String) -> String {
        SHA256.hash(data: Array(user.utf8)).withUnsafeBytes { Base64.url.encode($0) }
    }

    /// Enters a session, then ends the oldest ones over the limit; `replacing` is about to go and counts as gone.
    func enterIntoUserIndex(_ session: LoadedSession, of user: String, replacing: String?) async throws(SessionError) {
        let record = session.record
        let entry = UserIndex.Entry(handle: session.handle, created: record.created, end: record.end(self.limits))
        let index = try await self.updateIndex(user) { $0.entries.append(entry) }
        guard let maximum = self.options.maximumPerUser else { return }
        var others = index.entries.filter { $0.handle != session.handle && $0.handle != replacing }
        guard others.count + 1 > maximum else { return }
        // Those that are gone must not cost one that is there its place.
        let living = try await self.living(others, of: user)
        var gone = Set(others.map(\.handle)).subtracting(living.map(\.entry.handle))
        others = living.map(\.entry).sorted { ($0.created, $0.handle) < ($1.created, $1.handle) }
        for entry in others.prefix(max(others.count + 1 - maximum, 0)) {
            try await self.revoke(entry.handle)
            gone.insert(entry.handle)
        }
        _ = try await self.updateIndex(user) { $0.remove(gone) }
    }

    /// Drops a session that has ended from its user's list. Should that fail, the entry is dropped when it is next looked at.
    func removeFromUserIndex(_ handle: String, of user: String?) async {
        guard let user, !self.records.isSealed else { return }
        do { _ = try await self.updateIndex(user) { $0.remove([handle]) } } catch { self.report(.storageFailed, nil) }
    }

    /// Returns the user's sessions and drops the entries of those that are gone (R34).
    func sessions(of user: String) async throws(SessionError) -> [(handle: String, record: SessionRecord)] {
        let entries = try await self.index(user).index.entries
        let living = try await self.living(entries, of: user)
        let gone = Set(entries.map(\.handle)).subtracting(living.map(\.entry.handle))
        if !gone.isEmpty { _ = try await self.updateIndex(user) { $0.remove(gone) } }
        return living.map { ($0.entry.handle, $0.record) }
    }

    /// R33: ends all sessions of a user but one, those included that begin while it is at it.
    func revokeAll(of user: String, except kept: String?) async throws(SessionError) -> Int {
        var count = 0
        for _ in 0..<self.options.updateAttempts {
            let (index, bytes) = try await self.index(user)
            guard let bytes else { return count }
            for entry in index.entries where entry.handle != kept {
                guard let record = try await self.record(entry.handle), record.user == user else { continue }
                if try await self.revoke(entry.handle) { count += 1 }
            }
            var rest = index
            rest.entries.removeAll { $0.handle != kept }
            // A session that was entered meanwhile makes this fail; it is ended in the next round.
            if try await self.swapIndex(user, expected: bytes, rest) { return count }
        }
        throw SessionError(.conflict, "new sessions of the user kept beginning; some may be left, try again")
    }

    /// Ends one session of a user; `false` if there is none such.
    func revoke(_ handle: String, of user: String) async throws(SessionError) -> Bool {
        guard let record = try await self.record(handle), record.user == user else { return false }
        let isRevoked = try await self.revoke(handle)
        await self.removeFromUserIndex(handle, of: user)
        return isRevoked
    }

    @discardableResult
    private func revoke(_ handle: String) async throws(SessionError) -> Bool {
        let isRemoved = try await self.remove(handle)
        if isRemoved { self.report(.revoked, nil) }
        return isRemoved
    }

    /// Returns those entries whose session is there.
    private func living(
        _ entries: [UserIndex.Entry],
        of user: String
    ) async throws(SessionError) -> [(entry: UserIndex.Entry, record: SessionRecord)] {
        var living: [(entry: UserIndex.Entry, record: SessionRecord)] = []
        for entry in entries {
            guard let record = try await self.record(entry.handle), record.user == user, !record.isSuperseded,
                self.clock.now < record.deadline(self.limits)
            else { continue }
            living.append((entry, record))
        }
        return living
    }

    private func index(_ user: String) async throws(SessionError) -> (index: UserIndex, bytes: [UInt8]?) {
        guard case .storage(let storage) = self.records else { throw Self.keepsNoList }
        do {
            let bytes = try await storage.getItemRaw(self.indexKey(user))
            return (bytes.map { UserIndex($0) } ?? UserIndex(), bytes)
        } catch { throw SessionError(error, while: "reading a user's sessions") }
    }

    /// Changes the list as one step and drops what the absolute limit ended.
    private func updateIndex(
        _ user: String,
        _ body: (inout UserIndex) -> Void
    ) async throws(SessionError) -> UserIndex {
        for _ in 0..<self.options.updateAttempts {
            let (old, bytes) = try await self.index(user)
            var new = old
            let now = self.clock.now
            new.entries.removeAll { $0.end <= now }
            body(&new)
            if new == old { return new }
            if try await self.swapIndex(user, expected: bytes, new) { return new }
        }
        throw SessionError(.conflict, "the list of the user's sessions kept changing, try again")
    }

    private func swapIndex(_ user: String, expected: [UInt8]?, _ new: UserIndex) async throws(SessionError) -> Bool {
        guard case .storage(let storage) = self.records else { throw Self.keepsNoList }
        let end = new.entries.map(\.end).max()
        do {
            return try await storage.compareAndSwapItem(
                self.indexKey(user),
                expected: expected,
                replacement: end == nil ? nil : new.bytes,
                ttl: end.map { SessionLimits.storageLife(from: self.clock.now, to: $0) } ?? .forever
            )
        } catch { throw SessionError(error, while: "writing a user's sessions") }
    }

    static var keepsNoList: SessionError {
        SessionError(.notSupported, "sealed sessions are kept by their clients alone: they can't be listed")
    }
}
