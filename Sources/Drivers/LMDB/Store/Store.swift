import CKVStorageLMDB
import Dispatch
import KVStorage
import Synchronization

/// A driver's databases in an environment, and the two ways to them: reads in place, writes through the queue.
final class Store: Sendable {
    struct Reading {
        let slot: Int
        let transaction: Transaction
    }

    let environment: Environment
    let databases: Databases
    let events = EventHub()
    let clock: any StorageClock
    let maximumKeyBytes: Int
    /// When the environment's files and readers were looked after last.
    let lastInspection: Mutex<Timestamp>
    private let lease: Lease
    let drain = WriteDrain()

    init(_ lease: Lease, _ databases: Databases, _ clock: any StorageClock) {
        self.lease = lease
        self.environment = lease.environment
        self.maximumKeyBytes = lease.environment.maximumKeyBytes
        self.databases = databases
        self.clock = clock
        self.lastInspection = Mutex(clock.now)
    }

    /// Calls the body with a read transaction, on the caller's thread; no lock is held meanwhile.
    @inline(__always)
    func read<Value>(
        _ body: (Transaction) throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        let reading = try await self.beginReading()
        defer { self.endReading(reading) }
        return try body(reading.transaction)
    }

    /// Begins a read transaction; whoever does so ends it, without waiting for anything in between.
    @inline(__always)
    func beginReading() async throws(StorageError) -> Reading {
        let readers = self.environment.readers
        if let slot = readers.take() {
            if !self.drain.isClosed, case .ready(let transaction) = readers.begin(slot) {
                return Reading(slot: slot, transaction: transaction)
            }
            readers.giveBack(slot)
        }
        return try await self.beginReadingSlowly()
    }

    @inline(__always)
    func endReading(_ reading: Reading) {
        self.environment.readers.end(reading.slot)
    }

    private func beginReadingSlowly() async throws(StorageError) -> Reading {
        let readers = self.environment.readers
        while true {
            try self.requireOpen()
            guard let slot = readers.take() else {
                try await readers.waitForSlot()
                continue
            }
            // A disposal that began meanwhile would not wait for this slot.
            guard !self.drain.isClosed else {
                readers.giveBack(slot)
                throw .lmdbClosed
            }
            switch readers.begin(slot) {
            case .ready(let transaction):
                return Reading(slot: slot, transaction: transaction)
            case .outgrown:
                readers.giveBack(slot)
                try await self.adoptMapSize()
            case .full:
                readers.retire(slot)
            case .failed(let error):
                readers.giveBack(slot)
                throw error
            }
        }
    }

    /// Has the operation carried out and returns its answer once it is committed.
    ///
    /// - Throws: `StorageError.Code.unavailable` if another process keeps its lock for too long.
    func write(_ operation: WriteOperation) async throws(StorageError) -> WriteOperation.Answer {
        guard !self.environment.isReadOnly else { throw .lmdbReadOnly }
        try self.drain.beginWrite()
        defer { self.drain.endWrite() }
        return try await self.lease.queue.submit(Write(store: self, operation: operation))
    }

    private func adoptMapSize() async throws(StorageError) {
        let environment = self.environment
        guard environment.isReadOnly else {
            // Any write transaction adopts the new size before it begins.
            _ = try await self.write(.apply([]))
            return
        }
        try await self.onHousekeeper { () throws(StorageError) in
            try environment.writing.withLock { _ throws(StorageError) in try environment.adoptMapSize() }
        }
    }

    /// Runs the body, which may block, on a thread of the environment's own; the environment stays open meanwhile.
    func onHousekeeper<Value: Sendable>(
        _ body: @escaping @Sendable () throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        try await self.onThread(self.environment.housekeeping, body)
    }

    /// Runs the body, which may block, on a queue of its own; the environment stays open meanwhile.
    func onThread<Value: Sendable>(
        _ queue: DispatchQueue,
        _ body: @escaping @Sendable () throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        try self.drain.beginWrite()
        defer { self.drain.endWrite() }
        let result: Result<Value, StorageError> = await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: Result { () throws(StorageError) in try body() }) }
        }
        return try result.get()
    }

    /// Waits for what was accepted, then gives the environment back.
    ///
    /// Where another process keeps its lock and holds up a write of another driver, the environment is closed as soon as
    /// it lets go; that is not waited for any longer than ``Environment/busyTimeout``.
    func close() async {
        await self.drain.close {
            await self.environment.onHousekeeper {
                self.environment.waitForReaders()
                self.lease.end()
            }
        }
    }

    func requireOpen() throws(StorageError) {
        if self.drain.isClosed { throw .lmdbClosed }
    }
}
