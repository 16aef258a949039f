import KVStorage

extension SQLiteDriver {
    /// Looks whether the file is still the one that was opened and has reads and writes refused while it is not.
    static func look(_ readers: ReaderPool, _ fileGuard: FileGuard) async {
        // SQLite knows its own file; where it can't be asked, as nothing may be read, the path alone says it.
        let hasMoved = fileGuard.error == nil ? try? await readers.read { reader in reader.hasMoved } : false
        fileGuard.look(hasMoved: hasMoved ?? false)
        readers.refuse(fileGuard.error)
    }

    /// Removes what has expired and returns when to look again.
    static func sweep(
        _ now: Timestamp,
        _ queue: Writer.Queue,
        _ readers: ReaderPool
    ) async -> Timestamp? {
        await ExpirySweeper.removeExpired(by: now) { () throws(StorageError) in
            try await readers.read { reader throws(StorageError) in try reader.earliestDeadline() }
        } remove: { operation throws(StorageError) in
            try await queue.submit(operation)
        }
    }
}
