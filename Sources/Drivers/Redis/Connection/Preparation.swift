import KVStorage
import Synchronization

/// Finds out what has to be known before a connection is made and takes asynchronous work: where the server is by now, and
/// whom to log in as. It runs in a task, as the connection's thread must not wait for a caller's code.
final class Preparation: Sendable {
    /// Where to connect to, and whom to log in as if that was asked for.
    struct Target: Sendable {
        var endpoint: Endpoint
        var credentials: RedisDriver.Credentials?
    }

    struct Failure: Error {
        let error: StorageError
        /// Whether another attempt would meet it again.
        let isFinal: Bool
    }

    private final class Progress: Sendable {
        let outcome = Mutex<Result<Target, Failure>?>(nil)
        let isLoggingIn = Atomic<Bool>(false)
    }

    private let progress: Progress
    private let task: Task<Void, Never>

    /// - Parameter isRetry: Whether an attempt to connect has failed before.
    init(_ options: Connection.Options, isRetry: Bool, wakeup: Wakeup) {
        let progress = Progress()
        self.progress = progress
        // On a busy machine its time may be over before the task has begun.
        if options.sentinels == nil { progress.isLoggingIn.store(true, ordering: .relaxed) }
        self.task = Task.detached {
            let outcome = await Self.prepare(options, isRetry: isRetry, progress)
            progress.outcome.withLock { $0 = outcome }
            wakeup.signal()
        }
    }

    deinit {
        self.task.cancel()
    }

    /// The outcome, once there is one.
    var outcome: Result<Target, Failure>? { self.progress.outcome.withLock { $0 } }

    /// What it is that has not come to an end.
    var pending: String {
        self.progress.isLoggingIn.load(ordering: .relaxed)
            ? "the configured credentials closure did not return in time (connectTimeout)"
            : "no sentinel answered in time (connectTimeout)"
    }

    private static func prepare(
        _ options: Connection.Options,
        isRetry: Bool,
        _ progress: Progress
    ) async -> Result<Target, Failure> {
        var target = Target(endpoint: options.endpoint)
        if let sentinels = options.sentinels {
            do throws(StorageError) {
                target.endpoint = try await sentinels.locateMaster(isRetry: isRetry)
            } catch {
                let isFinal = error.code == .invalidOption || error.code == .permissionDenied
                return .failure(Failure(error: error, isFinal: isFinal))
            }
        }
        guard let credentials = options.credentials else { return .success(target) }
        progress.isLoggingIn.store(true, ordering: .relaxed)
        do {
            target.credentials = try await credentials()
            return .success(target)
        } catch {
            // Its words may hold what it was to keep secret; whoever wants them finds them in `underlying`.
            let error = StorageError(
                .unavailable,
                "no connection to \(options.place): the configured credentials closure threw \(type(of: error))",
                underlying: error)
            return .failure(Failure(error: error, isFinal: false))
        }
    }
}
