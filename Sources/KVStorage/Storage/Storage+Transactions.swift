extension Storage {
    /// Reads and writes several items as one step: what the body has read still holds in the instant of its writes.
    ///
    ///     try await storage.transaction("accounts") { accounts in
    ///         var from = try await accounts.getItem("ada", as: Account.self) ?? .empty
    ///         var to = try await accounts.getItem("bob", as: Account.self) ?? .empty
    ///         try from.pay(10, to: &to)
    ///         try accounts.setItem("ada", from)
    ///         try accounts.setItem("bob", to)
    ///     }
    ///
    /// The transaction is serializable for the keys that it reads: between tasks, and between processes where the driver
    /// declares ``Capabilities/Feature/interprocess``. If another write came between, the body runs again as a whole, so it
    /// should do nothing but read and write by what it is given. If it throws, what it has read is looked at first: on a
    /// state that no longer holds it runs again, else its error passes through and nothing is changed. A body that only
    /// reads ends in the same look, unless all came in one read.
    ///
    /// All keys have to be in one mount, and in a Redis Cluster in one slot. Transactions that meet each other take turns, as
    /// `updateItem` does. There is no metadata and no listing inside. Costs one read for each call that
    /// reads, and one commit.
    /// - Returns: What the body returned in the run that was committed.
    /// - Throws: What the body throws; ``StorageError/Code/notSupported`` if the driver can't, before anything is written;
    ///   ``StorageError/Code/conflict`` if others kept coming between for the storage's `busyTimeout` and 16 tries;
    ///   ``StorageError/Code/cancelled`` if the task was cancelled while they did.
    public func transaction<Result, Failure: Error>(
        _ base: String = "",
        _ body: (inout StorageTransaction) async throws(Failure) -> Result
    ) async throws -> Result {
        let view = base.isEmpty ? self : self.prefixed(base)
        let turn = TransactionTurn(self.core.queues, limit: self.core.busyTimeout)
        defer { turn.end() }
        var isRetry = false
        while true {
            var transaction = StorageTransaction(view, turn, readsCurrent: isRetry)
            let result: Result
            do {
                result = try await body(&transaction)
            } catch {
                // What can't be looked at says nothing against the error.
                guard let holds = try? await transaction.commit(writes: false), !holds else { throw error }
                try await turn.next(transaction.keys, in: transaction.mount)
                isRetry = true
                continue
            }
            if try await transaction.commit() { return result }
            try await turn.next(transaction.keys, in: transaction.mount)
            isRetry = true
        }
    }
}
