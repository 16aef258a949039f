import CKVStorageLMDB
import KVStorage

/// A driver's databases in an environment, and the two ways to them: reads in place, writes through the queue.
final class LMDBStore: Sendable {
    struct Reading {
        let slot: Int
        let transaction: LMDBTransaction
    }

    let environment: LMDBEnvironment
    let databases: LMDBDatabases
    let events = EventHub()
    let clock: any StorageClock
    let maximumKeyBytes: Int
    private let lease: LMDBLease
    private let calls = LMDBCalls()

    init(_ lease: LMDBLease, _ databases: LMDBDatabases, _ clock: any StorageClock) {
        self.lease = lease
        self.environment = lease.environment
        self.maximumKeyBytes = lease.environment.maximumKeyBytes
        self.databases = databases
        self.clock = clock
    }

    /// Calls the body with a read transaction, on the caller's thread; no lock is held meanwhile.
    @inline(__always)
    func read<Value>(
        _ body: (LMDBTransaction) throws(StorageError) -> Value
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
            if !self.calls.isClosed, case .ready(let transaction) = readers.begin(slot) {
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
            guard !self.calls.isClosed else {
                readers.giveBack(slot)
                throw .lmdbClosed
            }
            switch readers.begin(slot) {
            case .ready(let transaction):
                return Reading(slot: slot, transaction: transaction)
            case .outgrown:
                readers.giveBack(slot)
                // Any write transaction adopts the new size before it begins.
                _ = try await self.write(.apply([]))
            case .full:
                readers.retire(slot)
            case .failed(let error):
                readers.giveBack(slot)
                throw error
            }
        }
    }

    /// Has the operation carried out and returns its answer once it is committed.
    func write(_ operation: WriteOperation) async throws(StorageError) -> WriteOperation.Answer {
        try self.calls.beginWrite()
        defer { self.calls.endWrite() }
        return try await self.lease.queue.submit(LMDBWrite(store: self, operation: operation))
    }

    /// Waits for what was accepted, then gives the environment back.
    func close() async {
        await self.calls.close {
            await self.environment.onThread {
                self.environment.waitForReaders()
                self.lease.end()
            }
        }
    }

    func requireOpen() throws(StorageError) {
        if self.calls.isClosed { throw .lmdbClosed }
    }
}
