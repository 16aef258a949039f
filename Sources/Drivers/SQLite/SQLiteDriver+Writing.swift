package import KVStorage

// The writing calls are those of a driver with a commit queue.
extension SQLiteDriver: CommittingDriver {
    package static let engine = "SQLite"

    package func write(
        _ operation: WriteOperation,
        _ key: String?
    ) async throws(StorageError) -> WriteOperation.Answer {
        guard let queue = self.queue else {
            try self.readers.requireOpen()
            throw StorageError(.readOnly, "the driver was opened with readOnly and writes nothing", key: key)
        }
        do throws(StorageError) {
            let answer = try await queue.submit(operation)
            if let deadline = answer.deadline { self.sweeper.schedule(deadline) }
            return answer
        } catch {
            throw error.naming(error.key ?? key)
        }
    }
}
