import KVStorage

extension SessionSlot {
    /// What a write wants to be stored.
    struct Change<Result> {
        var value: any AnySessionValue
        var data: [UInt8]
        var result: Result
    }

    /// R15, R16: changes the session as one step, or creates it if the request has none. Under ``lock``.
    ///
    /// `body` gets the value, or `nil` to start from nothing; it runs again if somebody else's write came between.
    func update<Result>(
        _ event: SessionEvent,
        _ body: ((any AnySessionValue)?) throws -> Change<Result>
    ) async throws -> Result {
        _ = try await self.load(event)
        for _ in 0..<self.core.options.updateAttempts {
            guard let session = try await self.writable() else {
                let change = try body(nil)
                _ = try await self.create(change.value, change.data, event)
                return change.result
            }
            let change = try body(session.value)
            if try await self.write(change.value, change.data, over: session, event) { return change.result }
            try await self.reload(session)
        }
        throw self.conflict
    }

    /// Returns the session if it can be written, `nil` if there is none yet; throws if it ended (A44).
    func writable() async throws(SessionError) -> LoadedSession? {
        switch self.current {
        case .ended: throw Self.gone
        case .pending, .absent: return nil
        case .live(let session):
            guard self.core.clock.now < session.record.deadline(self.core.limits) else {
                self.current = .ended
                try await self.expire(session.bytes, id: session.id, handle: session.handle)
                throw Self.gone
            }
            return session
        }
    }

    /// Writes over the bytes that were read; `false` if they are no longer there.
    private func write(
        _ value: any AnySessionValue,
        _ data: [UInt8],
        over session: LoadedSession,
        _ event: SessionEvent
    ) async throws(SessionError) -> Bool {
        try self.checkSize(data)
        let now = self.core.clock.now
        var record = session.record
        record.data = data
        record.dataVersion = self.core.type.version
        record.seen = max(now, record.seen)
        let bytes = record.bytes
        let ttl = SessionLimits.storageLife(from: now, to: record.deadline(self.core.limits))
        guard try await self.core.swap(session.handle, expected: session.bytes, bytes, ttl: ttl) else { return false }
        try self.adopt(session.with(record, bytes: bytes, value: value), sending: self.core.rolling, event)
        return true
    }

    /// Reads what came between; throws ``SessionError/Code/gone`` if that was the session's end.
    func reload(_ session: LoadedSession) async throws(SessionError) {
        self.core.report(.conflict, session.id)
        guard let bytes = try await self.core.read(session.handle),
            let other = try await self.open(bytes, id: session.id, handle: session.handle)
        else {
            self.current = .ended
            throw Self.gone
        }
        self.current = .live(other)
    }

    /// What a write is told that lost too often.
    var conflict: SessionError {
        let attempts = self.core.options.updateAttempts
        return SessionError(
            .conflict,
            "others changed the session during all of \(attempts) attempts; nothing was written, try again"
        )
    }

    /// R31: refuses data over the limit before anything is written.
    func checkSize(_ data: [UInt8]) throws(SessionError) {
        let limit = self.core.options.maximumDataBytes
        guard data.count <= limit else {
            throw SessionError(
                .tooLarge,
                "the session's data would take \(data.count) bytes, the limit is \(limit); keep less in it"
            )
        }
    }
}
