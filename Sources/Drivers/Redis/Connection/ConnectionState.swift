import KVStorage

/// All that decides what a connection does, without a socket, a thread or a clock: which commands wait, which were handed
/// over, whom a reply belongs to, what becomes of whom when the connection is lost.
///
/// Commands stand in one queue in the order in which they came. Those at the front were handed over to the socket and
/// await their replies, which come in the same order; the others wait for the socket to be ready. Each call takes the
/// current time and appends to `completions` whom to tell what; the caller does so after it has let go of its lock.
struct ConnectionState<Waiter> {
    typealias Completion = (waiter: Waiter, result: Result<Reply, StorageError>)

    struct Limits {
        var commands = Int.max
        var bytes = Int.max
        /// How long a server may owe a reply, and no byte come or go, before the connection counts as dead.
        var silence: Duration = .seconds(5)
        /// Whether what can't be sent at once fails, as another server may take it, instead of waiting for this one. Its
        /// error's underlying one is ``Unsent``.
        var failsFast = false
        /// Whether a lone command's caller writes it to the socket.
        var writesDirectly = false
    }

    /// A part of the stream of bytes to the server that is being written to the socket, and how far that has come.
    struct Output {
        /// The position of its first byte in the stream.
        var start: UInt64
        var bytes: [UInt8]
        /// How many of its bytes the socket has taken.
        var written = 0
    }

    enum Phase: Hashable {
        /// There is no connection, and none is needed.
        case idle
        /// The next attempt to connect is due then.
        case waiting(until: Instant)
        case connecting
        case ready
        /// Ended for good.
        case closed
    }

    struct PendingCommand {
        let id: UInt64
        /// Whether running it twice does no harm.
        let isRepeatable: Bool
        let deadline: Instant
        /// Where its bytes stand in the stream of bytes to the server.
        var start: UInt64
        var end: UInt64
        var collector: ReplyCollector
        /// `nil` once nobody waits any more; the replies are still counted.
        var waiter: Waiter?
        /// Whether its task was cancelled after it was handed over; being a write, it still waits for its reply.
        var isCancelled = false
        /// Cancelled, or out of time, before it was written; skipped when the queue is flushed.
        var isDropped = false
        /// How often the connection broke while it was being written or answered.
        var breaks = 0
        /// Whether it is sent while nothing else is with the server, as it may be what breaks the connection.
        var goesAlone = false
    }

    /// A part of the stream that was handed over to the socket; kept until all replies to it are here, as reads may have to
    /// be sent again.
    struct Chunk {
        var start: UInt64
        var end: UInt64
        var bytes: [UInt8]
    }

    let limits: Limits
    /// Who is at the other end, for messages.
    let place: String
    /// Whether the connection is kept up even if no command waits, as one that subscribes is.
    let isEager: Bool

    var phase = Phase.idle
    var commands = Ring<PendingCommand>()
    /// How many commands at the front of the queue were handed over.
    var handedOver = 0
    /// How many of the others are dropped, and skipped when the queue is flushed.
    var dropped = 0
    /// How many commands have ``PendingCommand/goesAlone``.
    var loners = 0
    var chunks = Ring<Chunk>()
    /// The bytes of commands that were not handed over yet.
    var output = CommandWriter()
    /// The position of the first byte of ``output`` in the stream.
    var outputStart: UInt64 = 0
    /// How many bytes there are in ``chunks``.
    var chunkBytes = 0
    /// The memory of a former chunk, which the next ``output`` uses again.
    var spare: [UInt8] = []
    /// When the oldest unanswered command was handed over, or a byte last came or went: the base of the silence timeout.
    var silentSince = Instant.distantFuture
    /// The next attempt to connect may not be made before.
    var notBefore = Instant(nanoseconds: .min)
    /// Why there is no connection.
    var lastFailure: StorageError?
    var isClosing = false
    /// Whether the connection's thread waits in `poll` with nothing to do, so that who adds a command has to wake it.
    var isAsleep = false
    /// When the thread wakes up by itself.
    var sleepsUntil = Instant.distantFuture
    /// Whether a caller is writing its own command to the socket (see ``takeDirectOutput(_:)``); the thread writes nothing
    /// meanwhile.
    var isCallerWriting = false
    /// What the socket did not take of a command that its caller wrote; the thread writes the rest.
    var leftover: Output?
    /// How many commands were handed over together the last time: only where that was one may a caller write by itself.
    var lastBatch = 0
    /// Why the connection is to end as soon as it owes no reply, if it is.
    var retirement: StorageError?
    /// How often that was so in short order, and before when it is not to be so again.
    var retirements = 0
    var nextRetirement = Instant(nanoseconds: 0)
    /// Counts the connections, so that what belongs to an earlier one is known.
    var connection: UInt64 = 0
    /// Whether a reply has come since the thread last slept with no command waiting: see ``idleWake(_:)``.
    var hasWorked = false
    /// The latest deadline of all, and whether a command stands behind one with a later deadline.
    private var latestDeadline = Instant(nanoseconds: .min)
    var isOutOfOrder = false
    private var lastID: UInt64 = 0

    init(place: String, limits: Limits = Limits(), isEager: Bool = false) {
        self.place = place
        self.limits = limits
        self.isEager = isEager
    }

    // MARK: - Callers

    enum Admission {
        /// The caller writes `direct` to the socket, if there is any, and then wakes the thread if `wakes` says so.
        case accepted(id: UInt64, wakes: Bool, direct: DirectOutput? = nil)
        case refused(StorageError)
    }

    /// What a command is sent with.
    enum Company {
        /// Nothing: it is a call by itself.
        case none
        /// As one of several that are sent together. Where there is room for the first there is for all, so that none is
        /// refused while others run.
        case first, further
        /// Sent by itself, as it may be what broke an earlier connection.
        case suspect
    }

    /// Appends a command that is answered by so many replies, of which the last counts, or the first that is an error; all
    /// of them, as an array, if they are collected.
    mutating func enqueue(
        _ company: Company = .none,
        replies: Int = 1,
        collects: Bool = false,
        isRepeatable: Bool,
        now: Instant = Instant(nanoseconds: .min),
        deadline: Instant,
        waiter: Waiter,
        encode: @Sendable (inout CommandWriter) -> Void
    ) -> Admission {
        guard !self.isClosing else { return .refused(Self.closedError) }
        if company != .further {
            guard self.commands.count - self.dropped < self.limits.commands,
                self.chunkBytes + self.output.bytes.count < self.limits.bytes
            else { return .refused(self.overloadedError) }
        }
        self.lastID += 1
        let start = self.outputEnd
        encode(&self.output)
        self.commands.append(
            PendingCommand(
                id: self.lastID,
                isRepeatable: isRepeatable,
                deadline: deadline,
                start: start,
                end: self.outputEnd,
                collector: ReplyCollector(replies, collects: collects),
                waiter: waiter,
                goesAlone: company == .suspect
            )
        )
        if company == .suspect { self.loners += 1 }
        if deadline < self.latestDeadline { self.isOutOfOrder = true }
        self.latestDeadline = max(self.latestDeadline, deadline)
        if company == .none, let direct = self.takeDirectOutput(now) {
            let wakes = deadline < self.sleepsUntil
            if wakes { self.isAsleep = false }
            return .accepted(id: self.lastID, wakes: wakes, direct: direct)
        }
        defer { self.isAsleep = false }
        return .accepted(id: self.lastID, wakes: self.isAsleep)
    }

    /// Gives up on a command and returns whom to tell so, or `nil` if it is over, or is a write that may be running: that
    /// one waits for its reply, as its caller has to know whether it was done.
    mutating func cancel(_ id: UInt64) -> Waiter? {
        guard let index = self.index(of: id) else { return nil }
        if index >= self.handedOver { return self.drop(index) }
        return self.commands.update(index) { command in
            guard command.isRepeatable else {
                command.isCancelled = true
                return nil
            }
            return command.waiter.take()
        } ?? nil
    }

    /// Refuses what comes from now on; what was accepted is finished.
    mutating func close() {
        self.isClosing = true
    }

    // MARK: - Parts

    var outputEnd: UInt64 { self.outputStart + UInt64(self.output.bytes.count) }

    var hasWork: Bool { self.commands.count > self.dropped }

    /// Whether somebody still waits for anything.
    var isAwaited: Bool {
        self.commands.indices.contains { self.commands.read($0) { $0.waiter != nil } ?? false }
    }

    /// Drops a command that was not handed over; its bytes are taken out by the next ``compact()``.
    mutating func drop(_ index: Int) -> Waiter? {
        let waiter = self.commands.update(index) { command -> Waiter? in
            guard !command.isDropped else { return nil }
            command.isDropped = true
            return command.waiter.take()
        }
        guard let waiter, let waiter else { return nil }
        self.dropped += 1
        // Each command is moved a bounded number of times, so that giving up on thousands is no more than that many steps.
        if self.dropped > 64, self.dropped * 2 > self.commands.count - self.handedOver { self.compact() }
        return waiter
    }

    /// Takes the bytes of dropped commands out of the output.
    mutating func compact() {
        guard self.dropped > 0 else { return }
        self.rebuild(keeping: self.commands.elements.prefix(self.handedOver), prepending: [])
    }

    /// Makes queue and output anew: first what was handed over and stays so, then what is to go out again, with its bytes,
    /// then what has not been handed over yet, then what is to go out again behind that.
    mutating func rebuild(
        keeping kept: some Collection<PendingCommand>,
        prepending repeated: [(command: PendingCommand, bytes: ArraySlice<UInt8>)],
        appending delayed: [(command: PendingCommand, bytes: ArraySlice<UInt8>)] = []
    ) {
        var commands = Array(kept)
        var output: [UInt8] = []
        func append(_ command: PendingCommand, _ bytes: some Collection<UInt8>) {
            var command = command
            command.start = self.outputStart + UInt64(output.count)
            output.append(contentsOf: bytes)
            command.end = self.outputStart + UInt64(output.count)
            commands.append(command)
        }
        for (command, bytes) in repeated { append(command, bytes) }
        for command in self.commands.elements.dropFirst(self.handedOver) where !command.isDropped {
            let range = Int(command.start - self.outputStart)..<Int(command.end - self.outputStart)
            append(command, self.output.bytes[range])
        }
        for (command, bytes) in delayed { append(command, bytes) }
        // What was put behind the others has an earlier deadline, mostly.
        if !delayed.isEmpty { self.isOutOfOrder = true }
        self.loners = self.loners == 0 && delayed.isEmpty ? 0 : commands.count { $0.goesAlone }
        self.handedOver = kept.count
        self.commands = Ring(commands)
        self.output.bytes = output
        self.dropped = 0
    }

    private func index(of id: UInt64) -> Int? {
        if self.loners > 0 { return self.commands.indices.first { self.commands.read($0) { $0.id } == id } }
        // Identifiers ascend, with gaps, except of those that were put behind others.
        var low = 0
        var high = self.commands.count
        while low < high {
            let middle = (low + high) / 2
            let found = self.commands.read(middle) { $0.id } ?? .max
            if found == id { return middle }
            if found < id { low = middle + 1 } else { high = middle }
        }
        return nil
    }
}
