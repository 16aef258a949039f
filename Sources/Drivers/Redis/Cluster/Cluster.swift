import KVStorage
import Synchronization

/// The masters of a cluster, each with connections of its own, made when a command for one of its slots comes.
///
/// A command that a node refuses, because the slot is elsewhere or on its way, goes where the node says. One that could
/// not be sent, as its node is away, waits for another node to take the slots over, until its time is over.
final class Cluster: Client {
    struct State {
        var topology: Topology?
        /// Counts the changes of the topology.
        var layout = 0
        var nodes: [Endpoint: ServerClient] = [:]
        /// Connections of their own, as a node may be master and replica one after the other: what has to be up to date must
        /// not go where a replica would answer it.
        var replicas: [Endpoint: ServerClient] = [:]
        var turns = ReplicaRoundRobin()
        var refresh: Task<StorageError?, Never>?
        var pace = RefreshPace()
        /// How often the nodes were asked, and what went wrong the last time.
        var refreshes = 0
        var refreshFailure: StorageError?
        /// When each node that is none of the topology's masters was last named, as nodes may be called otherwise in a
        /// redirection than in the topology.
        var named: [Endpoint: Instant] = [:]
        /// How many calls are under way.
        var calls = 0
        var isClosed = false
        var finishers: [CheckedContinuation<Void, Never>] = []
    }

    let options: Connection.Options
    let keys: Keys
    let seeds: [Endpoint]
    let readsFrom: RedisDriver.ReadPreference
    let connectionsPerNode: Int
    let state = Mutex(State())
    let observer = Mutex<(@Sendable () -> Void)?>(nil)

    /// - Parameter seeds: Some nodes, of which one has to be there to tell of the others.
    init(
        _ options: Connection.Options,
        seeds: [Endpoint],
        connections: Int,
        _ keys: Keys,
        readsFrom: RedisDriver.ReadPreference = .master
    ) {
        self.options = options
        self.seeds = seeds
        self.connectionsPerNode = connections
        self.keys = keys
        self.readsFrom = readsFrom
    }

    /// Calls the body when slots were found to have moved.
    func onChange(_ body: @escaping @Sendable () -> Void) {
        self.observer.withLock { $0 = body }
    }

    // MARK: - Who serves what

    /// Counts the changes of the distribution of slots.
    var layout: Int { self.state.withLock { $0.layout } }

    var isClosed: Bool { self.state.withLock { $0.isClosed } }

    /// Returns the topology; asks for it if it is not known yet.
    func topology(_ retryBudget: inout RetryBudget) async throws(StorageError) -> Topology {
        while true {
            if let topology = self.state.withLock({ $0.topology }) { return topology }
            let failure: StorageError?
            let isFirst = self.state.withLock { $0.refreshes == 0 }
            if isFirst {
                failure = await self.refresh()
            } else {
                let error = self.state.withLock { $0.refreshFailure }
                try await self.refresh(&retryBudget, error ?? RetryReason.unserved.error(slot: 0))
                failure = self.state.withLock { $0.refreshFailure }
            }
            guard let failure else { continue }
            guard failure.code == .unavailable || failure.code == .timeout || failure.code == .connectionLost
            else { throw failure }
            try await retryBudget.wait(failure)
        }
    }

    func node(at endpoint: Endpoint) throws(StorageError) -> ServerClient {
        try self.state.withLock { state throws(StorageError) in
            if state.topology?.masters.contains(endpoint) == false { state.named[endpoint] = RedisPlatform.now }
            if let node = state.nodes[endpoint] { return node }
            var options = self.options
            options.endpoint = endpoint
            let node = try ServerClient(options, connections: self.connectionsPerNode)
            state.nodes[endpoint] = node
            return node
        }
    }

    /// Notes who is the slot's master, and returns whether that was not known.
    @discardableResult
    func note(_ slot: Int, _ endpoint: Endpoint) -> Bool {
        let (hasMoved, isNew) = self.state.withLock { state in
            guard state.topology?.master(of: slot) != endpoint else { return (false, false) }
            let isNew = state.topology?.masters.contains(endpoint) == false
            state.topology?.move(slot, to: endpoint)
            state.layout += 1
            return (true, isNew)
        }
        if isNew { self.observer.withLock { $0 }?() }
        return hasMoved
    }

    // MARK: - The end

    func begin() throws(StorageError) {
        try self.state.withLock { state throws(StorageError) in
            guard !state.isClosed else { throw ConnectionState<Waiter>.closedError }
            state.calls += 1
        }
    }

    func end() {
        let finishers = self.state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.calls -= 1
            guard state.calls == 0 else { return [] }
            defer { state.finishers = [] }
            return state.finishers
        }
        for finisher in finishers { finisher.resume() }
    }

    func close() async {
        await withCheckedContinuation { continuation in
            let isOver = self.state.withLock { state in
                state.isClosed = true
                if state.calls == 0 { return true }
                state.finishers.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
        let nodes = self.state.withLock { Array($0.nodes.values) + Array($0.replicas.values) }
        for node in nodes { await node.close() }
    }
}
