import Dispatch
import KVStorage
import Synchronization

/// Lends connections that read; opens them as they are needed, up to a limit, and closes them when they go.
final class ReaderPool: Sendable {
    private struct State {
        // The one used last is at the end and goes first: its cache is warm.
        var idle: [Reader] = []
        var openCount = 0
        var isClosed = false
        /// Why nothing may be read at present.
        var failure: StorageError?
        var waiting: [CheckedContinuation<Reader?, Never>] = []
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    private enum Lease {
        case reader(Reader)
        case mayOpen
        case mustWait
        case refused(StorageError)
    }

    private let limit: Int
    private let busyTimeout: Duration
    private let open: @Sendable () throws(StorageError) -> Reader
    private let state: Mutex<State>

    /// Creates a pool that owns `first`.
    init(
        first: Reader,
        limit: Int,
        busyTimeout: Duration,
        open: @escaping @Sendable () throws(StorageError) -> Reader
    ) {
        self.limit = limit
        self.busyTimeout = busyTimeout
        self.open = open
        self.state = Mutex(State(idle: [first], openCount: 1))
    }

    /// Calls the body with a connection, on the caller's thread; no lock is held meanwhile.
    ///
    /// Should another process hold the database, the body is called again until the busy timeout has passed.
    @inline(__always)
    func read<Value>(_ body: (Reader) throws(StorageError) -> Value) async throws(StorageError) -> Value {
        do throws(StorageError) {
            return try await self.readOnce(body)
        } catch {
            guard error.isBusy else { throw error }
            return try await self.retry(body, error)
        }
    }

    @inline(__always)
    private func readOnce<Value>(
        _ body: (Reader) throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        let reader =
            if let idle = self.state.withLock({ $0.idle.popLast() }) { idle } else { try await self.lease() }
        defer { self.release(reader) }
        return try body(reader)
    }

    private func retry<Value>(
        _ body: (Reader) throws(StorageError) -> Value,
        _ firstError: StorageError
    ) async throws(StorageError) -> Value {
        let end = ContinuousClock.now + self.busyTimeout
        var last = firstError
        while ContinuousClock.now < end {
            await self.pause(for: .milliseconds(1))
            do throws(StorageError) {
                return try await self.readOnce(body)
            } catch {
                guard error.isBusy else { throw error }
                last = error
            }
        }
        throw last
    }

    /// Refuses to read for as long as `failure` is set; the connections are closed meanwhile.
    func refuse(_ failure: StorageError?) {
        let (idle, waiting) = self.state.withLock { state in
            state.failure = failure
            guard failure != nil else { return ([Reader](), [CheckedContinuation<Reader?, Never>]()) }
            defer {
                state.openCount -= state.idle.count
                state.idle = []
                state.waiting = []
            }
            return (state.idle, state.waiting)
        }
        for waiter in waiting { waiter.resume(returning: nil) }
        for reader in idle { reader.close() }
    }

    /// Closes the connections, those that are lent as soon as they return, and waits for that.
    func close() async {
        await withCheckedContinuation { continuation in
            let (idle, waiting, isDone) = self.state.withLock { state in
                state.isClosed = true
                let idle = state.idle
                let waiting = state.waiting
                state.idle = []
                state.waiting = []
                state.openCount -= idle.count
                if state.openCount > 0 { state.closers.append(continuation) }
                return (idle, waiting, state.openCount == 0)
            }
            for waiter in waiting { waiter.resume(returning: nil) }
            for reader in idle { reader.close() }
            if isDone { continuation.resume() }
        }
    }
}

extension ReaderPool {
    private func lease() async throws(StorageError) -> Reader {
        switch self.state.withLock({ self.lease(&$0) }) {
        case .reader(let reader): return reader
        case .refused(let error): throw error
        case .mayOpen: return try self.openReader()
        case .mustWait: return try await self.waitForReader()
        }
    }

    private func lease(_ state: inout State) -> Lease {
        if state.isClosed { return .refused(Self.closedError) }
        if let failure = state.failure { return .refused(failure) }
        if let reader = state.idle.popLast() { return .reader(reader) }
        guard state.openCount < self.limit else { return .mustWait }
        state.openCount += 1
        return .mayOpen
    }

    private func openReader() throws(StorageError) -> Reader {
        do throws(StorageError) {
            return try self.open()
        } catch {
            self.forget()
            throw error
        }
    }

    private func waitForReader() async throws(StorageError) -> Reader {
        let reader: Reader? = await withCheckedContinuation { continuation in
            let lease = self.state.withLock { state in
                let lease = self.lease(&state)
                if case .mustWait = lease { state.waiting.append(continuation) }
                return lease
            }
            switch lease {
            case .reader(let reader): continuation.resume(returning: reader)
            // The attempt below says why.
            case .refused: continuation.resume(returning: nil)
            case .mustWait: break
            case .mayOpen:
                // Somebody's attempt to open one failed meanwhile.
                self.forget()
                continuation.resume(returning: nil)
            }
        }
        if let reader { return reader }
        return try await self.lease()
    }

    private func release(_ reader: Reader) {
        enum Next { case none, waiter(CheckedContinuation<Reader?, Never>), close }
        let next: Next = self.state.withLock { state in
            if state.isClosed || state.failure != nil { return .close }
            guard state.waiting.isEmpty else { return .waiter(state.waiting.removeFirst()) }
            state.idle.append(reader)
            return .none
        }
        switch next {
        case .none: break
        case .waiter(let waiter): waiter.resume(returning: reader)
        case .close:
            reader.close()
            self.forget()
        }
    }

    /// Counts a connection less, and lets go whoever waits for that.
    private func forget() {
        let (waiter, closers) = self.state.withLock { state in
            state.openCount -= 1
            let closers = state.isClosed && state.openCount == 0 ? state.closers : []
            if !closers.isEmpty { state.closers = [] }
            return (state.waiting.isEmpty ? nil : state.waiting.removeFirst(), closers)
        }
        waiter?.resume(returning: nil)
        for closer in closers { closer.resume() }
    }

    /// Waits without a thread, and whether or not the task is cancelled.
    private func pause(for duration: Duration) async {
        await withCheckedContinuation { continuation in
            let delay = DispatchTimeInterval.milliseconds(Int(duration.wholeMilliseconds))
            DispatchQueue.global().asyncAfter(deadline: .now() + delay) { continuation.resume() }
        }
    }

    private static var closedError: StorageError {
        StorageError(.closed, "the driver was disposed; mount a new one")
    }
}

extension ReaderPool {
    /// Creates a pool of connections to the database; opens none to a file that has taken its place.
    convenience init(
        first: Reader,
        _ file: File,
        _ fileGuard: FileGuard,
        _ configuration: SQLiteDriver.Configuration
    ) {
        self.init(
            first: first,
            limit: configuration.maximumReaders ?? min(SQLitePlatform.processorCount + 1, 8),
            busyTimeout: configuration.busyTimeout,
            open: { () throws(StorageError) in
                fileGuard.look()
                if let error = fileGuard.error { throw error }
                return Reader(try Connection.reader(file, configuration))
            }
        )
    }

    /// - Throws: `StorageError.Code.closed` after ``close()``, and what ``refuse(_:)`` was given.
    func requireOpen() throws(StorageError) {
        let (isClosed, failure) = self.state.withLock { ($0.isClosed, $0.failure) }
        if isClosed { throw Self.closedError }
        if let failure { throw failure }
    }
}
