public import KVStorage

extension SQLiteDriver {
    /// How a ``SQLiteDriver`` keeps its items; the defaults suit a server whose data must not be lost.
    ///
    /// What can't be chosen: the database is in WAL mode (`journal_mode`; it stays so), a log that has grown beyond 64 MiB
    /// is cut back (`journal_size_limit`), and a database that the driver creates has pages of 8 KiB (`page_size`), as with SQLite's 4 KiB a value of 1 KiB would
    /// spill into pages of its own. A database that was there before keeps its page size.
    public struct Configuration: Sendable {
        /// What an acknowledged write survives; the same three cases as those of LMDB.
        public enum Durability: Sendable, Hashable {
            /// Power loss: every commit flushes the log. Commits run on a thread of the driver's own
            /// (`PRAGMA synchronous = FULL`).
            case powerLoss
            /// The end of the process by any means. Power loss may undo the last writes, but damages nothing. Only
            /// checkpoints flush; commits run on the caller's thread (`PRAGMA synchronous = NORMAL`).
            case processCrash
            /// The end of the process by any means. Power loss may undo writes and damage the database as a whole. Nothing
            /// flushes; commits run on the caller's thread (`PRAGMA synchronous = OFF`).
            case unflushed
        }

        /// The name of the table, `"kvstorage"` by default.
        ///
        /// Letters, digits and underscores of ASCII, no digit in front, at most 64. The prefixes `sqlite_` and
        /// `kvstorage_` are reserved. With different names several drivers, or an application's own tables, share a file.
        public var tableName = "kvstorage"

        /// What an acknowledged write survives; ``Durability/powerLoss`` by default.
        public var durability: Durability = .powerLoss

        /// Whether writes are refused, `false` by default; then the database has to be there.
        ///
        /// SQLite needs write permission in the folder even so, unless another process has the database open: readers of a
        /// database in WAL mode share a small file. A transaction that another program was killed in is rolled back first
        /// if the file may be written, else `StorageError.Code.readOnly` is thrown. On a medium that is itself read-only
        /// (a file system on a disk or in memory that is mounted so as a whole, not a read-only view of one that others
        /// write) no shared file is needed: the database is opened as `immutable`, if no log lies beside it. It must not be
        /// made writable while it is open.
        public var readOnly = false

        /// Whether the database is this process's alone, `false` by default.
        ///
        /// Makes small reads faster, as no lock has to be asked of the operating system (VFS `unix-excl`). Other
        /// processes that open it, and this one if another has it, get `StorageError.Code.unavailable`. Several drivers in
        /// one process may share the file if all are exclusive. Not to be combined with ``readOnly``.
        public var exclusive = false

        /// How long to wait for another process's lock, five seconds by default, before
        /// `StorageError.Code.unavailable` is thrown. No thread of the cooperative pool waits. A write that comes while
        /// others wait for the lock can take twice as long.
        public var busyTimeout: Duration = .seconds(5)

        /// The most memory that each connection keeps pages in: `PRAGMA cache_size`. By default `nil`: 64 MiB, and 128 MiB
        /// with ``exclusive``.
        ///
        /// It is taken as pages are read. There are one connection that writes and up to ``maximumReaders`` that read;
        /// the one used last is used again first, so that a quiet server fills one cache. A busy one can fill them all: by
        /// default up to 9 × 64 MiB on a machine of eight processors.
        public var cacheBytes: Int?

        /// How much of the database is mapped into memory, 0 (nothing) by default: `PRAGMA mmap_size`.
        ///
        /// Mapping saves a copy per page that is not cached. It is off because an I/O error, or another program that
        /// cuts the file, then ends the process by a signal instead of an error.
        public var memoryMapBytes = 0

        /// The most connections that read at the same time, at least one; by default `nil`: one per processor and one more, at
        /// most 8.
        public var maximumReaders: Int?

        /// With how many pages the log is copied into the database, 4,000 by default (32 MiB of 8 KiB each); SQLite's own
        /// default, `wal_autocheckpoint`, is 1,000.
        ///
        /// The larger it is, the less is written twice, as a page that was written several times is copied once; beyond
        /// 4,000 readers have to look into more than one hash table of the log's index. Where less of the disk is free than
        /// the log takes, the log is copied earlier, so that the disk has room for the copy.
        public var checkpointPages = 4000

        /// How much room is kept on the disk for removing items when it is full otherwise, 1 MiB by default; 0: none.
        ///
        /// It is a file named like the database with `-reserve` at the end, there while the database is open, and
        /// afterwards if less than 64 times as much of the disk is free. On a full disk
        /// writes throw `StorageError.Code.full`, but `removeItem`, `takeItem`, `clear` and the removal of what
        /// expired go on, and so does opening. A batch that only removes has to fit into it: the log takes a copy of each
        /// page that is changed.
        public var reserveBytes = 1 << 20

        /// The permission bits of a database that the driver creates, exactly; `0o600` by default: the user's own.
        ///
        /// The log and the other files beside it get the same. A database that was there before keeps its bits.
        public var fileMode: UInt32 = 0o600

        /// Whether what is removed or overwritten is zeroed in the file, `false` by default: `PRAGMA secure_delete`.
        ///
        /// Without it old values stay readable in free pages until they are used again or `SQLiteDriver.compact()` is
        /// called. With it each removal writes more. The log keeps old values until it begins anew either way.
        public var secureDelete = false

        /// Where the time comes from; the system's clock by default.
        public var clock: any StorageClock = .system

        /// Creates the default configuration.
        public init() {}
    }
}

extension SQLiteDriver.Configuration {
    func validate() throws(StorageError) {
        if self.readOnly && self.exclusive {
            throw StorageError(.invalidOption, "readOnly and exclusive exclude each other; choose one")
        }
        try StorageError.require(self.busyTimeout >= .zero, "busyTimeout must not be negative")
        try StorageError.require(self.cacheBytes.map { $0 >= 0 } ?? true, "cacheBytes must not be negative")
        try StorageError.require(self.memoryMapBytes >= 0, "memoryMapBytes must not be negative")
        try StorageError.require(self.maximumReaders.map { $0 > 0 } ?? true, "maximumReaders must be at least 1")
        try StorageError.require(self.checkpointPages > 0, "checkpointPages must be at least 1")
        try StorageError.require(self.reserveBytes >= 0, "reserveBytes must not be negative")
        try StorageError.require(
            self.fileMode & ~0o777 == 0 && self.fileMode & 0o600 == 0o600,
            "fileMode consists of permission bits and has to let the owner read and write (0o600)"
        )
        try self.validateTableName()
    }

    private func validateTableName() throws(StorageError) {
        try StorageError.requireIdentifier(self.tableName, option: "tableName")
        let name = self.tableName.lowercased()
        try StorageError.require(
            !name.hasPrefix("sqlite_") && !name.hasPrefix("kvstorage_"),
            "the prefixes sqlite_ and kvstorage_ are reserved; choose another tableName"
        )
    }

    func capabilities(maximumRowBytes: Int) -> Capabilities {
        var features: Capabilities.Feature = [.atomicCommit, .wholeReads, .orderedKeys, .customMetadata]
        if !self.exclusive { features.insert(.interprocess) }
        if self.readOnly { features.insert(.readOnly) }
        return Capabilities(
            features,
            watching: .local,
            durability: self.durability == .powerLoss ? .powerLoss : .processCrash,
            // SQLite's limit is for a row; the rest is left to the key and the metadata.
            maximumValueBytes: max(maximumRowBytes - 65_536, maximumRowBytes / 2)
        )
    }
}

extension SQLiteDriver.Configuration.Durability {
    /// The value of `PRAGMA synchronous`.
    var synchronous: String {
        switch self {
        case .powerLoss: "FULL"
        case .processCrash: "NORMAL"
        case .unflushed: "OFF"
        }
    }

    /// Whether every commit flushes.
    var flushes: Bool { self == .powerLoss }
}
