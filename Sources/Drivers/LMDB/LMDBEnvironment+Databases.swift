import CKVStorageLMDB
import KVStorage
import Synchronization

/// The handles of a driver's databases; LMDB keeps them for as long as the environment is open.
struct LMDBDatabases: Sendable {
    /// Keys and records.
    let items: MDB_dbi
    /// Deadlines and, as their values, the keys of the items that expire then.
    let deadlines: MDB_dbi
}

extension LMDBEnvironment {
    // A driver's name holds no colon, so none can be in the way of another.
    private static let formats = "kvstorage:formats"
    private static let format: UInt32 = 1

    /// Opens the databases of that name, and makes them if they are missing; returns the earliest deadline, too.
    func open(_ name: String) throws(StorageError) -> (databases: LMDBDatabases, earliest: Timestamp?) {
        try self.writing.withLock { _ throws(StorageError) in
            let (databases, earliest) = try self.transactGrowing(byteCount: 0) { transaction throws(StorageError) in
                let databases =
                    if let open = self.databases[name] { open } else { try Self.open(name, in: transaction) }
                return (databases, try transaction.earliestDeadline(in: databases))
            }
            self.databases[name] = databases
            return (databases, earliest)
        }
    }

    private static func open(_ name: String, in transaction: LMDBTransaction) throws(StorageError) -> LMDBDatabases {
        if let format = try self.format(of: name, in: transaction) {
            guard format <= Self.format else {
                throw StorageError(
                    .incompatibleFormat,
                    "the database \"\(name)\" has format \(format), this version knows up to \(Self.format); update it"
                )
            }
            guard format > 0, let items = try transaction.openDatabase(name),
                let deadlines = try transaction.openDatabase(self.deadlines(name), MDB_DUPSORT),
                try transaction.flags(of: deadlines) & MDB_DUPSORT != 0, try transaction.flags(of: items) == 0
            else {
                throw StorageError(.corrupted, "the database \"\(name)\" is not whole; restore it from a backup")
            }
            return LMDBDatabases(items: items, deadlines: deadlines)
        }
        guard try transaction.openDatabase(name) == nil else {
            throw StorageError(
                .incompatibleFormat,
                "the environment has a database \"\(name)\" of another program; choose another databaseName"
            )
        }
        let formats = try transaction.makeDatabase(self.formats)
        let databases = LMDBDatabases(
            items: try transaction.makeDatabase(name),
            deadlines: try transaction.makeDatabase(self.deadlines(name), MDB_DUPSORT)
        )
        try name.withBytes { name throws(StorageError) in
            try transaction.put(name, into: formats, byteCount: 4) { buffer in
                buffer.storeBytes(of: self.format.littleEndian, as: UInt32.self)
            }
        }
        return databases
    }

    private static func deadlines(_ name: String) -> String { name + ":deadlines" }

    /// Returns the format of the driver's database of that name, or `nil` if there is none.
    private static func format(of name: String, in transaction: LMDBTransaction) throws(StorageError) -> UInt32? {
        guard let formats = try transaction.openDatabase(self.formats) else {
            // An application that keeps its items beside the names of databases would meet ours among them.
            guard let names = try transaction.openDatabase(nil), try transaction.count(of: names) == 0 else {
                throw StorageError(
                    .incompatibleFormat,
                    "the environment belongs to another program; it was left untouched, choose another path"
                )
            }
            return nil
        }
        return try name.withBytes { name throws(StorageError) in
            guard let stored = try transaction.get(name, from: formats) else { return nil }
            return stored.count == 4 ? UInt32(littleEndian: stored.loadUnaligned(as: UInt32.self)) : 0
        }
    }
}

extension LMDBTransaction {
    func earliestDeadline(in databases: LMDBDatabases) throws(StorageError) -> Timestamp? {
        try self.withCursor(on: databases.deadlines) { cursor throws(StorageError) in
            guard let first = try cursor.first() else { return nil }
            return try LMDBDeadlineKey.deadline(first.key)
        }
    }
}
