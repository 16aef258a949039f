import CKVStorageLMDB
import KVStorage
import KVStorageTesting
import Testing

@testable import KVStorageLMDB

func lmdbConfiguration(_ change: (inout LMDBDriver.Configuration) -> Void) -> LMDBDriver.Configuration {
    var configuration = LMDBDriver.Configuration()
    change(&configuration)
    return configuration
}

/// Returns the error that opening throws, or `nil` if it succeeds.
func lmdbOpeningError(
    _ path: String,
    _ change: (inout LMDBDriver.Configuration) -> Void = { _ in }
) -> StorageError? {
    do throws(StorageError) {
        _ = try LMDBDriver(path: path, configuration: lmdbConfiguration(change))
        return nil
    } catch {
        return error
    }
}

extension LMDBDriver {
    /// How many items and how many deadlines are stored, expired ones included.
    func storedCounts() async throws -> [Int] {
        let databases = self.store.databases
        return try await self.store.read { transaction throws(StorageError) in
            [try transaction.count(of: databases.items), try transaction.count(of: databases.deadlines)]
        }
    }
}

extension LMDBDriver {
    /// How many readers the environment's table names, those of all processes and of dead ones.
    func readerCount() throws -> Int { try self.readers().count }

    /// The processes whose readers the environment's table names.
    func readers() throws -> [Int32] {
        var lines: [String] = []
        try withUnsafeMutablePointer(to: &lines) { pointer in
            let code = mdb_reader_list(
                self.store.environment.handle,
                { text, context in
                    guard let text, let context else { return -1 }
                    context.assumingMemoryBound(to: [String].self).pointee.append(String(cString: text))
                    return 0
                },
                pointer
            )
            guard code >= 0 else { throw StorageError(lmdb: code) }
        }
        // A heading in front, or the words "(no active readers)" alone; then the process first in each line.
        return lines.dropFirst().compactMap { line in
            line.split(separator: " ").first.flatMap { Int32($0) }
        }
    }
}

extension LMDBDriver {
    /// The number of the last transaction that has written something.
    func lastTransaction() throws -> Int {
        var information = MDB_envinfo()
        let code = mdb_env_info(self.store.environment.handle, &information)
        guard code == 0 else { throw StorageError(lmdb: code) }
        return information.me_last_txnid
    }
}
