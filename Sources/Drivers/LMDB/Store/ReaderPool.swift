import CKVStorageLMDB
import KVStorage
import Synchronization

/// Lends read transactions to the threads that read, without a lock: each stands in a slot with a state of its own.
///
/// A transaction is begun when its slot is used for the first time, and from then on reset and renewed. Whoever changes
/// the map takes all slots (``hold()``), which is why a read costs nothing for that beyond taking its slot.
///
/// `@unchecked Sendable`: `transaction` belongs to whoever has taken the slot, and `environment` changes only while all
/// are taken; everything else is atomic or under a lock.
final class ReaderPool: @unchecked Sendable {
    private enum SlotState {
        static let free = 0
        /// A read is running.
        static let busy = 1
        /// A read is running, and ``ReaderPool/hold()`` waits for the slot.
        static let wanted = 2
        static let held = 3
        /// Not to be used, as the environment has no place for one more reader.
        static let retired = 4
    }

    private struct Slot: ~Copyable {
        let state = Atomic(SlotState.free)
        var transaction: OpaquePointer?
        // Keeps what two threads write in different cache lines; processors fetch them in pairs.
        private let padding: InlineArray<14, Int> = .init(repeating: 0)
    }

    enum Start {
        case ready(Transaction)
        /// Another process has made the environment larger than this one's map.
        case outgrown
        /// The environment has no place for one more reader; other slots have theirs.
        case full
        case failed(StorageError)
    }

    private struct Waiting {
        var continuations: [CheckedContinuation<StorageError?, Never>] = []
        var failure: StorageError?
    }

    private var environment: OpaquePointer
    private let count: Int
    private let slots: UnsafeMutablePointer<Slot>
    private let waiting = Mutex(Waiting())
    // Mirrors `waiting.continuations.count`, for a look without the lock.
    private let waitingCount = Atomic(0)
    private let openCount = Atomic(0)

    init(_ environment: OpaquePointer, count: Int) {
        self.environment = environment
        self.count = count
        self.slots = .allocate(capacity: count)
        for index in 0..<count { (self.slots + index).initialize(to: Slot()) }
    }

    deinit {
        self.slots.deinitialize(count: self.count)
        self.slots.deallocate()
    }

    /// Takes a slot if one is free.
    @inline(__always)
    func take() -> Int? {
        var index = LMDBPlatform.threadNumber % self.count
        for _ in 0..<self.count {
            if self.exchange(SlotState.free, SlotState.busy, at: index) { return index }
            index += 1
            if index == self.count { index = 0 }
        }
        return nil
    }

    /// Begins a transaction in a slot that was taken.
    @inline(__always)
    func begin(_ index: Int) -> Start {
        guard let transaction = self.slots[index].transaction else { return self.open(index) }
        let code = mdb_txn_renew(transaction)
        return code == MDB_SUCCESS ? .ready(Transaction(handle: transaction)) : self.failure(code)
    }

    /// Ends the transaction and gives the slot back.
    @inline(__always)
    func end(_ index: Int) {
        if let transaction = self.slots[index].transaction { mdb_txn_reset(transaction) }
        self.giveBack(index)
    }

    /// Gives back a slot in which no transaction runs.
    @inline(__always)
    func giveBack(_ index: Int) {
        if !self.exchange(SlotState.busy, SlotState.free, at: index) {
            self.slots[index].state.store(SlotState.held, ordering: .sequentiallyConsistent)
        } else if self.waitingCount.load(ordering: .sequentiallyConsistent) > 0 {
            self.wakeOne()
        }
    }

    @inline(__always)
    private func exchange(_ expected: Int, _ desired: Int, at index: Int) -> Bool {
        self.slots[index].state.compareExchange(
            expected: expected,
            desired: desired,
            ordering: .sequentiallyConsistent
        ).exchanged
    }
}

// MARK: - Beginning

extension ReaderPool {
    private func open(_ index: Int) -> Start {
        var transaction: OpaquePointer?
        var code = mdb_txn_begin(self.environment, nil, UInt32(MDB_RDONLY), &transaction)
        if code == MDB_READERS_FULL {
            // Processes that were killed leave their readers behind.
            mdb_reader_check(self.environment, nil)
            code = mdb_txn_begin(self.environment, nil, UInt32(MDB_RDONLY), &transaction)
        }
        if code == MDB_READERS_FULL, self.openCount.load(ordering: .sequentiallyConsistent) > 0 {
            return .full
        }
        guard code == MDB_SUCCESS, let transaction else { return self.failure(code) }
        self.slots[index].transaction = transaction
        self.openCount.add(1, ordering: .sequentiallyConsistent)
        return .ready(Transaction(handle: transaction))
    }

    private func failure(_ code: Int32) -> Start {
        code == MDB_MAP_RESIZED ? .outgrown : .failed(StorageError(lmdb: code))
    }

    /// Gives back a slot that nobody is to take until all were taken once.
    func retire(_ index: Int) {
        if !self.exchange(SlotState.busy, SlotState.retired, at: index) {
            self.slots[index].state.store(SlotState.held, ordering: .sequentiallyConsistent)
        }
    }
}

// MARK: - Waiting for a slot

extension ReaderPool {
    /// Waits, without a thread, until it is worth trying to take a slot again.
    ///
    /// - Throws: what the pool was closed with.
    func waitForSlot() async throws(StorageError) {
        let failure: StorageError? = await withCheckedContinuation { continuation in
            let failure = self.waiting.withLock { waiting in
                if waiting.failure == nil {
                    waiting.continuations.append(continuation)
                    self.waitingCount.store(waiting.continuations.count, ordering: .sequentiallyConsistent)
                }
                return waiting.failure
            }
            if let failure {
                continuation.resume(returning: failure)
            } else if self.hasFreeSlot {
                // It was given back before the count could be seen.
                self.wakeOne()
            }
        }
        if let failure { throw failure }
    }

    private var hasFreeSlot: Bool {
        (0..<self.count).contains { index in
            self.slots[index].state.load(ordering: .sequentiallyConsistent) == SlotState.free
        }
    }

    private func wakeOne() {
        let continuation = self.waiting.withLock { waiting in
            guard !waiting.continuations.isEmpty else { return nil as CheckedContinuation<StorageError?, Never>? }
            let first = waiting.continuations.removeFirst()
            self.waitingCount.store(waiting.continuations.count, ordering: .sequentiallyConsistent)
            return first
        }
        continuation?.resume(returning: nil)
    }

    private func wakeAll(with failure: StorageError?) {
        let continuations = self.waiting.withLock { waiting in
            if let failure { waiting.failure = failure }
            self.waitingCount.store(0, ordering: .sequentiallyConsistent)
            defer { waiting.continuations = [] }
            return waiting.continuations
        }
        for continuation in continuations { continuation.resume(returning: failure) }
    }
}

// MARK: - Taking all slots

extension ReaderPool {
    /// Takes all slots, waiting for the reads that are running; those that come meanwhile wait for ``release()``.
    ///
    /// Blocks. One caller at a time.
    func hold() {
        for index in 0..<self.count where !self.seize(index) {
            var round = 0
            while self.slots[index].state.load(ordering: .sequentiallyConsistent) != SlotState.held {
                LMDBPlatform.pause(round)
                round += 1
            }
        }
    }

    /// Takes all slots unless a read runs for longer than the limit: then none is taken, and `false` returned. Blocks.
    func hold(within limit: Duration) -> Bool {
        let end = ContinuousClock.now + limit
        for index in 0..<self.count where !self.seize(index) {
            var round = 0
            while self.slots[index].state.load(ordering: .sequentiallyConsistent) != SlotState.held {
                LMDBPlatform.pause(round)
                round += 1
                guard round % 128 != 0 || ContinuousClock.now < end else {
                    self.letGo(upTo: index)
                    return false
                }
            }
        }
        return true
    }

    /// Gives back what was taken of the slots up to that one, in which a read still runs.
    private func letGo(upTo index: Int) {
        for index in 0...index where !self.exchange(SlotState.wanted, SlotState.busy, at: index) {
            self.slots[index].state.store(SlotState.free, ordering: .sequentiallyConsistent)
        }
        self.wakeAll(with: nil)
    }

    /// Gives back what ``hold()`` has taken.
    func release() {
        for index in 0..<self.count {
            self.slots[index].state.store(SlotState.free, ordering: .sequentiallyConsistent)
        }
        self.wakeAll(with: nil)
    }

    /// Ends the transactions while all slots are taken.
    func endTransactions() {
        for index in 0..<self.count {
            if let transaction = self.slots[index].transaction { mdb_txn_abort(transaction) }
            self.slots[index].transaction = nil
        }
        self.openCount.store(0, ordering: .sequentiallyConsistent)
    }

    /// Has the slots lend transactions of another handle from now on; to be called while all of them are taken.
    func exchange(_ environment: OpaquePointer) {
        self.environment = environment
    }

    /// Ends the transactions for good while all slots are taken; who comes from now on gets the error.
    func close(with failure: StorageError) {
        self.endTransactions()
        self.wakeAll(with: failure)
    }

    /// Takes the slot, or asks the read that runs in it to leave it taken.
    private func seize(_ index: Int) -> Bool {
        while true {
            if self.exchange(SlotState.free, SlotState.held, at: index) { return true }
            if self.exchange(SlotState.retired, SlotState.held, at: index) { return true }
            if self.exchange(SlotState.busy, SlotState.wanted, at: index) { return false }
        }
    }
}
