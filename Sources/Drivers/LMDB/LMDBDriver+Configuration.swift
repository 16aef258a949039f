import CKVStorageLMDB
public import KVStorage

extension LMDBDriver {
    /// How an ``LMDBDriver`` keeps its items; the defaults suit a server whose data must not be lost.
    public struct Configuration: Sendable {
        /// What an acknowledged write survives; the same three cases as those of SQLite.
        public enum Durability: Sendable, Hashable {
            /// Power loss: every commit flushes the pages, then the page that makes them count. Commits run on a thread
            /// of the driver's own.
            case powerLoss
            /// The end of the process by any means. Power loss may undo the last commit, but damages nothing: a commit
            /// flushes the pages and leaves the page that makes them count to the next one. Commits run on a thread of
            /// the driver's own (`MDB_NOMETASYNC`).
            case processCrash
            /// The end of the process by any means. Power loss may undo the last writes and, on a file system that
            /// does not keep the order of writes, damage the environment as a whole. Nothing flushes until the
            /// driver is disposed. Commits run on the caller's thread as long as no other process is seen to write;
            /// where that can't be seen (other systems than Linux with glibc) on a thread of the driver's own
            /// (`MDB_NOSYNC`).
            case unflushed
        }

        /// The name of the driver's database in the environment, `"kvstorage"` by default.
        ///
        /// Letters, digits and underscores of ASCII, no digit in front, at most 64. With different names several
        /// drivers share an environment: in one process, or in several. One process may have up to 60 names open at a
        /// time in one environment.
        public var databaseName = "kvstorage"

        /// What an acknowledged write survives; ``Durability/powerLoss`` by default.
        ///
        /// Several drivers of one process on the same environment must agree on it.
        public var durability: Durability = .powerLoss

        /// How many bytes of the environment are mapped at first, 64 MiB by default; more if there is more in it.
        ///
        /// It costs address space, neither memory nor disk. When it is used up the driver maps twice as much: that
        /// waits for the reads that are running and holds up those that come, for less than a millisecond as a rule.
        public var initialSize = 64 << 20

        /// How many bytes the environment may grow to; `nil`, the default, means as many as the disk holds.
        ///
        /// A write that finds no room throws `StorageError.Code.full`. Removing still works then; LMDB copies pages
        /// to remove what they hold, so the file may exceed the limit by some of them. Several drivers of one process
        /// on the same environment must agree on it.
        public var maximumSize: Int?

        /// The most reads that run at the same time, at least one; by default `nil`: twice as many as there are
        /// processors, at least 4 and at most 64. Further ones wait, without a thread.
        ///
        /// An environment that the driver creates has room for 1,000 in all processes together. Of several drivers of
        /// one process on the same environment the first one's number counts.
        public var maximumReaders: Int?

        /// How long to wait for another process's lock, five seconds by default, before
        /// `StorageError.Code.unavailable` is thrown. No thread of the cooperative pool waits.
        ///
        /// It is the lock that LMDB's writers take in turn, one commit each. A write whose time is over is never carried
        /// out later. Less than 50 ms counts as 50 ms. Of several drivers of one process on the same environment the
        /// first one's number counts.
        public var busyTimeout: Duration = .seconds(5)

        /// Whether the driver only reads, `false` by default: then nothing is made, and writing throws
        /// `StorageError.Code.readOnly`.
        ///
        /// It reads beside other processes that write. For that LMDB has to write the table of readers, `lock.mdb`, which
        /// it makes if it is missing; on a file system that is read-only as a whole it does without, and nobody must
        /// write there meanwhile. Expired items are absent, and left for others to remove. Several drivers of one
        /// process on the same environment must agree on it.
        public var readOnly = false

        /// The permission bits of `data.mdb` and `lock.mdb` where the driver makes them, exactly; `nil`, the default,
        /// means `0o666` less the process's umask. Files that are there keep theirs.
        ///
        /// Whoever may read the items may read both files; whoever may write `lock.mdb` can hold up writers. The owner
        /// has to have both.
        public var fileMode: UInt32?

        /// The permission bits of the environment's folder where the driver makes it, exactly; `nil`, the default, means
        /// `0o777` less the process's umask.
        public var folderMode: UInt32?

        /// Where the time comes from; the system's clock by default.
        public var clock: any StorageClock = .system

        /// Creates the default configuration.
        public init() {}
    }
}

extension LMDBDriver.Configuration {
    func validate() throws(StorageError) {
        try StorageError.require(self.initialSize > 0, "initialSize must be positive")
        try StorageError.require(
            self.maximumSize.map { $0 >= Self.smallestSize } ?? true,
            "maximumSize must be at least \(Self.smallestSize) bytes"
        )
        try StorageError.require(self.maximumReaders.map { $0 > 0 } ?? true, "maximumReaders must be at least 1")
        try StorageError.require(self.busyTimeout >= .zero, "busyTimeout must not be negative")
        try StorageError.require(
            self.fileMode.map { $0 & ~0o777 == 0 && $0 & 0o600 == 0o600 } ?? true,
            "fileMode must be permission bits that let the owner read and write, as 0o600"
        )
        try StorageError.require(
            self.folderMode.map { $0 & ~0o7777 == 0 && $0 & 0o700 == 0o700 } ?? true,
            "folderMode must be permission bits that let the owner do everything, as 0o700"
        )
        try StorageError.requireIdentifier(self.databaseName, option: "databaseName")
    }

    // What an empty environment takes, with some room to write.
    private static var smallestSize: Int { 256 << 10 }

    func capabilities(maximumKeyBytes: Int) -> Capabilities {
        var features: Capabilities.Feature = [
            .atomicCommit, .wholeReads, .interprocess, .orderedKeys, .customMetadata,
        ]
        if self.readOnly { features.insert(.readOnly) }
        return Capabilities(
            features,
            watching: .local,
            durability: self.durability == .powerLoss ? .powerLoss : .processCrash,
            maximumKeyBytes: maximumKeyBytes,
            // The rest is left to the header and the metadata.
            maximumValueBytes: LMDBDriver.maximumRecordBytes - 65_536
        )
    }
}

extension LMDBDriver.Configuration.Durability {
    /// The environment's flags.
    var flags: Int32 {
        switch self {
        case .powerLoss: 0
        case .processCrash: MDB_NOMETASYNC
        case .unflushed: MDB_NOSYNC
        }
    }

    /// Whether every commit flushes something.
    var flushes: Bool { self != .unflushed }
}
