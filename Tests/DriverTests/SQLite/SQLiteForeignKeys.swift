import KVStorageTesting

/// Rows that other programs put into the table: keys that are not UTF-8, no text at all, or not normal.
enum SQLiteForeignKeys {
    /// What SQL makes each key from, and what `typeof` and `hex` tell of it.
    private static let keys: [(expression: String, identity: String)] = {
        let texts = Self.texts.map { ("CAST(x'\(Self.hex($0))' AS TEXT)", "text\(Self.hex($0))") }
        let blobs = Self.blobs.map { ("x'\(Self.hex($0))'", "blob\(Self.hex($0))") }
        return texts + blobs
    }()

    private static let texts: [[UInt8]] = [
        // "k" and a byte that is no UTF-8, twice, which look the same once they are repaired.
        [0x6B, 0xFF, 0x31], [0x6B, 0xFF, 0x32], [0xFF], [0x75, 0x73, 0x65, 0x72, 0x73, 0x3A, 0xC3],
        [0x7A, 0x7A, 0xED, 0xA0, 0x80], bytes("a//b"), bytes("k:"), bytes(":a"), bytes("users::a"), bytes("what?x"),
        bytes("back\\slash"), bytes("a/b"), bytes("meta$"), bytes("nul\0x"), bytes("own:"), [],
    ]

    private static let blobs: [[UInt8]] = [bytes("own"), bytes("blob"), [0, 1]]

    static func plant(in folder: TemporaryFolder) async throws -> PlantedNames {
        let path = folder.file("store.db")
        let database = try RawDatabase(path)
        for (expression, _) in self.keys {
            try database.run(
                "INSERT INTO kvstorage (key, created, modified, value) VALUES (\(expression), 1, 1, x'76')")
        }
        return PlantedNames {
            let identities = self.keys.map { "'\($0.identity)'" }.joined(separator: ", ")
            let query = "SELECT count(*) FROM kvstorage WHERE typeof(key) || hex(key) IN (\(identities))"
            let rows = try RawDatabase(path).run(query)
            return rows.first.flatMap { Int($0) } ?? 0
        }
    }

    /// How many rows there are, those of expired items included.
    static func itemCount(in folder: TemporaryFolder) async throws -> Int {
        let rows = try RawDatabase(folder.file("store.db")).run("SELECT count(*) FROM kvstorage")
        return rows.first.flatMap { Int($0) } ?? 0
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16, uppercase: true) + String($0 & 15, radix: 16, uppercase: true) }.joined()
    }
}
