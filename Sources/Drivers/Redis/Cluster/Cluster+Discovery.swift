import KVStorage
import Synchronization

/// How the cluster is asked who serves which slot.
extension Cluster {
    /// Asks some nodes in the background, not too often.
    func refreshSoon() {
        _ = self.refreshTask()
    }

    /// Asks some nodes, and returns what went wrong if none knows.
    func refresh() async -> StorageError? {
        await self.refreshTask().value
    }

    /// Has some nodes asked, and waits until that is over, or the call's time.
    func refresh(_ retryBudget: inout RetryBudget, _ error: StorageError) async throws(StorageError) {
        let count = self.state.withLock { $0.refreshes }
        self.refreshSoon()
        repeat { try await retryBudget.wait(error) } while self.state.withLock({ $0.refreshes }) == count
    }

    /// The asking that is under way, or due next, or a new one: as many callers as may come share it.
    private func refreshTask() -> Task<StorageError?, Never> {
        self.state.withLock { state in
            if let task = state.refresh { return task }
            let pause = state.pace.pause(RedisPlatform.now)
            // Detached, as it serves others than the caller too.
            let task = Task.detached {
                if pause > .zero { try? await Task.sleep(for: pause) }
                let layout = self.layout
                let failure = await self.askAround()
                self.state.withLock { state in
                    state.refresh = nil
                    state.refreshes += 1
                    state.refreshFailure = failure
                    state.pace.ended(RedisPlatform.now, hasChanged: state.layout != layout)
                }
                return failure
            }
            state.refresh = task
            return task
        }
    }

    /// For how long a node is kept that is none of the topology's masters but was named in a redirection.
    static let namedTime: Duration = .seconds(600)

    func apply(_ topology: Topology) {
        let now = RedisPlatform.now
        let (hasChanged, gone) = self.state.withLock { state -> (Bool, [ServerClient]) in
            let hasChanged = state.topology.map { !$0.hasSameOwners(as: topology) } ?? false
            state.topology = topology
            if hasChanged { state.layout += 1 }
            state.named = state.named.filter { now < $0.value.advanced(by: Self.namedTime) }
            let gone = state.nodes.filter { !topology.masters.contains($0.key) && state.named[$0.key] == nil }
            for endpoint in gone.keys { state.nodes[endpoint] = nil }
            let former = state.replicas.filter { !topology.hasReplica($0.key) }
            for endpoint in former.keys { state.replicas[endpoint] = nil }
            state.turns.keep(topology.hasReplica)
            return (hasChanged, Array(gone.values) + Array(former.values))
        }
        if !gone.isEmpty {
            // Detached, as it outlives the caller, whose task-local values and priority it shall not keep.
            Task.detached { for node in gone { await node.close() } }
        }
        if hasChanged {
            self.options.observer?.topologyChanged(masters: topology.masters.map(\.description))
            self.observer.withLock { $0 }?()
        }
    }

    // MARK: - Asking around

    /// Whom to ask: on a connection that there is, or on one for the purpose.
    private enum Candidate {
        case connected(Connection)
        case endpoint(Endpoint)
    }

    /// After how many answers none of which can be trusted the best of them is taken.
    private static let maximumAnswers = 5

    /// Asks three nodes at a time, as some may be away, until one gives an answer that can be trusted.
    private func askAround() async -> StorageError? {
        let (known, epoch) = self.state.withLock { ($0.topology?.nodes ?? [], $0.topology?.epoch) }
        var candidates = self.candidates(known)[...]
        var failure = StorageError(.unavailable, "no node of the cluster is known")
        var answers: [Topology] = []
        while !candidates.isEmpty, answers.count < Self.maximumAnswers, !self.isClosed {
            let some = Array(candidates.prefix(3))
            candidates = candidates.dropFirst(3)
            let answer = await withTaskGroup(of: Result<Topology, StorageError>.self) { group in
                for candidate in some { group.addTask { await self.ask(candidate) } }
                for await result in group {
                    switch result {
                    case .success(let topology) where topology.isTrustworthy(after: epoch):
                        group.cancelAll()
                        return topology as Topology?
                    case .success(let topology):
                        answers.append(topology)
                    case .failure(let error):
                        if error.code != .cancelled { failure = error }
                    }
                }
                return nil
            }
            if let answer {
                self.apply(answer)
                return nil
            }
        }
        guard let best = answers.max(by: { $1.isBetter(than: $0) }) else { return failure }
        // What is known is better than the word of nodes that serve nobody and have heard less.
        let isKept = self.state.withLock { $0.topology.map { !best.isServing && $0.isBetter(than: best) } ?? false }
        if !isKept { self.apply(best) }
        return nil
    }

    /// Returns the nodes in the order in which they are asked: first where a connection is, last once more those, by a new
    /// one.
    private func candidates(_ known: Set<Endpoint>) -> [Candidate] {
        let clients = self.state.withLock { Array($0.nodes) + Array($0.replicas) }
        let connected = clients.filter { known.contains($0.key) && $0.value.first.isConnected }.shuffled()
        let others = known.filter { node in !connected.contains { $0.key == node } }.shuffled()
        return connected.map { .connected($0.value.first) }
            + (others + self.seeds.filter { !known.contains($0) } + connected.map(\.key)).map { .endpoint($0) }
    }

    private func ask(_ candidate: Candidate) async -> Result<Topology, StorageError> {
        var options = self.options
        options.connectTimeout = min(options.connectTimeout, .seconds(2))
        options.commandTimeout = min(options.commandTimeout, .seconds(2))
        do throws(StorageError) {
            let connection: Connection
            switch candidate {
            case .connected(let known):
                connection = known
            case .endpoint(let endpoint):
                options.endpoint = endpoint
                // Letting go of the connection ends it.
                connection = try Connection(options)
            }
            let until = RedisPlatform.now.advanced(by: options.commandTimeout)
            let topology = try await Self.askForSlots(connection, until: until)
            return .success(topology)
        } catch {
            return .failure((error.underlying as? Unsent)?.reason ?? error)
        }
    }

    static func askForSlots(
        _ connection: Connection,
        until: Instant? = nil
    ) async throws(StorageError) -> Topology {
        let reply = try await connection.send(
            replies: 2, collects: true, isRepeatable: true, until: until
        ) { writer in
            writer.encoded("*2\r\n$7\r\nCLUSTER\r\n$5\r\nSLOTS\r\n*2\r\n$7\r\nCLUSTER\r\n$4\r\nINFO\r\n")
        }
        let answers = try reply.elements(count: 2, nil)
        if case .error(let error) = answers[0], error.description.contains("cluster support disabled") {
            let place = connection.endpoint
            throw StorageError(
                .invalidOption,
                "\(place) is no cluster; use redis:// instead of redis-cluster://, or rediss:// over TLS")
        }
        var topology = try Topology(answers[0], asked: connection.endpoint)
        // A user may not be allowed to ask for it.
        if case .bytes(let info) = answers[1] { topology.note(info: String(decoding: info, as: UTF8.self)) }
        return topology
    }
}
