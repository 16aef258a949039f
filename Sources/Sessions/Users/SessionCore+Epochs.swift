import KVStorage

/// R33: revoking does not depend on a list. Every logged-in session holds the numbers that were the epochs of all sessions, of
/// its user, and of its identifier if it has one, when its user logged in. They are read in one batch at each load: a
/// session is refused as soon as one of them is another one, is damaged or is not there.
extension SessionCore {
    /// What an epoch is of.
    enum EpochScope: Sendable {
        case all
        case user(String)
        case identifier(String)
    }

    private static func epochKey(_ scope: EpochScope) -> String {
        switch scope {
        case .all: "epochs:all"
        case .user(let user): "epochs:users:" + Self.hash(user)
        case .identifier(let identifier): "epochs:identifiers:" + Self.hash(identifier)
        }
    }

    private static func scopes(user: String, identifier: String?) -> [EpochScope] {
        [.all, .user(user)] + (identifier.map { [.identifier($0)] } ?? [])
    }

    /// Where the epochs are: beside the records, or in a sealed configuration's revocations; `nil` if there are none.
    var epochStorage: Storage? {
        switch self.records {
        case .storage(let storage): storage
        case .cookie(let sealer): sealer.revocations
        }
    }

    /// Returns the epochs for a login, and makes those that are not there; none where there is no storage for them.
    func currentEpochs(user: String, identifier: String?) async throws(SessionError) -> [Epoch] {
        guard let storage = self.epochStorage else { return [] }
        let keys = Self.scopes(user: user, identifier: identifier).map(Self.epochKey)
        do throws(StorageError) {
            let entries = try await storage.getEntriesRaw(keys)
            var epochs: [Epoch] = []
            for (key, entry) in zip(keys, entries) {
                if let entry, let epoch = Epoch(entry.value), try await self.extend(key, entry.meta, storage) {
                    epochs.append(epoch)
                } else {
                    epochs.append(try await self.makeEpoch(key, storage))
                }
            }
            return epochs
        } catch { throw SessionError(error, while: "reading what revocations change") }
    }

    /// Sees to it that an epoch lives longer than the sessions that hold it; `false` if it is gone.
    private func extend(_ key: String, _ meta: ItemMeta, _ storage: Storage) async throws(StorageError) -> Bool {
        let needed = self.clock.now.advanced(by: self.longestLife + .seconds(3600))
        guard let deadline = meta.deadline, deadline < needed else { return true }
        return try await storage.touchItem(key, ttl: self.epochLife)
    }

    /// Makes an epoch, instead of a damaged one too, unless somebody else does.
    private func makeEpoch(_ key: String, _ storage: Storage) async throws(StorageError) -> Epoch {
        for _ in 0..<self.options.updateAttempts {
            let present = try await storage.getItemRaw(key)
            if let present, let epoch = Epoch(present) { return epoch }
            // One that is damaged refuses all sessions as it is: so does the new one.
            let epoch = Epoch(revoked: present == nil ? nil : self.clock.now)
            let isMade = try await storage.compareAndSwapItem(
                key, expected: present, replacement: epoch.bytes, ttl: self.epochLife)
            if isMade { return epoch }
        }
        throw StorageError(.conflict, "others kept changing what revocations change; try again", key: key)
    }

    /// Long enough that most logins need not lengthen it.
    private var epochLife: TTL { .after(self.longestLife + self.longestLife + .seconds(86_400)) }

    /// The keys that decide whether a session is refused: its epochs, and what the logout of a sealed one left.
    func revocationKeys(_ record: SessionRecord, _ handle: String) -> [String] {
        guard self.epochStorage != nil else { return [] }
        var keys: [String] = []
        if let user = record.user { keys = Self.scopes(user: user, identifier: record.identifier).map(Self.epochKey) }
        if self.records.isSealed { keys.append(Self.endedKey(handle)) }
        return keys
    }

    /// Whether a session is refused, going by what is under its ``revocationKeys(_:_:)``.
    func isRevoked(_ record: SessionRecord, _ present: [[UInt8]?]) -> Bool {
        var epochs = present[...]
        if self.records.isSealed, epochs.popLast().flatMap({ $0 }) != nil { return true }
        return !Self.hold(record["epochs"] ?? "", epochs)
    }

    /// Whether a session is refused by an epoch, or by what its logout left; one read.
    func isRevoked(_ record: SessionRecord, _ handle: String) async throws(SessionError) -> Bool {
        guard let storage = self.epochStorage else { return false }
        let keys = self.revocationKeys(record, handle)
        guard !keys.isEmpty else { return false }
        let present: [[UInt8]?]
        do {
            present = try await storage.getItemsRaw(keys)
        } catch { throw SessionError(error, while: "reading what revocations change") }
        return self.isRevoked(record, present)
    }

    /// Whether a record's line of epochs is, one after the other, what is there now.
    private static func hold(_ line: String, _ present: some Collection<[UInt8]?>) -> Bool {
        var line = line
        return line.withUTF8 { line in
            var rest = line[...]
            for (index, bytes) in present.enumerated() {
                if index > 0, rest.popFirst() != UInt8(ascii: " ") { return false }
                let token = rest.prefix { $0 != UInt8(ascii: " ") }
                guard let bytes, Epoch.isToken(token, of: bytes) else { return false }
                rest = rest[token.endIndex...]
            }
            return rest.isEmpty
        }
    }

    /// Tells of each of several logged-in sessions whether an epoch refuses it; one read.
    func areRevoked(_ records: [SessionRecord]) async throws(SessionError) -> [Bool] {
        guard let storage = self.epochStorage, !records.isEmpty else { return records.map { _ in false } }
        let keys = records.map { record in
            Self.scopes(user: record.user ?? "", identifier: record.identifier).map(Self.epochKey)
        }
        let unique = Array(Set(keys.joined()))
        let present: [String: [UInt8]?]
        do {
            present = Dictionary(uniqueKeysWithValues: zip(unique, try await storage.getItemsRaw(unique)))
        } catch { throw SessionError(error, while: "reading what revocations change") }
        return zip(records, keys).map { record, keys in
            !Self.hold(record["epochs"] ?? "", keys.map { present[$0] ?? nil })
        }
    }

    /// Returns the epochs that a logged-in session of the first format is to hold, as it has none; `nil` if it was revoked since
    /// its login, or if that can't be told.
    func epochsToAdopt(_ record: SessionRecord) async throws(SessionError) -> [String]? {
        guard let user = record.user else { return [] }
        if self.records.isSealed { return self.epochStorage == nil ? [] : nil }
        let epochs = try await self.currentEpochs(user: user, identifier: nil)
        guard epochs.allSatisfy({ $0.revoked.map { $0 < record.created } ?? true }) else { return nil }
        return epochs.map(\.token)
    }

    /// Replaces an epoch: from then on the sessions that hold the old one are refused.
    func advanceEpoch(_ scope: EpochScope) async throws(SessionError) -> Epoch {
        let storage = try self.requiredEpochStorage()
        let epoch = Epoch(revoked: self.clock.now)
        do {
            try await storage.setItemRaw(Self.epochKey(scope), epoch.bytes, ttl: self.advancedLife)
        } catch { throw SessionError(error, while: "revoking sessions") }
        return epoch
    }

    /// Replaces an epoch that is the given one still; `nil` if somebody else has replaced it.
    func advanceEpoch(_ scope: EpochScope, from token: String) async throws(SessionError) -> Epoch? {
        let storage = try self.requiredEpochStorage()
        let key = Self.epochKey(scope)
        let epoch = Epoch(revoked: self.clock.now)
        do {
            guard let present = try await storage.getItemRaw(key), Self.hold(token, [present]) else { return nil }
            let isReplaced = try await storage.compareAndSwapItem(
                key, expected: present, replacement: epoch.bytes, ttl: self.advancedLife)
            return isReplaced ? epoch : nil
        } catch { throw SessionError(error, while: "revoking sessions") }
    }

    /// What is there lives longer than every session that holds it.
    private var advancedLife: TTL { .keep(orElse: .after(self.longestLife + .seconds(86_400))) }

    private func requiredEpochStorage() throws(SessionError) -> Storage {
        if let storage = self.epochStorage { return storage }
        throw SessionError(
            .notSupported,
            "sealed sessions are revoked through the `revocations` storage, which their configuration does not have"
        )
    }

    // MARK: Sealed sessions

    private static func endedKey(_ handle: String) -> String { "ended:" + handle }

    /// Leaves word that a sealed session was logged out, until its limit ends it anyway; does nothing where there is no
    /// storage for that.
    func endSealed(_ handle: String, _ record: SessionRecord) async throws(SessionError) {
        guard case .cookie(let sealer) = self.records, let storage = sealer.revocations else { return }
        let ttl = SessionLimits.storageLife(from: self.clock.now, to: self.end(record).advanced(by: .seconds(300)))
        do {
            try await storage.setItemRaw(Self.endedKey(handle), [UInt8(ascii: "1")], ttl: ttl)
        } catch { throw SessionError(error, while: "ending a sealed session") }
    }
}
