import CKVStorageLMDB
import Dispatch
import KVStorage
import Synchronization

/// The state of an environment after one transaction, kept for as long as this lives: its pages are not used again.
///
/// It has a place in LMDB's table of readers, and reads the file, never the map: so the map may grow meanwhile, and no
/// slot of the pool is taken.
///
/// `@unchecked Sendable`: nobody uses the transaction but to end it, under a lock.
final class EnvironmentSnapshot: @unchecked Sendable {
    let meta: File.Meta
    private var transaction: OpaquePointer?
    private let ending = Mutex(())
    private let environment: Environment
    private let path: String
    private let descriptor: Int32

    /// Returns `nil` if so much was written meanwhile that it has to be tried again.
    ///
    /// To be called while a slot of the pool is taken, so that the map stays as it is.
    init?(_ environment: Environment) throws(StorageError) {
        var begun: OpaquePointer?
        try Transaction.check(mdb_txn_begin(environment.handle, nil, UInt32(MDB_RDONLY), &begun))
        guard let begun else { throw StorageError(lmdb: LMDBPlatform.invalidArgument) }
        var descriptor: Int32 = -1
        mdb_env_get_fd(environment.handle, &descriptor)
        let file = File(path: environment.dataPath, borrowing: descriptor)
        do throws(StorageError) {
            guard let meta = try file.snapshotMeta(of: UInt64(mdb_txn_id(begun))) else {
                mdb_txn_abort(begun)
                return nil
            }
            self.meta = meta
            self.environment = environment
            environment.snapshotCount.add(1, ordering: .sequentiallyConsistent)
        } catch {
            mdb_txn_abort(begun)
            throw error
        }
        self.transaction = begun
        self.path = environment.dataPath
        self.descriptor = descriptor
    }

    deinit {
        self.end()
    }

    /// Gives the place in the table of readers back; to be called while the environment is open.
    func end() {
        self.ending.withLock { _ in
            guard let transaction = self.transaction else { return }
            mdb_txn_abort(transaction)
            self.transaction = nil
            self.environment.snapshotCount.subtract(1, ordering: .sequentiallyConsistent)
        }
    }

    var file: File { File(path: self.path, borrowing: self.descriptor) }
}

/// A long operation that ends early when its task is cancelled or its driver disposed.
final class Operation: Sendable {
    private let isCancelled = Atomic(false)
    private let drain: WriteDrain

    init(_ drain: WriteDrain) {
        self.drain = drain
    }

    func cancel() { self.isCancelled.store(true, ordering: .relaxed) }

    /// - Throws: why the operation has to end.
    func check() throws(StorageError) {
        if self.drain.isClosed { throw .lmdbClosed }
        if self.isCancelled.load(ordering: .relaxed) {
            throw StorageError(.cancelled, "the task was cancelled; nothing is left of what it had begun")
        }
    }
}

extension Store {
    /// Runs the body, which may take long, on a thread of its own, with a snapshot.
    func operate<Value: Sendable>(
        _ body: @escaping @Sendable (EnvironmentSnapshot, Operation) throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        let operation = Operation(self.drain)
        try operation.check()
        // The environment stays open meanwhile.
        try self.drain.beginWrite()
        defer { self.drain.endWrite() }
        let snapshot = try await self.snapshot()
        let queue = DispatchQueue(label: "KVStorageLMDB.operation")
        let result: Result<Value, StorageError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                queue.async {
                    let result = Result { () throws(StorageError) in
                        try operation.check()
                        return try body(snapshot, operation)
                    }
                    // Who waits may close the environment next.
                    snapshot.end()
                    continuation.resume(returning: result)
                }
            }
        } onCancel: {
            operation.cancel()
        }
        return try result.get()
    }

    private func snapshot() async throws(StorageError) -> EnvironmentSnapshot {
        // Somebody would have to commit twice between two lines, each time.
        for _ in 0..<100 {
            let reading = try await self.beginReading()
            defer { self.endReading(reading) }
            if let snapshot = try EnvironmentSnapshot(self.environment) { return snapshot }
        }
        throw File(path: self.environment.dataPath, borrowing: -1).foreignLock
    }
}
