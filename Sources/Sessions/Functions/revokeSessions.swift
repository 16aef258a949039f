import KVStorage

/// Ends the user's sessions everywhere, those included that begin while this runs; returns how many there were, as far as the
/// user's list says.
///
/// What ends them is a number that every session of the user holds and that is replaced here: each is refused at its next
/// request, whether a list names it or not. An update that is under way fails, or is of no use to anybody. Of sealed
/// sessions the count is not known, and the answer 0; they need the `revocations` storage of their configuration.
/// - Parameters:
///   - user: Whose.
///   - kept: A request whose session of this configuration goes on; `nil` ends all. Of two that keep their own at once the
///     first one does, and the other, whose session it ends, throws ``SessionError/Code/gone``.
///   - config: The sessions' configuration.
/// - Throws: ``SessionError/Code/storage``, `conflict`, `headSent` (a sealed session can't be kept any more), `notSupported`,
///   `notStarted`. If it throws, the sessions may have been ended, that of `kept` included.
@discardableResult
public func revokeSessions<Value>(
    of user: String,
    except kept: SessionEvent? = nil,
    _ config: SessionConfig<Value>
) async throws(SessionError) -> Int {
    let core = config.core
    guard let kept, let own = try await kept.requiredSlot(core.name).session(kept) else {
        _ = try await core.advanceEpoch(.user(user))
        return core.records.isSealed ? 0 : await core.endListed(of: user, except: nil)
    }
    let slot = try kept.requiredSlot(core.name)
    guard core.isSame(own.record.user, user), own.record.epochs.count > 1 else {
        // Somebody else's, or nobody's: it goes on anyway.
        _ = try await core.advanceEpoch(.user(user))
        return core.records.isSealed ? 0 : await core.endListed(of: user, except: nil)
    }
    if core.records.isSealed { try slot.requireHead(kept) }
    guard let epoch = try await core.advanceEpoch(.user(user), from: own.record.epochs[1]) else {
        throw SessionSlot.gone
    }
    try await slot.keep(own, through: epoch, of: user, kept)
    return core.records.isSealed ? 0 : await core.endListed(of: user, except: own.handle)
}

/// Ends every session of every user of the configuration: after a leak, or to have everybody log in again.
///
/// Works as ``revokeSessions(of:except:_:)``, at the cost of one write; the records go with their lifetime. Anonymous sessions
/// go on.
/// - Throws: ``SessionError/Code/storage``, `notSupported` for sealed sessions without a `revocations` storage.
public func revokeAllSessions<Value>(_ config: SessionConfig<Value>) async throws(SessionError) {
    _ = try await config.core.advanceEpoch(.all)
    config.core.report(.revoked)
}

/// Ends the sessions whose login named an identifier of the application's own, as OpenID Connect's back-channel logout does by
/// its `sid`.
///
/// Works as ``revokeSessions(of:except:_:)``, at the cost of one write; the records go with their lifetime.
/// - Parameters:
///   - identifier: As it was given to ``authenticateSession(_:user:persistent:methods:identifier:label:name:)``.
///   - config: The sessions' configuration.
/// - Throws: ``SessionError/Code/storage``, `notSupported` for sealed sessions without a `revocations` storage.
public func revokeSessions<Value>(
    identifier: String,
    _ config: SessionConfig<Value>
) async throws(SessionError) {
    _ = try await config.core.advanceEpoch(.identifier(identifier))
    config.core.report(.revoked)
}

/// Ends one session of a user; `false` if the user has no such session (any more).
///
/// - Parameters:
///   - handle: As ``SessionInfo/handle`` says.
///   - user: Whose. A session of somebody else is not ended.
///   - config: The sessions' configuration.
/// - Throws: ``SessionError/Code/storage``, `outcomeUnknown`, `notSupported` for sealed sessions.
@discardableResult
public func revokeSession<Value>(
    _ handle: String,
    of user: String,
    _ config: SessionConfig<Value>
) async throws(SessionError) -> Bool {
    guard !config.core.records.isSealed else { throw SessionCore.keepsNoList }
    guard handle.utf8.count == SessionID.hashCount, handle.utf8.allSatisfy({ Base64.url.contains($0) }) else {
        return false
    }
    return try await config.core.revoke(handle, of: user)
}

extension SessionSlot {
    /// Lets the request's own session outlive a revocation, also if the request still has the ID before the last regeneration.
    fileprivate func keep(
        _ own: LoadedSession, through epoch: Epoch, of user: String, _ event: SessionEvent
    ) async throws(SessionError) {
        try await self.lock.withLock { () async throws(SessionError) in
            var session = own
            for _ in 0..<self.core.options.updateAttempts {
                var record = session.record
                record.epochs[1] = epoch.token
                self.core.modernise(&record, session.id)
                let bytes = record.bytes
                let isKept = try await self.core.swap(
                    session.handle, expected: session.bytes, bytes, ttl: self.storageLife(record))
                if isKept { return try self.adoptKept(session.with(record, bytes: bytes), event) }
                guard let present = try await self.core.read(session.handle),
                    let other = self.core.parse(present), self.core.isSame(other.user, user), other.epochs.count > 1
                else {
                    self.current = .ended
                    throw Self.gone
                }
                session = LoadedSession(id: session.id, handle: session.handle, bytes: present, record: other)
            }
            throw self.conflict
        }
    }

    private func adoptKept(_ session: LoadedSession, _ event: SessionEvent) throws(SessionError) {
        switch self.isReadOnly(session) {
        case false?: try self.adopt(session, sending: self.core.records.isSealed, event)
        case true?: self.current = .readOnly(session)
        // Another request of this browser has given it a new ID meanwhile.
        case nil: self.current = .ended
        }
    }
}
