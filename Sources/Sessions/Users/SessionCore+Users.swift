import Crypto
import KVStorage

/// R32, R33, R34: which sessions a user has.
///
/// The list is for showing, and for the limit: whether a session is revoked is said by its epochs. An entry is written before
/// its session's ID is known to anybody, and removed after its record; entries of sessions that are gone are dropped as they are
/// found.
extension SessionCore {
    /// A session of a user's list.
    typealias Listed = (handle: String, record: SessionRecord)

    /// Where a user's list is: behind a hash, as users are called as they please.
    private func indexKey(_ user: String) -> String { "users:" + Self.hash(user) }

    static func hash(_ user: String) -> String {
        var user = user
        let digest = user.withUTF8 { bytes in
            var hasher = SHA256()
            hasher.update(bufferPointer: UnsafeRawBufferPointer(bytes))
            return hasher.finalize()
        }
        return digest.withUnsafeBytes { Base64.url.encode($0) }
    }

    /// Enters a session, or its new times. Returns the entries there are then.
    ///
    /// A list that is damaged begins anew, which is reported: it must not keep anybody from logging in.
    func enterIntoUserIndex(
        _ handle: String, _ record: SessionRecord, of user: String
    ) async throws(SessionError) -> [UserIndex.Entry] {
        let end = record.created.advanced(by: .milliseconds(record.limits.absolute))
        let entry = UserIndex.Entry(handle: handle, created: record.created, end: end)
        return try await self.updateIndex(user, replacingDamaged: true) { index in
            index.remove([handle])
            index.entries.append(entry)
        }.entries
    }

    /// Ends the oldest sessions over the limit, but for one. What fails is reported: the next login does it.
    func evict(_ entries: [UserIndex.Entry], of user: String, keeping handle: String) async {
        guard let maximum = self.options.maximumPerUser, entries.count > maximum else { return }
        do throws(SessionError) {
            // Those that are gone must not cost one that is there its place.
            let living = try await self.living(entries, of: user)
            var gone = Set(entries.map(\.handle)).subtracting(living.map(\.handle))
            let others = living.filter { $0.handle != handle }.sorted {
                ($0.record.created, $0.handle) < ($1.record.created, $1.handle)
            }
            for other in others.prefix(max(others.count + 1 - maximum, 0)) {
                try await self.revoke(other.handle, user, .overLimit)
                gone.insert(other.handle)
            }
            gone.remove(handle)
            _ = try await self.updateIndex(user) { $0.remove(gone) }
        } catch { self.report(.storageFailed, handle: handle, user: user) }
    }

    /// Drops a session that has ended from its user's list. Should that fail, the entry is dropped when it is next looked at.
    func removeFromUserIndex(_ handles: Set<String>, of user: String?) async {
        guard let user, !self.records.isSealed, !handles.isEmpty else { return }
        do {
            _ = try await self.updateIndex(user) { $0.remove(handles) }
        } catch { self.report(.storageFailed, user: user) }
    }

    /// Returns the user's sessions and drops the entries of those that are gone (R34).
    func sessions(of user: String) async throws(SessionError) -> [Listed] {
        let (index, _) = try await self.index(user)
        let living = try await self.living(index.entries, of: user)
        let gone = Set(index.entries.map(\.handle)).subtracting(living.map(\.handle))
        await self.removeFromUserIndex(gone, of: user)
        return living
    }

    /// R33: ends all sessions of a user but one; `epoch` has refused them already.
    func endListed(of user: String, except kept: String?) async -> Int {
        var count = 0
        do throws(SessionError) {
            let index: UserIndex
            do throws(SessionError) {
                index = try await self.index(user).index
            } catch {
                guard error.code == .undecodable else { throw error }
                // Reported; what it named is refused by the epoch and goes with its lifetime.
                _ = try await self.updateIndex(user, replacingDamaged: true) { $0.entries = [] }
                return 0
            }
            let handles = index.entries.map(\.handle).filter { $0 != kept }
            for (handle, record) in zip(handles, try await self.records(handles)) {
                guard let record, self.isSame(record.user, user) else { continue }
                if try await self.revoke(handle, user, .revoked) { count += 1 }
            }
            _ = try await self.updateIndex(user) { $0.remove(Set(handles)) }
        } catch { self.report(.storageFailed, user: user) }
        return count
    }

    /// Ends one session of a user; `false` if there is none such.
    func revoke(_ handle: String, of user: String) async throws(SessionError) -> Bool {
        guard let record = try await self.read(handle).flatMap(self.parse), self.isSame(record.user, user) else {
            return false
        }
        let isRevoked = try await self.revoke(handle, user, .revoked)
        await self.removeFromUserIndex([handle], of: user)
        return isRevoked
    }

    @discardableResult
    private func revoke(_ handle: String, _ user: String, _ end: SessionEnd) async throws(SessionError) -> Bool {
        guard try await self.take(handle) != nil else { return false }
        self.report(.revoked, handle: handle, user: user)
        self.streams.end(handle, end)
        return true
    }

    /// Users are bytes: names that look alike are different users.
    func isSame(_ one: String?, _ other: String) -> Bool {
        one.map { $0.utf8.elementsEqual(other.utf8) } ?? false
    }

    /// Returns those entries whose session is there and not revoked; two reads, however many there are.
    private func living(_ entries: [UserIndex.Entry], of user: String) async throws(SessionError) -> [Listed] {
        let now = self.clock.now
        var living: [Listed] = []
        for (entry, record) in zip(entries, try await self.records(entries.map(\.handle))) {
            guard let record, self.isSame(record.user, user), now < self.deadline(record) else { continue }
            living.append((entry.handle, record))
        }
        let isRevoked = try await self.areRevoked(living.map(\.record))
        return zip(living, isRevoked).filter { !$0.1 }.map(\.0)
    }

    private func index(_ user: String) async throws(SessionError) -> (index: UserIndex, bytes: [UInt8]?) {
        guard case .storage(let storage) = self.records else { throw Self.keepsNoList }
        let bytes: [UInt8]?
        do {
            bytes = try await storage.getItemRaw(self.indexKey(user))
        } catch { throw SessionError(error, while: "reading a user's sessions") }
        guard let bytes else { return (UserIndex(), nil) }
        guard let index = UserIndex(bytes) else {
            self.report(.storageFailed, user: user)
            throw SessionError(
                .undecodable,
                "the list of the user's sessions is damaged: revoke them all, which does not need it, to begin a new one"
            )
        }
        return (index, bytes)
    }

    /// Changes the list as one step and drops what its own limit ended.
    private func updateIndex(
        _ user: String,
        replacingDamaged: Bool = false,
        _ body: (inout UserIndex) -> Void
    ) async throws(SessionError) -> UserIndex {
        for _ in 0..<self.options.updateAttempts {
            let old: UserIndex
            let bytes: [UInt8]?
            do throws(SessionError) {
                (old, bytes) = try await self.index(user)
            } catch {
                guard replacingDamaged, error.code == .undecodable else { throw error }
                try await self.removeIndex(user)
                continue
            }
            var new = old
            let now = self.clock.now
            new.entries.removeAll { $0.end <= now }
            body(&new)
            if new == old { return new }
            if try await self.swapIndex(user, expected: bytes, new) { return new }
        }
        throw SessionError(.conflict, "the list of the user's sessions kept changing, try again")
    }

    private func removeIndex(_ user: String) async throws(SessionError) {
        guard case .storage(let storage) = self.records else { throw Self.keepsNoList }
        do {
            _ = try await storage.removeItem(self.indexKey(user))
        } catch { throw SessionError(error, while: "writing a user's sessions") }
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
