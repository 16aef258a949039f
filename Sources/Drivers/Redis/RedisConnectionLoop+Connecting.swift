import KVStorage

/// How a connection comes and goes.
extension RedisConnectionLoop {
    func connect(_ now: RedisInstant) {
        self.isProven = false
        let until = now.advanced(by: self.core.options.connectTimeout)
        self.link = .resolving(RedisResolution(self.core.options.endpoint, wakeup: self.core.wakeup), until: until)
    }

    /// Begins with the addresses that were found.
    func openNext() {
        guard case .resolving(let resolution, let until) = self.link, let outcome = resolution.outcome else { return }
        let now = RedisPlatform.now
        switch outcome {
        case .success(let addresses): self.open(addresses[...], until, lastError: nil, now)
        case .failure(let error): self.failToConnect(error.description, error, now)
        }
    }

    /// Does what follows from how far the opening has come.
    func goOn(_ opening: RedisOpening, _ now: RedisInstant) {
        guard case .opening(let transport, let rest, let until) = self.link else { return }
        switch opening {
        case .wants:
            break
        case .failed(let error):
            self.open(rest, until, lastError: error, now)
        case .rejected(let reason):
            let place = self.core.options.endpoint
            self.failToConnect(
                StorageError(.permissionDenied, "no connection to \(place): \(reason)"), isFinal: true, now)
        case .done:
            if let idle = self.core.options.keepAlive { RedisPlatform.keepAlive(transport.descriptor, after: idle) }
            let greeting = RedisGreeting(self.core.options)
            self.link = .greeting(transport, greeting, until: until)
            self.outgoing = .init(start: 0, bytes: greeting.bytes)
            self.write(now)
        }
    }

    private func open(
        _ addresses: ArraySlice<RedisPlatform.SocketAddress>,
        _ until: RedisInstant,
        lastError: RedisSystemError?,
        _ now: RedisInstant
    ) {
        guard let address = addresses.first else {
            return self.failToConnect(lastError?.description ?? "it has no address", lastError, now)
        }
        switch RedisPlatform.beginConnecting(to: address) {
        case .success(let descriptor):
            let plain = RedisPlainTransport(connecting: descriptor)
            let options = self.core.options
            guard let transport = options.secure.map({ $0(plain, options.endpoint) }) ?? plain else {
                return self.failToConnect("memory is short", nil, now)
            }
            self.link = .opening(transport, rest: addresses.dropFirst(), until: until)
        case .failure(let error):
            self.open(addresses.dropFirst(), until, lastError: error, now)
        }
    }

    // MARK: - Failing

    /// The connection is gone, or has to go.
    func lose(_ error: StorageError, repeatsReads: Bool = true, _ now: RedisInstant) {
        guard case .ready = self.link else { return self.failToConnect(error.message, error.underlying, now) }
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

    func failToConnect(_ reason: String, _ underlying: (any Error)?, _ now: RedisInstant) {
        let message = "no connection to \(self.core.options.endpoint): \(reason)"
        self.failToConnect(StorageError(.unavailable, message, underlying: underlying), isFinal: false, now)
    }

    func failToConnect(_ error: StorageError, isFinal: Bool, _ now: RedisInstant) {
        self.reset()
        let retryAt = now.advanced(by: self.backoff.next(using: &self.generator))
        self.withState {
            $0.connectFailed(error, isFinal: isFinal, retryAt: retryAt, completions: &$1)
        }
        self.core.subscriber?.lost()
    }

    // MARK: - Reasons

    static var closedByPeer: StorageError {
        StorageError(.connectionLost, "the server closed it")
    }

    static func failed(_ error: RedisSystemError) -> StorageError {
        StorageError(.connectionLost, error.description, underlying: error)
    }

    func notRESP(_ error: RedisProtocolError) -> StorageError {
        StorageError(.connectionLost, "what came is not what a Redis server sends (\(error.message))")
    }
}
