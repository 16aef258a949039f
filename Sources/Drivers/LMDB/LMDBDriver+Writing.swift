package import KVStorage

// The writing calls are those of a driver with a commit queue.
extension LMDBDriver: CommittingDriver {
    package static let engine = "LMDB"

    package func requireLength(of key: String) throws(StorageError) { try self.store.checkLength(of: key) }

    package func write(
        _ operation: WriteOperation,
        _ key: String?
    ) async throws(StorageError) -> WriteOperation.Answer {
        if let key { try self.store.checkLength(of: key) }
        do throws(StorageError) {
            let answer = try await self.store.write(operation)
            if let deadline = answer.deadline { self.sweeper.schedule(deadline) }
            return answer
        } catch {
            throw error.naming(error.key ?? key)
        }
    }
}
