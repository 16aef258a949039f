import KVStorage
import Synchronization

/// The sentinels that watch over a service, a master with its replicas, and tell which server is its master.
///
/// They are asked in turn, beginning with the one that answered last, when a connection is to be made
/// (https://redis.io/docs/latest/develop/reference/sentinel-clients/). A connection to one of them stays open for
/// `+switch-master`, by which a former master is left that still answers.
final class Sentinels: Sendable {
    private struct State {
        /// In the order in which they are asked.
        var endpoints: [Endpoint]
        var master: Endpoint?
        var listener: Connection?
        var isClosed = false
    }

    /// The service's name.
    let service: String
    /// How a sentinel is connected to, each with a share of the time that a connection to the master has.
    private let options: Connection.Options
    private let observer: (any RedisObserver)?
    private let state: Mutex<State>
    private let onSwitch = Mutex<(@Sendable (StorageError) -> Void)?>(nil)

    init(_ service: String, _ endpoints: [Endpoint], _ options: Connection.Options) {
        self.service = service
        var options = options
        options.connectTimeout = options.connectTimeout / (2 * endpoints.count)
        options.commandTimeout = options.connectTimeout
        // There are others.
        options.failsFast = true
        self.observer = options.observer
        options.observer = nil
        self.options = options
        self.state = Mutex(State(endpoints: endpoints))
    }

    /// What the service's master is called in messages.
    var place: String { "the master of \"\(self.service)\"" }

    /// Calls the body with the reason when the sentinels have made another server the master.
    func onSwitch(_ body: @escaping @Sendable (StorageError) -> Void) {
        self.onSwitch.withLock { $0 = body }
    }

    // MARK: - Asking

    /// Returns where the master is.
    ///
    /// - Parameter isRetry: Whether the last answer did not lead to a master, so that another sentinel is asked first.
    /// - Throws: `StorageError.Code.invalidOption` if all sentinels answered and none knows the service,
    ///   `StorageError.Code.permissionDenied` if all deny access, `StorageError.Code.unavailable`.
    func locateMaster(isRetry: Bool) async throws(StorageError) -> Endpoint {
        if isRetry { self.state.withLock { $0.endpoints.append($0.endpoints.removeFirst()) } }
        var failures: [StorageError] = []
        for endpoint in self.state.withLock({ $0.endpoints }) {
            do throws(StorageError) {
                let master = try await self.ask(endpoint)
                self.found(master, by: endpoint)
                return master
            } catch {
                if error.code == .cancelled { throw error }
                failures.append((error.underlying as? Unsent)?.reason ?? error)
            }
        }
        throw self.failure(failures)
    }

    private func ask(_ endpoint: Endpoint) async throws(StorageError) -> Endpoint {
        var options = self.options
        options.endpoint = endpoint
        // Letting go of the connection ends it.
        let connection = try Connection(options)
        let reply = try await connection.send(isRepeatable: true) { writer in
            writer.begin(3)
            writer.word("SENTINEL")
            writer.word("GET-MASTER-ADDR-BY-NAME")
            writer.word(self.service)
        }
        switch reply {
        case .null:
            throw StorageError(.invalidOption, "\(endpoint) does not know \"\(self.service)\"")
        case .array(let parts):
            guard parts.count == 2, case .bytes(let host) = parts[0], case .bytes(let digits) = parts[1],
                let port = Int(String(decoding: digits, as: UTF8.self)), (1...65_535).contains(port), !host.isEmpty
            else { throw reply.unexpected(nil) }
            return .host(String(decoding: host, as: UTF8.self), port: port)
        case .error(let error):
            if error.description.hasPrefix("ERR unknown command") {
                throw StorageError(.invalidOption, "\(endpoint) is no sentinel", underlying: error)
            }
            throw StorageError(redis: error, key: nil)
        default:
            throw reply.unexpected(nil)
        }
    }

    /// Says what is wrong if no sentinel has named a master.
    private func failure(_ failures: [StorageError]) -> StorageError {
        let reasons = failures.map(\.message).joined(separator: "; ")
        let underlying = failures.last?.underlying
        if failures.allSatisfy({ $0.code == .invalidOption }) {
            let message =
                "no sentinel knows a service \"\(self.service)\"; name it as in `sentinel monitor`: \(reasons)"
            return StorageError(.invalidOption, message, underlying: underlying)
        }
        if failures.allSatisfy({ $0.code == .permissionDenied }) {
            let message = "the sentinels deny access; set sentinelCredentials: \(reasons)"
            return StorageError(.permissionDenied, message, underlying: underlying)
        }
        return StorageError(
            .unavailable, "no connection to \(self.place), as no sentinel names it: \(reasons)", underlying: underlying)
    }

    // MARK: - Listening

    private func found(_ master: Endpoint, by sentinel: Endpoint) {
        let (isOther, listens) = self.state.withLock { state in
            // The next question goes to the one that has answered.
            if let index = state.endpoints.firstIndex(of: sentinel) {
                state.endpoints.insert(state.endpoints.remove(at: index), at: 0)
            }
            let isOther = state.master != nil && state.master != master
            state.master = master
            return (isOther, state.listener == nil && !state.isClosed)
        }
        if isOther { self.observer?.topologyChanged(masters: [master.description]) }
        if listens { self.listen(sentinel) }
    }

    /// Listens to a sentinel; when it is away, another is turned to with the next question.
    private func listen(_ sentinel: Endpoint) {
        var options = self.options
        options.endpoint = sentinel
        options.subscription = Array("+switch-master".utf8)
        let subscriber = SentinelSubscriber(
            onMessage: { [weak self] in self?.receive($0) }, onLoss: { [weak self] in self?.stopListening(sentinel) })
        guard let connection = try? Connection(options, subscriber: subscriber) else { return }
        let isKept = self.state.withLock { state in
            guard state.listener == nil, !state.isClosed else { return false }
            state.listener = connection
            return true
        }
        guard isKept else { return }
        // It is made when the first command comes, and kept up from then on.
        Task.detached {
            _ = try? await connection.send(isRepeatable: true) { $0.encoded("*1\r\n$4\r\nPING\r\n") }
        }
    }

    private func stopListening(_ sentinel: Endpoint) {
        let listener = self.state.withLock { state -> Connection? in
            guard state.listener?.endpoint == sentinel else { return nil }
            return state.listener.take()
        }
        // Off its own thread, which calls this.
        if let listener { Task.detached { await listener.close() } }
        guard listener != nil else { return }
        // What is said until somebody listens again is not heard: whoever is connected asks anew only if the master fails.
        Task.detached { [weak self] in
            guard let self, !self.state.withLock({ $0.isClosed }) else { return }
            let before = self.state.withLock { $0.master }
            for _ in 0..<3 {
                try? await Task.sleep(for: .seconds(1))
                guard let master = try? await self.locateMaster(isRetry: true) else { continue }
                if let before, before != master { self.tellSwitch(to: master) }
                return
            }
        }
    }

    /// Takes `<service> <old address> <old port> <new address> <new port>`.
    private func receive(_ payload: [UInt8]) {
        let words = String(decoding: payload, as: UTF8.self).split(separator: " ")
        guard words.count == 5, words[0] == self.service, let port = Int(words[4]) else { return }
        let master = Endpoint.host(String(words[3]), port: port)
        let isOther = self.state.withLock { state in
            defer { state.master = master }
            return state.master != master
        }
        guard isOther else { return }
        self.observer?.topologyChanged(masters: [master.description])
        self.tellSwitch(to: master)
    }

    private func tellSwitch(to master: Endpoint) {
        let reason = StorageError(.connectionLost, "\(master) is \(self.place) now")
        self.onSwitch.withLock { $0 }?(reason)
    }

    func close() async {
        let listener = self.state.withLock { state in
            state.isClosed = true
            return state.listener.take()
        }
        await listener?.close()
    }
}

/// Passes on what a sentinel publishes.
struct SentinelSubscriber: Subscriber {
    let onMessage: @Sendable ([UInt8]) -> Void
    let onLoss: @Sendable () -> Void

    func subscribed() {}

    func lost() {
        self.onLoss()
    }

    func receivedAll() {}

    func receive(_ message: [Reply]) {
        guard message.count == 4, case .bytes(let payload) = message[3] else { return }
        self.onMessage(payload)
    }
}
