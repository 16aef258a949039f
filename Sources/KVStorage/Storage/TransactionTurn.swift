/// A transaction's way through ``SwapQueues``, and how long it goes on.
///
/// What it will read is not known before it does, so it waits for its turn at the first key alone, and once it met others'
/// writes for all keys that it has touched, in the order of their stripes: two transactions never wait for each other.
final class TransactionTurn {
    private let queues: SwapQueues
    private var retries: SwapRetries
    private var held: [Int] = []
    private var hasBegun = false
    private var hasQueued = false

    init(_ queues: SwapQueues, limit: Duration) {
        self.queues = queues
        self.retries = SwapRetries(limit: limit)
    }

    /// Waits for the turn if others have or wait for theirs; to be called before a key is read.
    func begin(_ key: String, in mount: MountPoint) async throws(StorageError) {
        guard !self.hasBegun else { return }
        self.hasBegun = true
        guard self.held.isEmpty, self.queues.isBusy else { return }
        let index = self.queues.index(of: key, in: mount)
        guard self.queues.stripe(index).lock.isHeld else { return }
        try await self.enter([index])
    }

    /// Waits until a further try makes sense, after one that met others' writes of some of these keys.
    ///
    /// - Throws: ``StorageError/Code/conflict`` if there were enough tries, ``StorageError/Code/cancelled``.
    func next(_ keys: [String], in mount: MountPoint?) async throws(StorageError) {
        guard let mount else { return }
        let wanted = Set(keys.map { self.queues.index(of: $0, in: mount) })
        if self.hasQueued, wanted.isSubset(of: self.held) {
            // Nobody of this process comes between: it is another one.
            _ = try await self.retries.next(nil)
            return
        }
        try self.retries.count(nil)
        let all = wanted.union(self.held).sorted()
        self.end()
        try await self.enter(all)
        self.hasQueued = true
    }

    /// Lets the next ones have their turn; to be called in any case.
    func end() {
        for index in self.held.reversed() { self.queues.leave(self.queues.stripe(index)) }
        self.held = []
    }

    private func enter(_ indices: [Int]) async throws(StorageError) {
        for index in indices {
            do {
                try await self.queues.enter(self.queues.stripe(index), within: self.retries.rest)
            } catch {
                self.end()
                guard error.code == .unavailable else { throw error }
                throw self.retries.conflict(nil)
            }
            self.held.append(index)
        }
    }
}
