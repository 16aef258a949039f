import KVStorage
import KVStorageLMDB
import KVStorageTesting

/// Records that other programs put into the database: keys that are not UTF-8, or not normal.
enum LMDBForeignKeys {
    private static let keys: [[UInt8]] = [
        // "k" and a byte that is no UTF-8, twice, which look the same once they are repaired.
        [0x6B, 0xFF, 0x31], [0x6B, 0xFF, 0x32], [0xFF], [0x75, 0x73, 0x65, 0x72, 0x73, 0x3A, 0xC3],
        [0x7A, 0x7A, 0xED, 0xA0, 0x80],
        bytes("a//b"), bytes("k:"), bytes(":a"), bytes("users::a"), bytes("what?x"), bytes("back\\slash"), bytes("a/b"),
        bytes("meta$"), bytes("nul\0x"), bytes("own:"),
    ]

    /// A record of format 1 without flags: modified, then the value.
    private static let record: [UInt8] = [1, 0, 1, 0, 0, 0, 0, 0, 0, 0] + bytes("v")

    static func plant(in path: String, _ databaseName: String) async throws -> PlantedNames {
        let environment = try RawEnvironment(path)
        for key in self.keys { try environment.put(key, self.record, in: databaseName) }
        return PlantedNames {
            let environment = try RawEnvironment(path)
            return try self.keys.count { try environment.has($0, in: databaseName) }
        }
    }

    /// How many records there are, those of expired items included.
    static func itemCount(_ driver: any StorageDriver) async throws -> Int {
        guard let driver = driver as? LMDBDriver else { return 0 }
        return try await driver.storedCounts()[0]
    }
}
