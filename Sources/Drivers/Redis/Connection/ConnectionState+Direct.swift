import KVStorage

/// A lone command: its caller writes it to the socket at once, which spares the thread a waking.
///
/// It is lone if the server owes no reply, the thread sleeps, and the one before was alone as well: among many tasks the
/// first to come would be sent by itself, and the others a round trip later. While a caller writes, the thread does not; what others
/// add meanwhile, and what the socket does not take at once, is the thread's.
extension ConnectionState {
    /// What a caller is to write.
    struct DirectOutput: Sendable {
        let start: UInt64
        let bytes: [UInt8]
        /// Which connection it belongs to.
        let connection: UInt64
    }

    /// Takes the command that was added last for its caller to write, if it is lone.
    mutating func takeDirectOutput(_ now: Instant) -> DirectOutput? {
        guard self.limits.writesDirectly, self.phase == .ready, self.retirement == nil, self.isAsleep,
            !self.isCallerWriting, self.handedOver == 0, self.commands.count == 1, self.lastBatch <= 1,
            let output = self.takeOutput(now)
        else { return nil }
        self.isCallerWriting = true
        return DirectOutput(start: output.start, bytes: output.bytes, connection: self.connection)
    }

    /// Takes note of how much a caller has written, and returns whether the thread has to be woken.
    mutating func callerWrote(_ written: Int, of output: DirectOutput) -> Bool {
        // If the connection was lost meanwhile, the command was handled then.
        guard output.connection == self.connection else { return false }
        self.isCallerWriting = false
        if written < output.bytes.count {
            self.leftover = Output(start: output.start, bytes: output.bytes, written: written)
        } else if self.output.bytes.isEmpty, self.retirement == nil {
            return false
        }
        defer { self.isAsleep = false }
        return self.isAsleep
    }

    /// How long the thread may sleep while nothing waits: for the first time for as long as a command may take, so that it
    /// need not be woken for each lone command's deadline.
    mutating func idleWake(_ now: Instant) -> Instant {
        guard self.limits.writesDirectly, self.phase == .ready, self.hasWorked else { return .distantFuture }
        self.hasWorked = false
        return now.advanced(by: self.limits.silence)
    }
}
