import CKVStorageLMDB
import Dispatch
import KVStorage
import Synchronization

/// The handles of a driver's databases; LMDB keeps them for as long as the environment is open.
struct Databases: Sendable {
    /// Keys and records.
    let items: MDB_dbi
    /// Deadlines and, as their values, the keys of the items that expire then.
    let deadlines: MDB_dbi
}

extension Environment {
    // A driver's name holds no colon, so none can be in the way of another.
    static let formats = "kvstorage:formats"
    private static let format: UInt32 = 1

    /// What opening the databases of a name has found.
    struct Opened: Sendable {
        let databases: Databases
        let earliest: Timestamp?
    }

    /// Opens the databases of that name, and makes them if they are missing. Blocks while another process writes, no
    /// longer than ``busyTimeout``.
    func open(_ name: String) throws(StorageError) -> Opened {
        if self.isReadOnly { return try self.openReading(name) }
        let call = TimedCall<Opened>()
        // On a thread that may be left waiting.
        DispatchQueue(label: "KVStorageLMDB.opener").async {
            call.finish(with: Result { () throws(StorageError) in try self.openWriting(name, call) })
        }
        return try call.wait(
            self.busyTimeout,
            StorageError(
                .unavailable,
                "another process has held the environment's lock for writing for longer than busyTimeout; try again"
            )
        )
    }

    private func openWriting(_ name: String, _ call: TimedCall<Opened>) throws(StorageError) -> Opened {
        try self.writing.withLock { _ throws(StorageError) in
            let opened = try self.transactGrowing { transaction throws(StorageError) in
                try call.claim()
                self.lock?.understand()
                if self.reserve == nil { self.reserve = Reserve(transaction, of: self.handle) }
                let databases =
                    if let open = self.databases[name] { open } else { try Self.open(name, in: transaction) }
                return Opened(databases: databases, earliest: try transaction.earliestDeadline(in: databases))
            }
            self.databases[name] = opened.databases
            return opened
        }
    }

    private func openReading(_ name: String) throws(StorageError) -> Opened {
        try self.writing.withLock { _ throws(StorageError) in
            try self.requireMap()
            var begun: OpaquePointer?
            var code = mdb_txn_begin(self.handle, nil, UInt32(MDB_RDONLY), &begun)
            if code == MDB_MAP_RESIZED {
                try self.adoptMapSize()
                code = mdb_txn_begin(self.handle, nil, UInt32(MDB_RDONLY), &begun)
            }
            try Transaction.check(code)
            guard let begun else { throw StorageError(lmdb: LMDBPlatform.invalidArgument) }
            let opened: Opened
            do throws(StorageError) {
                let transaction = Transaction(handle: begun)
                var found = self.databases[name]
                if found == nil { found = try Self.openIfThere(name, in: transaction) }
                guard let databases = found else {
                    throw StorageError(
                        .invalidOption,
                        "the environment has no database \"\(name)\", and readOnly makes none; open it for writing once"
                    )
                }
                opened = Opened(databases: databases, earliest: try transaction.earliestDeadline(in: databases))
            } catch {
                mdb_txn_abort(begun)
                throw error
            }
            // Handles that were opened in a transaction stay only if it is committed.
            try Transaction.check(mdb_txn_commit(begun))
            self.databases[name] = opened.databases
            return opened
        }
    }

    private static func openIfThere(
        _ name: String,
        in transaction: Transaction
    ) throws(StorageError) -> Databases? {
        guard let format = try self.format(of: name, in: transaction) else { return nil }
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
        return Databases(items: items, deadlines: deadlines)
    }

    private static func open(_ name: String, in transaction: Transaction) throws(StorageError) -> Databases {
        if let databases = try self.openIfThere(name, in: transaction) { return databases }
        guard try transaction.openDatabase(name) == nil else {
            throw StorageError(
                .incompatibleFormat,
                "the environment has a database \"\(name)\" of another program; choose another databaseName"
            )
        }
        let formats = try transaction.makeDatabase(self.formats)
        let databases = Databases(
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

    static func deadlines(_ name: String) -> String { name + ":deadlines" }

    /// Returns the format of the driver's database of that name, or `nil` if there is none.
    private static func format(of name: String, in transaction: Transaction) throws(StorageError) -> UInt32? {
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

extension Transaction {
    func earliestDeadline(in databases: Databases) throws(StorageError) -> Timestamp? {
        try self.withCursor(on: databases.deadlines) { cursor throws(StorageError) in
            guard let first = try cursor.first() else { return nil }
            return try DeadlineKey.deadline(first.key)
        }
    }
}
