import KVStorage
import Synchronization

/// Calls on one slot: they follow it from node to node until one answers, or their time is over.
extension Cluster {
    func send(
        _ key: String,
        _ replies: Replies,
        isRepeatable: Bool,
        _ encode: Encode
    ) async throws(StorageError) -> Reply {
        try self.begin()
        defer { self.end() }
        var call = ClusterCall(self.keys.slot(of: key), isRepeatable: isRepeatable, RetryBudget(self.options))
        guard case .each(let count) = replies else {
            return try await self.settle(&call, replies.count, nil, encode)
        }
        return try await self.settleEach(&call, count, encode)
    }

    /// Sends a command until a node has answered it or its time is over.
    ///
    /// - Parameter retryReason: What came of an attempt that was made already.
    func settle(
        _ call: inout ClusterCall,
        _ replies: Int,
        _ retryReason: RetryReason?,
        _ encode: Encode
    ) async throws(StorageError) -> Reply {
        var retryReason = retryReason
        while true {
            if let retryReason { try await self.overcome(retryReason, &call) }
            let asks = retryReason?.asks
            var outcome: Attempt
            let place: Endpoint?
            if let asks {
                place = asks
                // The slot is on its way there; without this word the node would send us back.
                outcome = try await self.attempt(call, at: asks, replies: replies + 1) { writer in
                    writer.encoded("*1\r\n$6\r\nASKING\r\n")
                    encode(&writer)
                }
            } else if let endpoint = try await self.master(&call) {
                place = endpoint
                outcome = try await self.attempt(call, at: endpoint, replies: replies, encode)
            } else {
                place = nil
                outcome = .failed(.unserved)
            }
            if case .failed(.redirected(.later, let error)) = outcome, error.code == "TRYAGAIN", let place,
                let split = SplitCall(encode)
            {
                let attempt = try await self.attempt(split, call, at: place, isTarget: asks != nil)
                if let attempt { outcome = attempt }
            }
            switch outcome {
            case .answered(let reply): return reply
            case .failed(let next): retryReason = next
            }
        }
    }

    /// Sends commands that do not depend on each other; each follows its slot by itself.
    private func settleEach(
        _ call: inout ClusterCall,
        _ count: Int,
        _ encode: Encode
    ) async throws(StorageError) -> Reply {
        while true {
            let retryReason: RetryReason
            if let endpoint = try await self.master(&call) {
                switch try await self.attempt(call, at: endpoint, replies: count, collects: true, encode) {
                case .answered(let reply):
                    var writer = CommandWriter()
                    encode(&writer)
                    let commands = writer.commands
                    var answers = try reply.elements(count: count, nil)
                    for index in answers.indices {
                        guard let retryReason = RetryReason(answers[index], from: endpoint) else { continue }
                        let command = commands[index]
                        answers[index] = try await self.settle(&call, 1, retryReason) { $0.bytes += command }
                    }
                    return Reply.summary(of: answers)
                case .failed(let failure):
                    retryReason = failure
                }
            } else {
                retryReason = .unserved
            }
            try await self.overcome(retryReason, &call)
        }
    }

    /// Sends once.
    func attempt(
        _ call: ClusterCall,
        at endpoint: Endpoint,
        replies: Int,
        collects: Bool = false,
        _ encode: Encode
    ) async throws(StorageError) -> Attempt {
        let connection = try self.node(at: endpoint).next
        let result: Result<Reply, StorageError>
        do {
            let reply = try await connection.send(
                replies: replies, collects: collects, isRepeatable: call.isRepeatable, isSuspect: call.isSuspect,
                until: call.retryBudget.until, encode)
            result = .success(reply)
        } catch {
            result = .failure(error)
        }
        return try self.attempt(result, at: endpoint).get()
    }

    /// Returns what came of sending once, given what the connection says.
    func attempt(
        _ result: Result<Reply, StorageError>,
        at endpoint: Endpoint
    ) -> Result<Attempt, StorageError> {
        switch result {
        case .success(let reply):
            return .success(RetryReason(reply, from: endpoint).map(Attempt.failed) ?? .answered(reply))
        case .failure(let error):
            if let unsent = error.underlying as? Unsent {
                return .success(.failed(.unsent(unsent.reason, endpoint, isSuspect: unsent.isSuspect)))
            }
            if error.code == .closed {
                return .success(.failed(.unsent(Self.departed(endpoint), endpoint, isSuspect: false)))
            }
            switch error.code {
            case .connectionLost, .timeout, .unavailable: self.refreshSoon()
            default: break
            }
            return .failure(error)
        }
    }

    /// For a node whose connections were closed during a call: the cluster is not closed then.
    static func departed(_ endpoint: Endpoint) -> StorageError {
        StorageError(.unavailable, "\(endpoint) is none of the cluster's masters any more; nothing was changed")
    }

    /// Does what has to be done before the next attempt.
    private func overcome(_ retryReason: RetryReason, _ call: inout ClusterCall) async throws(StorageError) {
        let error = retryReason.error(slot: call.slot)
        switch retryReason {
        case .redirected(.moved(let slot, let endpoint), _):
            self.note(slot, endpoint)
            self.refreshSoon()
            if !call.retryBudget.allowsImmediateAttempt() { try await call.retryBudget.wait(error) }
        case .redirected(.ask, _):
            if !call.retryBudget.allowsImmediateAttempt() { try await call.retryBudget.wait(error) }
        case .redirected(.later, _):
            self.refreshSoon()
            try await call.retryBudget.wait(error)
        case .unsent(let reason, let endpoint, _) where reason.code == .permissionDenied:
            // A node that has no trust in us, or we in it, will have none later. But another may be in its place by now.
            try await self.refresh(&call.retryBudget, error)
            let (failure, owner) = self.state.withLock { ($0.refreshFailure, $0.topology?.master(of: call.slot)) }
            if let failure, failure.code == .permissionDenied { throw failure }
            guard owner != endpoint else { throw reason }
        case .unsent(let reason, let endpoint, let isSuspect):
            if isSuspect { try call.countBreak(reason) }
            // Another may have been found to be the slot's master meanwhile.
            let slot = call.slot
            let owner = self.state.withLock { $0.topology?.master(of: slot) }
            if let owner, owner != endpoint, call.retryBudget.allowsImmediateAttempt() { return }
            self.refreshSoon()
            try await call.retryBudget.wait(error)
            try self.checkPermission()
        case .unserved:
            self.refreshSoon()
            try await call.retryBudget.wait(error)
            try self.checkPermission()
        }
    }

    /// Throws if no node lets us in.
    private func checkPermission() throws(StorageError) {
        let failure = self.state.withLock { $0.refreshFailure }
        if let failure, failure.code == .permissionDenied { throw failure }
    }

    /// Returns the master of the call's slot, if it has one.
    private func master(_ call: inout ClusterCall) async throws(StorageError) -> Endpoint? {
        let slot = call.slot
        let known = self.state.withLock { state in state.topology.map { $0.master(of: slot) } }
        if let known { return known }
        return try await self.topology(&call.retryBudget).master(of: slot)
    }
}
