import KVStorage

/// Looking whether sessions that somebody waits on have ended: one task for each configuration, while anybody waits.
extension SessionCore {
    /// Emits once, when the session ends.
    func end(of session: LoadedSession?) -> AsyncStream<SessionEnd> {
        let (stream, continuation) = AsyncStream<SessionEnd>.makeStream(bufferingPolicy: .bufferingNewest(1))
        guard let session else {
            continuation.yield(.none)
            continuation.finish()
            return stream
        }
        if let signals = self.streams.add(session, continuation) {
            // Detached: it must not keep the request's task-local values.
            Task.detached { await self.checkWhileOpen(signals) }
        }
        return stream
    }

    private func checkWhileOpen(_ signals: AsyncStream<Void>) async {
        let watcher = Task.detached { await self.watchStore() }
        defer { watcher.cancel() }
        var iterator = signals.makeAsyncIterator()
        while let open = self.streams.open() {
            let clock = self.clock
            // A deadline that passes during the check is one to look at again at once.
            let next: Timestamp
            do {
                let now = clock.now
                await self.check(open)
                next = self.nextCheck(now)
            }
            let timer = Task.detached { [streams] in
                while clock.now < next { do { try await clock.sleep(until: next) } catch { return } }
                streams.wakeChecker()
            }
            _ = await iterator.next()
            timer.cancel()
        }
    }

    /// When to look again if nothing happens before: within the interval, jittered so that many processes don't come at once, or at
    /// the next deadline.
    private func nextCheck(_ now: Timestamp) -> Timestamp {
        let interval = self.options.checkInterval.wholeMilliseconds
        let jittered = Int64.random(in: interval - interval / 4...interval)
        let next = now.advanced(by: .milliseconds(max(jittered, 1)))
        let deadline = self.streams.records.map { self.deadline($0) }.min() ?? next
        // One that has passed and could not be verified is looked at with the others.
        return deadline > now ? min(next, deadline) : next
    }

    /// Has the checker look as soon as the store tells of something; where it tells of nothing, the interval does.
    private func watchStore() async {
        guard let storage = self.epochStorage else { return }
        while !Task.isCancelled {
            do {
                let events = try await storage.watch()
                // What happened before was not heard.
                self.streams.wakeChecker()
                for await event in events {
                    switch event {
                    case .update(let key): self.streams.itemWasWritten(key)
                    case .remove(let key, _): self.streams.itemWasRemoved(key)
                    case .lagged: self.streams.wakeChecker()
                    }
                }
            } catch {
                if error.code == .notSupported || error.code == .closed { return }
            }
            // A watcher that ended hears no more; a new one may.
            do { try await Task.sleep(for: self.options.checkInterval) } catch { return }
        }
    }

    /// Reads all open sessions and what revocations change in one batch, and ends those that have ended.
    private func check(_ open: [String: SessionStreams.Watched]) async {
        let handles = Array(open.keys)
        var others: Set<String> = []
        for (handle, watched) in open { others.formUnion(self.revocationKeys(watched.record, handle)) }
        self.streams.setOtherKeys(others)
        let now = self.clock.now
        let present: [String: [UInt8]?]
        do throws(SessionError) {
            present = try await self.items((self.records.isSealed ? [] : handles) + others)
        } catch {
            self.report(.storageFailed)
            for (handle, watched) in open where self.end(watched.record) <= now { self.streams.end(handle, .tooOld) }
            return
        }
        for (handle, watched) in open {
            let record =
                self.records.isSealed ? watched.record : (present[handle] ?? nil).flatMap { self.parse($0) }
            if let end = self.ending(of: record, handle, before: watched.record, present, now) {
                self.streams.end(handle, end)
            } else if let record {
                self.streams.update(handle, record)
            }
        }
    }

    /// How the session has ended, if it has.
    private func ending(
        of record: SessionRecord?,
        _ handle: String,
        before last: SessionRecord,
        _ present: [String: [UInt8]?],
        _ now: Timestamp
    ) -> SessionEnd? {
        let known = record ?? last
        if self.end(known) <= now { return .tooOld }
        if self.deadline(known) <= now { return .idle }
        let keys = self.revocationKeys(known, handle)
        // One that logged in again under another identifier meanwhile is looked at in the next round.
        if !keys.isEmpty, keys.allSatisfy({ present[$0] != nil }),
            self.isRevoked(known, keys.map { present[$0] ?? nil })
        {
            return self.records.isSealed && known.user == nil ? .loggedOut : .revoked
        }
        return record == nil ? .loggedOut : nil
    }

    private func items(_ keys: [String]) async throws(SessionError) -> [String: [UInt8]?] {
        guard let storage = self.epochStorage, !keys.isEmpty else { return [:] }
        do {
            return Dictionary(uniqueKeysWithValues: zip(keys, try await storage.getItemsRaw(keys)))
        } catch { throw SessionError(error, while: "reading the sessions that streams wait on") }
    }
}
