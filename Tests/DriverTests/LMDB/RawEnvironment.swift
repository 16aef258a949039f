import CKVStorageLMDB

/// An environment as another program has it; never on files that a driver has open in this process.
final class RawEnvironment {
    struct Failure: Error {
        let code: Int32
    }

    let handle: OpaquePointer

    init(_ path: String, mapSize: Int = 16 << 20, maximumReaders: UInt32 = 126) throws {
        var created: OpaquePointer?
        try Self.check(mdb_env_create(&created))
        guard let created else { throw Failure(code: -1) }
        self.handle = created
        try Self.check(mdb_env_set_mapsize(created, mapSize))
        try Self.check(mdb_env_set_maxdbs(created, 16))
        try Self.check(mdb_env_set_maxreaders(created, maximumReaders))
        try Self.check(mdb_env_open(created, path, UInt32(MDB_NOTLS), 0o644))
    }

    deinit { mdb_env_close(self.handle) }

    /// Stores a value in a named database, or in the one that holds their names.
    func put(_ key: [UInt8], _ value: [UInt8], in name: String?) throws {
        try self.write { transaction in
            var database: MDB_dbi = 0
            try Self.check(mdb_dbi_open(transaction, name, UInt32(MDB_CREATE), &database))
            var key = key
            var value = value
            try key.withUnsafeMutableBytes { key in
                try value.withUnsafeMutableBytes { value in
                    var keyValue = MDB_val(mv_size: key.count, mv_data: key.baseAddress)
                    var dataValue = MDB_val(mv_size: value.count, mv_data: value.baseAddress)
                    try Self.check(mdb_put(transaction, database, &keyValue, &dataValue, 0))
                }
            }
        }
    }

    /// Returns whether a named database holds the key.
    func has(_ key: [UInt8], in name: String?) throws -> Bool {
        var code = MDB_SUCCESS
        try self.write { transaction in
            var database: MDB_dbi = 0
            try Self.check(mdb_dbi_open(transaction, name, 0, &database))
            var key = key
            key.withUnsafeMutableBytes { key in
                var keyValue = MDB_val(mv_size: key.count, mv_data: key.baseAddress)
                var dataValue = MDB_val()
                code = mdb_get(transaction, database, &keyValue, &dataValue)
            }
        }
        if code != MDB_NOTFOUND { try Self.check(code) }
        return code == MDB_SUCCESS
    }

    func delete(_ key: [UInt8], in name: String?) throws {
        try self.write { transaction in
            var database: MDB_dbi = 0
            try Self.check(mdb_dbi_open(transaction, name, 0, &database))
            var key = key
            try key.withUnsafeMutableBytes { key in
                var keyValue = MDB_val(mv_size: key.count, mv_data: key.baseAddress)
                try Self.check(mdb_del(transaction, database, &keyValue, nil))
            }
        }
    }

    private func write(_ body: (OpaquePointer?) throws -> Void) throws {
        var transaction: OpaquePointer?
        try Self.check(mdb_txn_begin(self.handle, nil, 0, &transaction))
        do {
            try body(transaction)
        } catch {
            mdb_txn_abort(transaction)
            throw error
        }
        try Self.check(mdb_txn_commit(transaction))
    }

    private static func check(_ code: Int32) throws {
        guard code == MDB_SUCCESS else { throw Failure(code: code) }
    }
}
