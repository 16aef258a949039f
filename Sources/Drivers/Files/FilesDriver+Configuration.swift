public import KVStorage

extension FilesDriver {
    /// What an acknowledged write survives.
    public enum Durability: Sendable, Hashable {
        /// The process being killed (`kill -9`), as the system has the data; the default.
        ///
        /// When the machine itself crashes or loses power, the writes of the last seconds may be undone. An item then has its
        /// former value, never a part of one, on file systems that order a rename after the data, as ext4, XFS and Btrfs do.
        case processCrash
        /// Also a crash of the machine and power loss: the file and its folder are flushed before a write returns.
        ///
        /// A write then takes as long as the disk needs to flush twice. As everywhere, the disk must not lie about it.
        case powerLoss

        /// Short for ``powerLoss``.
        public static var durable: Durability { .powerLoss }
    }

    /// Options of a store in files.
    public struct Configuration: Sendable {
        /// What an acknowledged write survives; by default a killed process. See ``FilesDriver/Durability``.
        public var durability: Durability

        /// Whether writes are refused with `StorageError.Code.readOnly`; `false` by default.
        ///
        /// Nothing at all is written then, not even what expired is removed, and the folder has to be there.
        public var readOnly: Bool

        /// Patterns of keys that are not the store's affair: neither read, listed, watched nor cleared, and writing one throws
        /// `StorageError.Code.invalidKey`. None by default.
        ///
        /// A pattern is matched with the whole key, and with the branches that the key is below. Its segments are divided by `/`
        /// or `:`; `*` stands for any characters within a segment, `?` for one, and a segment `**` for any number of segments:
        /// `"**/node_modules"`, `"drafts/*.tmp"`.
        public var ignore: [String]

        /// The permission bits of new files, exactly; `nil`, the default, means `0o666` less the process's umask.
        ///
        /// Writing an item anew leaves the bits that its file has, and at no moment is the new value open to more than those.
        /// The lock file is the owner's alone (`0o600`) unless these bits let others write; then they may read and write it.
        public var fileMode: UInt32?

        /// The permission bits of new folders, exactly; `nil`, the default, means `0o777` less the process's umask.
        ///
        /// The folder of the deadlines, which holds keys, is the owner's alone (`0o700`) unless these bits let others write.
        public var folderMode: UInt32?

        /// How long a write waits for another process that changes the same item, five seconds by default, before
        /// `StorageError.Code.unavailable` is thrown and nothing has changed. No thread waits.
        ///
        /// Processes get their turn quickly, so only one that was stopped in the middle of a write is waited for that long.
        public var busyTimeout: Duration

        /// Where the time comes from; by default the system's wall clock.
        public var clock: any StorageClock

        /// Creates a configuration.
        public init(
            durability: Durability = .processCrash,
            readOnly: Bool = false,
            ignore: [String] = [],
            fileMode: UInt32? = nil,
            folderMode: UInt32? = nil,
            busyTimeout: Duration = .seconds(5),
            clock: any StorageClock = .system
        ) {
            self.durability = durability
            self.readOnly = readOnly
            self.ignore = ignore
            self.fileMode = fileMode
            self.folderMode = folderMode
            self.busyTimeout = busyTimeout
            self.clock = clock
        }
    }
}

extension FilesDriver.Configuration {
    func validate() throws(StorageError) {
        for mode in [self.fileMode, self.folderMode].compactMap({ $0 }) where mode > 0o7777 {
            throw StorageError(.invalidOption, "a mode is at most 0o7777; \(String(mode, radix: 8)) is not one")
        }
        guard self.busyTimeout >= .zero else {
            throw StorageError(.invalidOption, "busyTimeout must not be negative")
        }
    }

    /// The mode of the lock file: who may write items has to lock them.
    var lockMode: UInt32 {
        let mode = self.fileMode ?? 0
        return 0o600 | (mode & 0o020 == 0 ? 0 : 0o060) | (mode & 0o002 == 0 ? 0 : 0o006)
    }

    /// The mode of the folders of the index: who may write items notes their deadlines.
    var indexMode: UInt32 {
        let mode = self.folderMode ?? 0
        return 0o700 | (mode & 0o020 == 0 ? 0 : 0o070) | (mode & 0o002 == 0 ? 0 : 0o007)
    }
}
