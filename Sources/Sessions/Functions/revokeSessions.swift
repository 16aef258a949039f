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
///     later one does.
///   - config: The sessions' configuration.
/// - Throws: ``SessionError/Code/storage``, `conflict`, `headSent` (a sealed session can't be kept any more), `notSupported`.
///   If it throws, the sessions may have been ended, that of `kept` included.
@discardableResult
public func revokeSessions<Value>(
    of user: String,
    except kept: SessionEvent? = nil,
    _ config: SessionConfig<Value>
) async throws(SessionError) -> Int {
    let core = config.core
    guard let kept, let slot = kept.slot(core.name) else {
        _ = try await core.advanceEpoch(.user(user))
        return core.records.isSealed ? 0 : await core.endListed(of: user, except: nil)
    }
    // It has to be read before what it holds is refused.
    let own = try await slot.session(kept)
    if core.records.isSealed, own != nil { try slot.requireHead(kept) }
    let epoch = try await core.advanceEpoch(.user(user))
    var handle: String?
    if own != nil { handle = try await slot.keep(through: epoch, of: user, kept) }
    return core.records.isSealed ? 0 : await core.endListed(of: user, except: handle)
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
    /// Lets the request's own session outlive a revocation; returns its handle, or `nil` if it is none of the user's.
    fileprivate func keep(
        through epoch: Epoch, of user: String, _ event: SessionEvent
    ) async throws(SessionError) -> String? {
        try await self.lock.withLock { () async throws(SessionError) in
            for _ in 0..<self.core.options.updateAttempts {
                guard case .live(let session) = self.current, self.core.isSame(session.record.user, user),
                    session.record.epochs.count >= 2
                else { return nil }
                var record = session.record
                record.epochs[1] = epoch.token
                self.core.modernise(&record, session.id)
                let bytes = record.bytes
                let isKept = try await self.core.swap(
                    session.handle, expected: session.bytes, bytes, ttl: self.storageLife(record))
                if isKept {
                    let kept = session.with(record, bytes: bytes)
                    try self.adopt(kept, sending: self.core.records.isSealed, event)
                    return kept.handle
                }
                try await self.reload(session)
            }
            throw self.conflict
        }
    }
}
