import KVStorage

/// What the connection's thread asks and reports: what to do next, that the connection is there or lost, which replies came.
extension ConnectionState {
    enum Step: Hashable {
        /// There is nothing to do but what the plan's other parts say.
        case none
        case connect
        /// The connection counts as dead.
        case disconnect
        /// Everything is over.
        case finish
    }

    struct Plan {
        var step = Step.none
        /// What to write to the socket.
        var output: Output?
        /// When to ask again even if nothing happens.
        var wakeAt = Instant.distantFuture
    }

    /// Decides what is to be done now; if there is nothing, the thread may sleep until the time in the plan.
    mutating func plan(
        now: Instant,
        canWrite: Bool,
        completions: inout [Completion]
    ) -> Plan {
        var plan = Plan()
        self.giveUpOverdue(now, &completions)
        if self.isClosing, !self.isAwaited {
            self.phase = .closed
            plan.step = .finish
            return plan
        }
        switch self.phase {
        case .idle, .waiting:
            plan.step = self.decideToConnect(now)
        case .ready:
            if self.silenceEnds <= now || self.isRetired {
                plan.step = .disconnect
            } else if canWrite, !self.isCallerWriting {
                plan.output = self.leftover.take() ?? (self.retirement == nil ? self.takeOutput(now) : nil)
            }
        case .connecting, .closed:
            break
        }
        plan.wakeAt = self.nextWake
        if plan.wakeAt == .distantFuture { plan.wakeAt = self.idleWake(now) }
        self.sleepsUntil = plan.wakeAt
        // While the socket takes no more, a further command changes nothing.
        self.isAsleep = plan.step == .none && plan.output == nil && (canWrite || self.phase != .ready)
        return plan
    }

    /// The connection is there, and commands may go out.
    mutating func connected() {
        self.phase = .ready
        self.retirement = nil
        self.lastFailure = nil
        self.connection += 1
    }

    /// There will be no connection by this attempt. A failure that no further attempt can mend ends what waits.
    mutating func connectFailed(
        _ error: StorageError,
        isFinal: Bool,
        retryAt: Instant,
        completions: inout [Completion]
    ) {
        self.phase = .idle
        self.notBefore = retryAt
        self.lastFailure = error
        if isFinal {
            self.failAll(error, &completions)
        } else if self.limits.failsFast {
            self.failAll(self.unsent(error), &completions)
        }
    }

    /// Gives each reply to the command that it belongs to.
    ///
    /// - Returns: Whether all of them belonged to one; if not, the connection is of no use any more.
    mutating func received(
        _ replies: inout [Reply],
        now: Instant,
        completions: inout [Completion]
    ) -> Bool {
        var answered: UInt64?
        var isWhole = true
        for reply in replies {
            guard self.handedOver > 0, var command = self.commands.removeFirst() else {
                isWhole = false
                break
            }
            guard let outcome = command.collector.add(reply) else {
                self.commands.putBack(command)
                continue
            }
            self.handedOver -= 1
            if command.goesAlone { self.loners -= 1 }
            answered = command.end
            if let waiter = command.waiter { completions.append((waiter, .success(outcome))) }
        }
        replies.removeAll(keepingCapacity: true)
        self.hasWorked = true
        self.silentSince = self.handedOver > 0 ? now : .distantFuture
        if let answered { self.forgetChunks(endingBy: answered) }
        return isWhole
    }

    /// Bytes came, or the socket that had taken no more took some: the server is not silent.
    mutating func flowed(_ now: Instant) {
        if self.silentSince != .distantFuture { self.silentSince = now }
    }

    /// How often a command goes out again after the connection broke while it was being written or answered.
    static var repetitions: Int { 2 }

    /// The connection is gone. Of what was handed over, commands that can't have run in full, and reads, go out again with
    /// the next one; the others may have run and fail.
    ///
    /// What may have broken the connection goes out behind the others and while nothing else is with the server, so that it
    /// takes nobody along the next time: the first that was not answered, the one that was being written, and what was lost
    /// a second time.
    mutating func lost(
        writtenUpTo written: UInt64,
        _ error: StorageError,
        repeatsReads: Bool = true,
        retryAt: Instant,
        completions: inout [Completion]
    ) {
        var repeated: [(command: PendingCommand, bytes: ArraySlice<UInt8>)] = []
        var suspects: [(command: PendingCommand, bytes: ArraySlice<UInt8>)] = []
        let reason = StorageError(
            .unavailable, "the connection to \(self.place) broke: \(error.message)", underlying: error.underlying)
        let written = min(written, self.leftover.map { $0.start + UInt64($0.written) } ?? .max)
        self.leftover = nil
        self.isCallerWriting = false
        self.retirement = nil
        self.connection += 1
        for (index, var command) in self.commands.elements.prefix(self.handedOver).enumerated() {
            guard let waiter = command.waiter else { continue }
            let mayHaveRun = command.end <= written
            let wasBegun = command.start < written
            if wasBegun { command.breaks += 1 }
            if mayHaveRun, !command.isRepeatable || !repeatsReads {
                completions.append((waiter, .failure(self.lostError(error))))
            } else if command.isCancelled {
                completions.append((waiter, .failure(Self.cancelledError)))
            } else if self.limits.failsFast {
                completions.append((waiter, .failure(self.unsent(reason, isSuspect: wasBegun))))
            } else if command.breaks > Self.repetitions {
                completions.append((waiter, .failure(self.brokenError(command, error))))
            } else if let bytes = self.bytes(of: command) {
                command.collector.startOver()
                command.goesAlone = command.breaks > 1 || wasBegun && (index == 0 || !mayHaveRun)
                if command.goesAlone { suspects.append((command, bytes)) } else { repeated.append((command, bytes)) }
            }
        }
        self.rebuild(keeping: [], prepending: repeated, appending: suspects)
        if self.limits.failsFast { self.failAll(self.unsent(reason), &completions) }
        self.chunks = Ring()
        self.chunkBytes = 0
        self.silentSince = .distantFuture
        self.phase = .idle
        self.notBefore = retryAt
        self.lastFailure = error
    }

    // MARK: - Parts

    /// Ends all that waits, which is nothing that was handed over.
    private mutating func failAll(_ error: StorageError, _ completions: inout [Completion]) {
        for command in self.commands.elements {
            if let waiter = command.waiter { completions.append((waiter, .failure(error))) }
        }
        self.commands = Ring()
        self.rebuild(keeping: [], prepending: [])
    }

    private mutating func giveUpOverdue(_ now: Instant, _ completions: inout [Completion]) {
        // Deadlines mostly ascend, as commands are given the same time; what was sent elsewhere before has less left.
        if self.commands.isEmpty { self.isOutOfOrder = false }
        var index = 0
        while index < self.commands.count {
            guard self.commands.read(index, { $0.deadline <= now }) == true else {
                guard self.isOutOfOrder else { return }
                index += 1
                continue
            }
            if index < self.handedOver {
                let error = self.commands.read(index) { $0.waiter == nil ? nil : self.unansweredError($0) } ?? nil
                if let error, let waiter = self.commands.update(index, { $0.waiter.take() }) ?? nil {
                    completions.append((waiter, .failure(error)))
                }
            } else if self.commands.read(index, { $0.isDropped }) == false {
                let error = self.unsentError
                let count = self.commands.count
                if let waiter = self.drop(index) { completions.append((waiter, .failure(error))) }
                // Dropping may have compacted the queue: what follows has come to this position or before.
                if self.commands.count < count {
                    index = self.handedOver
                    continue
                }
            }
            index += 1
        }
    }

    private mutating func decideToConnect(_ now: Instant) -> Step {
        guard self.hasWork || (self.isEager && !self.isClosing) else {
            self.phase = .idle
            return .none
        }
        guard self.notBefore <= now else {
            self.phase = .waiting(until: self.notBefore)
            return .none
        }
        self.phase = .connecting
        return .connect
    }

    mutating func takeOutput(_ now: Instant) -> Output? {
        self.compact()
        guard !self.output.bytes.isEmpty else { return nil }
        let count = self.loners == 0 ? self.commands.count : self.handOverLimit
        guard count > self.handedOver else { return nil }
        var bytes = self.spare
        swap(&bytes, &self.output.bytes)
        self.spare = []
        if let cut = self.commands.read(count, { Int($0.start - self.outputStart) }) {
            self.output.bytes = Array(bytes[cut...])
            bytes.removeSubrange(cut...)
        }
        let chunk = Chunk(start: self.outputStart, end: self.outputStart + UInt64(bytes.count), bytes: bytes)
        self.outputStart = chunk.end
        self.chunkBytes += chunk.bytes.count
        self.chunks.append(chunk)
        if self.handedOver == 0 { self.silentSince = now }
        self.lastBatch = count - self.handedOver
        self.handedOver = count
        return Output(start: chunk.start, bytes: chunk.bytes)
    }

    /// How many commands at the front may be handed over: one that goes alone waits for the replies to those before it, and
    /// those behind it for its own.
    private var handOverLimit: Int {
        if self.commands.read(0, { $0.goesAlone }) == true { return max(self.handedOver, 1) }
        let isLoner = { (index: Int) in self.commands.read(index) { $0.goesAlone } == true }
        return (self.handedOver..<self.commands.count).first(where: isLoner) ?? self.commands.count
    }

    private mutating func forgetChunks(endingBy end: UInt64) {
        while self.chunks.read(0, { $0.end <= end }) == true, var chunk = self.chunks.removeFirst() {
            self.chunkBytes -= chunk.bytes.count
            // The memory is used again unless it is much.
            guard chunk.bytes.capacity <= 1 << 20, self.spare.capacity < chunk.bytes.capacity else { continue }
            chunk.bytes.removeAll(keepingCapacity: true)
            self.spare = chunk.bytes
        }
    }

    private func bytes(of command: PendingCommand) -> ArraySlice<UInt8>? {
        for index in self.chunks.indices {
            let bytes = self.chunks.read(index) { chunk -> ArraySlice<UInt8>? in
                guard chunk.start <= command.start, command.end <= chunk.end else { return nil }
                return chunk.bytes[Int(command.start - chunk.start)..<Int(command.end - chunk.start)]
            }
            if let bytes, let bytes { return bytes }
        }
        return nil
    }

    private var silenceEnds: Instant {
        self.silentSince == .distantFuture ? .distantFuture : self.silentSince.advanced(by: self.limits.silence)
    }

    private var nextWake: Instant {
        var wake = self.phase == .ready ? self.silenceEnds : .distantFuture
        if case .waiting(let until) = self.phase { wake = min(wake, until) }
        for index in self.commands.indices {
            let deadline = self.commands.read(index) { $0.waiter == nil ? nil : $0.deadline } ?? nil
            guard let deadline else { continue }
            wake = min(wake, deadline)
            if !self.isOutOfOrder { break }
        }
        return wake
    }
}
