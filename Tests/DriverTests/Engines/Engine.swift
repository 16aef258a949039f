import Foundation
import KVStorage
import KVStorageLMDB
import KVStorageSQLite
import KVStorageTesting
import Testing

/// A driver with a commit queue of its own; what is promised of all of them is tried with each.
struct Engine: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Opens the store at the path.
    let open: @Sendable (_ path: String, _ clock: any StorageClock) throws -> any StorageDriver
    /// How many items are stored, expired ones included.
    let storedCount: @Sendable (_ path: String, _ driver: any StorageDriver) async throws -> Int
    /// A number that is another one after each commit that has written something.
    let commitMark: @Sendable (_ path: String, _ driver: any StorageDriver) throws -> Int

    static let all: [Engine] = [
        .sqlite(.powerLoss), .sqlite(.processCrash), .lmdb(.powerLoss), .lmdb(.unflushed),
    ]

    static func sqlite(_ durability: SQLiteDriver.Configuration.Durability) -> Engine {
        Engine(
            testDescription: "SQLite, \(durability)",
            open: { path, clock in
                try SQLiteDriver(
                    path: path,
                    configuration: configuration {
                        $0.clock = clock
                        $0.durability = durability
                    }
                )
            },
            storedCount: { path, _ in
                try Int(RawDatabase(path).run("SELECT count(*) FROM kvstorage")[0]) ?? -1
            },
            // What the log has in it; its size stays when it begins anew.
            commitMark: { path, _ in Array(try Data(contentsOf: URL(fileURLWithPath: path + "-wal"))).hashValue }
        )
    }

    static func lmdb(_ durability: LMDBDriver.Configuration.Durability) -> Engine {
        Engine(
            testDescription: "LMDB, \(durability)",
            open: { path, clock in
                try LMDBDriver(
                    path: path,
                    configuration: lmdbConfiguration {
                        $0.clock = clock
                        $0.durability = durability
                        $0.initialSize = 64 << 10
                    }
                )
            },
            storedCount: { _, driver in try await #require(driver as? LMDBDriver).storedCounts()[0] },
            commitMark: { _, driver in try #require(driver as? LMDBDriver).lastTransaction() }
        )
    }
}
