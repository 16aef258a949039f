/// One atomic call's way through ``SwapQueues``, and how long it goes on.
struct SwapTurn {
    private let queues: SwapQueues
    private let route: Storage.Route
    private var retries: SwapRetries
    private var held: SwapQueues.Stripe?

    init(_ queues: SwapQueues, _ route: Storage.Route, limit: Duration) {
        self.queues = queues
        self.route = route
        self.retries = SwapRetries(limit: limit)
    }

    /// Waits for the call's turn if others have or wait for theirs; to be called before the item is read.
    mutating func begin() async throws(StorageError) {
        guard self.queues.isBusy else { return }
        let stripe = self.queues.stripe(of: self.route.key, in: self.route.mount)
        if stripe.lock.isHeld { try await self.enter(stripe) }
    }

    /// Waits until a further try makes sense, after one that met another's write.
    ///
    /// - Returns: Whether time has passed, so that what that try found is old.
    /// - Throws: ``StorageError/Code/conflict`` if there were enough tries, ``StorageError/Code/cancelled``.
    mutating func next() async throws(StorageError) -> Bool {
        if self.held == nil {
            try self.retries.count(self.route.name)
            let stripe = self.queues.stripe(of: self.route.key, in: self.route.mount)
            let mustWait = stripe.lock.isHeld
            try await self.enter(stripe)
            return mustWait
        }
        return try await self.retries.next(self.route.name)
    }

    /// Lets the next one have its turn; to be called in any case.
    mutating func end() {
        guard let held = self.held else { return }
        self.held = nil
        self.queues.leave(held)
    }

    private mutating func enter(_ stripe: SwapQueues.Stripe) async throws(StorageError) {
        do {
            try await self.queues.enter(stripe, within: self.retries.rest)
        } catch {
            guard error.code == .unavailable else { throw error.naming(self.route.name) }
            throw self.retries.conflict(self.route.name)
        }
        self.held = stripe
    }
}
