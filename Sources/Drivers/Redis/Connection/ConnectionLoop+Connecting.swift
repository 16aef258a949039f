import KVStorage

/// How a connection comes and goes.
extension ConnectionLoop {
    func connect(_ now: Instant) {
        self.isProven = false
        self.attempts += 1
        let options = self.core.options
        let until = now.advanced(by: options.connectTimeout)
        self.target = options
        if let observer = options.observer {
            self.attemptStart = .now
            observer.connecting(to: self.place, attempt: self.attempts)
        }
        guard options.sentinels != nil || options.credentials != nil else { return self.resolve(until) }
        // One that hangs is waited for further, so that there is never more than one.
        let pending = self.preparation.flatMap { $0.outcome == nil ? $0 : nil }
        let preparation =
            pending ?? Preparation(options, isRetry: self.attempts > 1, wakeup: self.core.wakeup)
        self.preparation = preparation
        self.link = .preparing(preparation, until: until)
    }

    /// Goes on with what was prepared.
    func resolve() {
        guard case .preparing(let preparation, let until) = self.link, let outcome = preparation.outcome else { return }
        self.preparation = nil
        switch outcome {
        case .success(let found):
            self.target.endpoint = found.endpoint
            if let credentials = found.credentials {
                self.target.username = credentials.username
                self.target.password = credentials.secret
            }
            self.resolve(until)
        case .failure(let failure):
            self.failToConnect(failure.error, isFinal: failure.isFinal, RedisPlatform.now)
        }
    }

    private func resolve(_ until: Instant) {
        let resolution = Resolution(
            self.target.endpoint, wakeup: self.core.wakeup, lookUp: self.core.options.lookUp)
        self.link = .resolving(resolution, until: until)
    }

    /// Begins with the addresses that were found.
    func openNext() {
        guard case .resolving(let resolution, let until) = self.link, let outcome = resolution.outcome else { return }
        let now = RedisPlatform.now
        switch outcome {
        case .success(let addresses):
            self.addresses.begin(addresses, until: until)
            self.openNext("it has no address", nil, now)
        case .failure(let error): self.failToConnect(error.description, error, now)
        }
    }

    /// Does what follows from how far the opening has come.
    func goOn(_ opening: Opening, _ now: Instant) {
        guard case .opening(let transport, let until) = self.link else { return }
        switch opening {
        case .wants:
            break
        case .failed(let error):
            self.failAddress(error.description, error, now)
        case .rejected(let reason):
            self.failToConnect(
                StorageError(.permissionDenied, "no connection to \(self.place): \(reason)"), isFinal: true, now)
        case .done:
            if let idle = self.core.options.keepAlive { RedisPlatform.keepAlive(transport.descriptor, after: idle) }
            let handshake = Handshake(self.target)
            self.link = .handshake(transport, handshake, until: until)
            self.outgoing = .init(start: 0, bytes: handshake.bytes)
            self.write(now)
        }
    }

    /// Turns to the next address; the reason is why there is no connection if there is none.
    private func openNext(_ reason: String, _ underlying: (any Error)?, _ now: Instant) {
        var (reason, underlying) = (reason, underlying)
        while let (address, until) = self.addresses.next(now) {
            switch RedisPlatform.beginConnecting(to: address) {
            case .success(let descriptor):
                let plain = PlainTransport(connecting: descriptor)
                let target = self.target
                guard let transport = target.secure.map({ $0(plain, target.endpoint) }) ?? plain else {
                    return self.failToConnect("memory is short", nil, now)
                }
                self.link = .opening(transport, until: until)
                return
            case .failure(let error):
                (reason, underlying) = (error.description, error)
                self.addresses.avoidCurrent()
            }
        }
        self.failToConnect(reason, underlying, now)
    }

    /// The address that is tried leads nowhere; another may.
    func failAddress(_ reason: String, _ underlying: (any Error)?, _ now: Instant) {
        self.addresses.avoidCurrent()
        self.reset()
        self.openNext(reason, underlying, now)
    }

    // MARK: - Failing

    /// The connection is to end: its server is silent, or is not the right one any more.
    func leave(_ now: Instant) {
        // Where the name has several addresses, another may be the right one.
        if self.core.withState({ $0.isRetired }) { self.addresses.avoidCurrent() }
        self.lose(self.core.withState { $0.disconnectError }, now)
    }

    /// The connection is gone, or has to go.
    func lose(_ error: StorageError, repeatsReads: Bool = true, _ now: Instant) {
        guard case .ready = self.link else {
            let refusal = repeatsReads ? self.link.transport?.refusal : nil
            return self.failAddress(refusal ?? error.message, error.underlying, now)
        }
        self.core.options.observer?.disconnected(from: self.target.endpoint.description, error)
        let writtenUpTo = self.outgoing.map { $0.start + UInt64($0.written) } ?? .max
        self.reset()
        // One that has worked is made again at once; if that fails, the attempts keep their distance.
        let retryAt = self.isProven ? now : now.advanced(by: self.backoff.next(using: &self.generator))
        self.withState {
            $0.lost(
                writtenUpTo: writtenUpTo,
                error,
                repeatsReads: repeatsReads,
                retryAt: retryAt,
                completions: &$1
            )
        }
        self.core.subscriber?.lost()
    }

    func failToConnect(_ reason: String, _ underlying: (any Error)?, _ now: Instant) {
        let message = "no connection to \(self.place): \(reason)"
        self.failToConnect(StorageError(.unavailable, message, underlying: underlying), isFinal: false, now)
    }

    func failToConnect(_ error: StorageError, isFinal: Bool, _ now: Instant) {
        self.core.options.observer?.failedToConnect(to: self.place, attempt: self.attempts, error)
        // Where the name has several addresses, another may do better.
        self.addresses.avoidCurrent()
        self.reset()
        let retryAt = now.advanced(by: self.backoff.next(using: &self.generator))
        self.withState {
            $0.connectFailed(error, isFinal: isFinal, retryAt: retryAt, completions: &$1)
        }
        self.core.subscriber?.lost()
    }

    /// The server does not let us in, or does not serve.
    func failGreeting(_ error: StorageError, isFinal: Bool, _ now: Instant) {
        guard isFinal, error.code == .permissionDenied, self.core.options.credentials != nil, self.deniedLogins < 2
        else {
            self.deniedLogins = 0
            return self.failToConnect(error, isFinal: isFinal, now)
        }
        // They may have expired, or been changed, between the asking and the login.
        self.deniedLogins += 1
        let message = "\(error.message); fresh credentials are asked for"
        let failure = StorageError(.unavailable, message, underlying: error.underlying)
        self.failToConnect(failure, isFinal: false, now)
    }

    /// What the server is called in messages.
    private var place: String {
        guard let sentinels = self.core.options.sentinels else { return self.target.endpoint.description }
        let isLocated = self.target.endpoint != self.core.options.endpoint
        return isLocated ? "\(sentinels.place), \(self.target.endpoint)" : sentinels.place
    }

    // MARK: - Reasons

    static var closedByPeer: StorageError {
        StorageError(.connectionLost, "the server closed it")
    }

    static func failed(_ error: RedisSystemError) -> StorageError {
        StorageError(.connectionLost, error.description, underlying: error)
    }

    func notRESP(_ error: ProtocolError) -> StorageError {
        StorageError(.connectionLost, "what came is not what a Redis server sends (\(error.message))")
    }
}
