import KVStorage
import Synchronization

/// Scripts on an item and its metadata while their slot is on its way.
extension Cluster {
    /// Sends a script that was refused as its two keys are not on one node in a form that names one, and returns what came of
    /// it; `nil` if it has to wait until the keys are together.
    ///
    /// Items move in one direction only, and nothing comes into being at the node that they leave. So what is not there, and
    /// then not at the other node, is nowhere; and what was found to be nowhere is made by nobody while its item stays.
    ///
    /// - Parameter isTarget: Whether the node is the one that the slot goes to, after the other had neither key.
    func attempt(
        _ split: SplitCall,
        _ call: ClusterCall,
        at endpoint: Endpoint,
        isTarget: Bool
    ) async throws(StorageError) -> Attempt? {
        let question = ClusterCall(call.slot, isRepeatable: true, call.retryBudget)
        if isTarget {
            return try await self.attempt(split, .reachable, call, at: endpoint)
        }
        return try await self.attemptWithoutMetadata(split, call, question, at: endpoint)
    }

    /// Sends a script to the node that the slot goes to.
    private func attempt(
        _ split: SplitCall,
        _ place: SplitCall.Metadata,
        _ call: ClusterCall,
        at target: Endpoint
    ) async throws(StorageError) -> Attempt {
        try await self.attempt(call, at: target, replies: 2) { writer in
            writer.encoded("*1\r\n$6\r\nASKING\r\n")
            split.write(place, to: &writer)
        }
    }

    /// Sends a script to the node that the slot leaves, if the metadata is nowhere.
    private func attemptWithoutMetadata(
        _ split: SplitCall,
        _ call: ClusterCall,
        _ question: ClusterCall,
        at endpoint: Endpoint
    ) async throws(StorageError) -> Attempt? {
        guard !split.createsMetadata else { return nil }
        let encode: Encode = { writer in
            writer.encoded("*2\r\n$6\r\nEXISTS\r\n")
            writer.word(split.metadata)
        }
        let first = try await self.attempt(question, at: endpoint, replies: 1, encode)
        guard case .failed(.redirected(.ask(let target), _)) = first else { return nil }
        let second = try await self.attempt(question, at: target, replies: 2) { writer in
            writer.encoded("*1\r\n$6\r\nASKING\r\n")
            encode(&writer)
        }
        guard case .answered(.integer(0)) = second else { return nil }
        return try await self.attempt(call, at: endpoint, replies: 1) { split.write(.absent, to: &$0) }
    }
}
