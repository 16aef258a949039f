import KVStorage

extension Writer {
    typealias Queue = GroupCommitQueue<Write, WriteOperation.Answer>

    /// Creates the queue: with flushes on the driver's thread; without them on the caller's, as far as that need not wait.
    func makeQueue() -> Queue {
        let error = StorageError(
            .unavailable,
            """
            another process has held the environment's lock for writing for longer than busyTimeout; nothing was \
            written, try again or see what that process does
            """
        )
        let limit = Queue.TimeLimit(self.environment.busyTimeout, error)
        var attempt: Queue.Attempt?
        if !self.environment.durability.flushes { attempt = { writes in self.commitAtOnce(writes) } }
        return Queue(on: self.environment.thread, limit: limit, attempt: attempt) { claim in self.commit(claim) }
    }
}
