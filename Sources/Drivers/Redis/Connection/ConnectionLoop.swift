import KVStorage

/// What a connection's thread does: waits for the socket and for callers, moves bytes, and tells the state.
final class ConnectionLoop {
    typealias Completion = ConnectionState<Waiter>.Completion

    let core: ConnectionCore
    var link = Link.none
    /// What is being written.
    var outgoing: ConnectionState<Waiter>.Output?
    var completions: [Completion] = []
    var backoff: Backoff
    var generator = SystemRandomNumberGenerator()
    /// Whether the connection has answered a command, so that it is worth to be made again at once.
    var isProven = false
    var addresses = AddressOrder<RedisPlatform.SocketAddress>()
    /// The options with what this attempt's connection is made to, and whom it logs in as.
    var target: Connection.Options
    var preparation: Preparation?
    /// How often, one after the other, the server denied access to credentials that were asked for.
    var deniedLogins = 0
    /// When the attempt to connect began, and how many there were since there was a connection.
    var attemptStart = ContinuousClock.now
    var attempts = 0
    /// Whether the socket took no more: that it takes some again shows that the server reads. Its taking some otherwise
    /// shows nothing, as the system takes bytes for a server that hangs.
    var isBlocked = false
    var reader: ReplyReader?
    var replies: [Reply] = []
    let buffer: UnsafeMutableRawBufferPointer
    static let message = Reply.bytes(Array("pmessage".utf8))

    /// How far the connection has come.
    enum Link {
        case none
        case preparing(Preparation, until: Instant)
        case resolving(Resolution, until: Instant)
        case opening(any Transport, until: Instant)
        case handshake(any Transport, Handshake, until: Instant)
        case ready(any Transport)
    }

    init(_ core: ConnectionCore) {
        self.core = core
        self.target = core.options
        self.backoff = Backoff(core.options.reconnectDelay)
        self.buffer = .allocate(byteCount: 64 * 1024, alignment: 16)
    }

    deinit {
        self.buffer.deallocate()
    }

    /// Works until the connection is closed for good.
    func run() {
        while true {
            let now = RedisPlatform.now
            let canWrite = self.outgoing == nil
            let plan = self.withState { $0.plan(now: now, canWrite: canWrite, completions: &$1) }
            switch plan.step {
            case .finish:
                let wasReady = self.link.isReady
                self.reset()
                if wasReady {
                    self.core.options.observer?.disconnected(
                        from: self.target.endpoint.description, ConnectionState<Waiter>.closedError)
                }
                self.core.ended()
                return
            case .connect:
                self.connect(now)
                continue
            case .disconnect:
                self.leave(now)
                continue
            case .none:
                break
            }
            if let output = plan.output {
                self.outgoing = output
                self.write(now)
                continue
            }
            self.wait(until: plan.wakeAt, now)
        }
    }

    /// Calls the body with the state, then tells those whom it named.
    func withState<Result>(
        _ body: (inout ConnectionState<Waiter>, inout [Completion]) -> sending Result
    ) -> sending Result {
        var completions: [Completion] = []
        swap(&completions, &self.completions)
        let result = self.core.withState { body(&$0, &completions) }
        for (waiter, result) in completions { waiter.resume(result) }
        completions.removeAll(keepingCapacity: true)
        self.completions = completions
        return result
    }

    // MARK: - Waiting

    private func wait(until wakeAt: Instant, _ now: Instant) {
        var wakeAt = wakeAt
        var socket: RedisPlatform.Interest?
        switch self.link {
        case .none:
            break
        case .preparing(let preparation, let until):
            if preparation.outcome != nil { return self.resolve() }
            wakeAt = min(wakeAt, until)
        case .resolving(let resolution, let until):
            if resolution.outcome != nil { return self.openNext() }
            wakeAt = min(wakeAt, until)
        case .opening(let transport, let until):
            // Asked once: the socket gives away what became of the attempt only one time.
            let opening = transport.open()
            guard case .wants(let reads, let writes) = opening else { return self.goOn(opening, now) }
            socket = RedisPlatform.Interest(descriptor: transport.descriptor, reads: reads, writes: writes)
            wakeAt = min(wakeAt, until)
        case .handshake(let transport, _, let until):
            socket = self.interest(in: transport)
            wakeAt = min(wakeAt, until)
        case .ready(let transport):
            socket = self.interest(in: transport)
        }
        let (isWoken, isReady) = RedisPlatform.wait(
            wakeup: self.core.wakeup.descriptor,
            socket: socket,
            milliseconds: now.pollMilliseconds(until: wakeAt)
        )
        if isWoken { self.core.wakeup.consume() }
        self.goOn(isReady: isReady)
    }

    private func interest(in transport: any Transport) -> RedisPlatform.Interest {
        let writes = self.outgoing != nil || transport.holdsOutput
        return RedisPlatform.Interest(descriptor: transport.descriptor, writes: writes)
    }

    private func goOn(isReady: Bool) {
        let now = RedisPlatform.now
        switch self.link {
        case .none:
            break
        case .preparing(let preparation, let until):
            if preparation.outcome != nil {
                self.resolve()
            } else if until <= now {
                self.failToConnect(preparation.pending, nil, now)
            }
        case .resolving(let resolution, let until):
            if resolution.outcome != nil {
                self.openNext()
            } else if until <= now {
                self.failToConnect("its address could not be looked up in time", nil, now)
            }
        case .opening(let transport, let until):
            if isReady {
                self.goOn(transport.open(), now)
            } else if until <= now {
                let question = self.core.options.secure == nil ? "" : "; does it speak TLS?"
                self.failAddress("it did not answer in time\(question)", nil, now)
            }
        case .handshake(let transport, _, let until):
            if isReady { self.exchange(transport, now) }
            if case .handshake(let same, _, _) = self.link, same === transport, until <= now {
                self.failAddress("it did not answer in time", nil, now)
            }
        case .ready(let transport):
            if isReady { self.exchange(transport, now) }
        }
    }

    /// Forgets all that belongs to a connection that is no more.
    func reset() {
        self.core.disconnected()
        self.link = .none
        self.outgoing = nil
        self.isBlocked = false
        self.reader = nil
        self.replies.removeAll(keepingCapacity: true)
    }
}

extension ConnectionLoop.Link {
    var isReady: Bool {
        if case .ready = self { true } else { false }
    }

    var transport: (any Transport)? {
        switch self {
        case .none, .preparing, .resolving: nil
        case .opening(let transport, _), .handshake(let transport, _, _), .ready(let transport): transport
        }
    }
}
