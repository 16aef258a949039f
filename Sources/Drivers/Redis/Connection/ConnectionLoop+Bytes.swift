import KVStorage

/// Moves bytes between the socket and the state: writes what is handed over, parses what comes, hands out the replies.
extension ConnectionLoop {
    func exchange(_ transport: any Transport, _ now: Instant) {
        if transport.holdsOutput {
            if case .failed(let code) = transport.flush() {
                return self.lose(Self.failed(RedisSystemError(code)), now)
            }
            if !transport.holdsOutput { self.core.withState { $0.flowed(now) } }
        }
        if self.outgoing != nil { self.write(now) }
        // Writing may have found that the connection is no more.
        guard self.link.transport === transport else { return }
        self.read(transport, now)
    }

    /// Writes what goes without waiting.
    func write(_ now: Instant) {
        guard let transport = self.link.transport else { return }
        while let outgoing = self.outgoing, outgoing.written < outgoing.bytes.count {
            let transfer = outgoing.bytes.withUnsafeBytes { bytes in
                transport.write(UnsafeRawBufferPointer(rebasing: bytes[outgoing.written...]))
            }
            switch transfer {
            case .count(let count):
                self.outgoing?.written += count
                if self.isBlocked { self.core.withState { $0.flowed(now) } }
                self.isBlocked = false
            case .wouldBlock:
                self.isBlocked = true
                return
            case .closed: return self.lose(Self.closedByPeer, now)
            case .failed(let code): return self.lose(Self.failed(RedisSystemError(code)), now)
            }
        }
        self.outgoing = nil
    }

    private func read(_ transport: any Transport, _ now: Instant) {
        var end: StorageError?
        reading: while true {
            switch transport.read(into: self.buffer) {
            case .count(let count):
                do throws(ProtocolError) {
                    try self.parse(UnsafeRawBufferPointer(rebasing: self.buffer[..<count]))
                } catch {
                    self.deliver(now)
                    return self.lose(self.notRESP(error), repeatsReads: false, now)
                }
                // A part of a reply: the rest of it may take longer than a command may.
                if self.replies.isEmpty { self.core.withState { $0.flowed(now) } }
                if count < self.buffer.count, !transport.holdsInput { break reading }
                self.deliver(now)
                // A handshake that failed has ended the connection.
                guard self.link.transport === transport else { return }
            case .wouldBlock:
                break reading
            case .closed:
                end = Self.closedByPeer
                break reading
            case .failed(let code):
                end = Self.failed(RedisSystemError(code))
                break reading
            }
        }
        self.deliver(now)
        if let end, self.link.transport === transport { self.lose(end, now) }
    }

    private func parse(_ bytes: UnsafeRawBufferPointer) throws(ProtocolError) {
        if self.reader == nil { self.reader = ReplyReader() }
        guard try self.reader?.read(bytes, into: &self.replies) != nil else {
            throw ProtocolError(message: "memory is short")
        }
    }

    private func deliver(_ now: Instant) {
        guard !self.replies.isEmpty else { return }
        if case .handshake(let transport, let handshake, let until) = self.link {
            self.deliver(to: handshake, transport, until, now)
        }
        guard case .ready = self.link, !self.replies.isEmpty else { return }
        if let subscriber = self.core.subscriber {
            self.replies.removeAll { reply in
                guard case .array(let parts) = reply, parts.first == Self.message else { return false }
                subscriber.receive(parts)
                return true
            }
            subscriber.receivedAll()
            if self.replies.isEmpty { return }
        }
        if !self.isProven {
            self.isProven = true
            self.backoff.reset()
        }
        var replies: [Reply] = []
        swap(&replies, &self.replies)
        let isWhole = self.withState { $0.received(&replies, now: now, completions: &$1) }
        self.replies = replies
        if !isWhole {
            self.lose(
                self.notRESP(ProtocolError(message: "a reply that was not asked for")), repeatsReads: false, now)
        }
    }

    private func deliver(
        to handshake: Handshake,
        _ transport: any Transport,
        _ until: Instant,
        _ now: Instant
    ) {
        var handshake = handshake
        for (index, reply) in self.replies.enumerated() {
            switch handshake.receive(reply) {
            case .unfinished:
                continue
            case .failed(let error, let isFinal):
                return self.failGreeting(error, isFinal: isFinal, now)
            case .done:
                self.replies.removeFirst(index + 1)
                self.addresses.prefersCurrent()
                self.deniedLogins = 0
                self.attempts = 0
                self.link = .ready(transport)
                self.core.connected(transport.socket)
                self.core.options.observer?.connected(
                    to: self.target.endpoint.description, after: ContinuousClock.now - self.attemptStart)
                return
            }
        }
        self.replies.removeAll(keepingCapacity: true)
        self.link = .handshake(transport, handshake, until: until)
    }
}
