import CKVStorageSQLite
import Dispatch
import KVStorage
import Synchronization

/// Runs what concerns the whole database, each call on a thread and a connection of its own.
final class Operations: Sendable {
    private struct State {
        var isClosed = false
        var running: [ObjectIdentifier: Operation] = [:]
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    let file: File
    let configuration: SQLiteDriver.Configuration
    private let fileGuard: FileGuard
    private let state = Mutex(State())

    init(_ file: File, _ fileGuard: FileGuard, _ configuration: SQLiteDriver.Configuration) {
        self.file = file
        self.fileGuard = fileGuard
        self.configuration = configuration
    }

    /// Calls the body on a thread of its own; it ends early when the task is cancelled or the driver is disposed.
    func run<Value: Sendable>(
        writes: Bool = false,
        _ body: @escaping @Sendable (Operation) throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        let operation = Operation(busyTimeout: self.configuration.busyTimeout)
        try self.begin(operation, writes: writes)
        let result: Result<Value, StorageError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // A serial queue's thread is none of the cooperative pool's.
                DispatchQueue(label: "KVStorageSQLite.operation").async {
                    let result: Result<Value, StorageError>
                    do throws(StorageError) {
                        try operation.check()
                        result = .success(try body(operation))
                    } catch {
                        result = .failure(operation.stopError ?? error)
                    }
                    self.end(operation)
                    continuation.resume(returning: result)
                }
            }
        } onCancel: {
            operation.stop(.cancelled)
        }
        return try result.get()
    }

    /// Ends what runs and waits for that; later calls are refused.
    func close() async {
        await withCheckedContinuation { continuation in
            let running = self.state.withLock { state in
                state.isClosed = true
                if !state.running.isEmpty { state.closers.append(continuation) }
                return Array(state.running.values)
            }
            for operation in running { operation.stop(.closed) }
            if running.isEmpty { continuation.resume() }
        }
    }

    private func begin(_ operation: Operation, writes: Bool) throws(StorageError) {
        let isClosed = self.state.withLock { state in
            if !state.isClosed { state.running[ObjectIdentifier(operation)] = operation }
            return state.isClosed
        }
        do throws(StorageError) {
            if isClosed { throw StorageError(.closed, "the driver was disposed; mount a new one") }
            if writes, self.configuration.readOnly {
                throw StorageError(.readOnly, "the driver was opened with readOnly and writes nothing")
            }
            if let error = self.fileGuard.error { throw error }
        } catch {
            self.end(operation)
            throw error
        }
    }

    private func end(_ operation: Operation) {
        let closers = self.state.withLock { state in
            state.running[ObjectIdentifier(operation)] = nil
            guard state.isClosed, state.running.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.closers = [] }
            return state.closers
        }
        for closer in closers { closer.resume() }
    }
}

/// One call that runs, and why it is to stop.
final class Operation: Sendable {
    enum Stop: UInt8 {
        case none, cancelled, closed
    }

    private let busyTimeout: Duration
    private let stop = Atomic<UInt8>(Stop.none.rawValue)

    init(busyTimeout: Duration) {
        self.busyTimeout = busyTimeout
    }

    /// Has the call end soon.
    func stop(_ reason: Stop) {
        self.stop.store(reason.rawValue, ordering: .releasing)
    }

    var stopError: StorageError? {
        switch Stop(rawValue: self.stop.load(ordering: .acquiring)) {
        case .cancelled: StorageError(.cancelled, "the task was cancelled; nothing was changed")
        case .closed: StorageError(.closed, "the driver was disposed meanwhile; nothing was changed")
        case nil, Stop.none?: nil
        }
    }

    func check() throws(StorageError) {
        if let error = self.stopError { throw error }
    }

    /// Calls the body until no other connection's lock is in its way, up to the busy timeout.
    func retrying<Value>(_ body: () throws(StorageError) -> Value) throws(StorageError) -> Value {
        let end = ContinuousClock.now + self.busyTimeout
        while true {
            try self.check()
            do throws(StorageError) {
                return try body()
            } catch {
                guard error.isBusy, ContinuousClock.now < end else { throw error }
                SQLitePlatform.sleep(microseconds: 1000)
            }
        }
    }

    /// Has statements of the connection end when the call is to stop; the connection must not outlive the call.
    func interrupts(_ connection: borrowing Connection) {
        sqlite3_progress_handler(
            connection.handle,
            10_000,
            { operation in
                guard let operation else { return 0 }
                return Unmanaged<Operation>.fromOpaque(operation).takeUnretainedValue().stopError == nil ? 0 : 1
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }
}
