import Dispatch
import KVStorage
import Synchronization

/// The environments that are open in this process.
///
/// LMDB must not open an environment twice in a process: closing one of the two would drop the locks of both (`lmdb.h`,
/// "Caveats"). So drivers on the same files share it, whatever path led them there.
final class Registry: Sendable {
    static let shared = Registry()

    private struct Entry {
        let environment: Environment
        let lockIdentity: LMDBPlatform.FileIdentity?
        let queue: GroupCommitQueue<Write, WriteOperation.Answer>
        var leases = 0
        var isCompacting = false
    }

    private let entries = Mutex<[LMDBPlatform.FileIdentity: Entry]>([:])

    /// Opens the environment, or lends the one that is open already. Blocks while another process opens it, no longer
    /// than the configuration's `busyTimeout`.
    func lease(_ path: String, _ configuration: LMDBDriver.Configuration) throws(StorageError) -> Lease {
        let end = ContinuousClock.now + configuration.busyTimeout
        while true {
            if let lease = try self.leaseAtOnce(path, configuration) { return lease }
            guard ContinuousClock.now < end else {
                throw StorageError(
                    .unavailable,
                    "another process has been opening \"\(path)\" for longer than busyTimeout; end it or try again"
                )
            }
            LMDBPlatform.pause(.max)
        }
    }

    private func leaseAtOnce(
        _ path: String,
        _ configuration: LMDBDriver.Configuration
    ) throws(StorageError) -> Lease? {
        var folder = try Folder(path: path)
        // Under the lock for as long as it takes: a second opening must not begin meanwhile.
        return try self.entries.withLock { entries throws(StorageError) in
            try folder.requireSingleNames()
            if let identity = folder.identity, let entry = entries[identity], !entry.isCompacting {
                try entry.environment.requireAgreement(configuration)
                entries[identity]?.leases += 1
                return Lease(entry.environment, entry.queue)
            }
            try Self.requireUnused(folder, entries)
            try folder.prepare(configuration)
            let preparation = try LockFile.prepare(
                folder.lockPath,
                mode: configuration.fileMode,
                readerCount: Int(Environment.maximumReaders),
                readOnly: configuration.readOnly
            )
            guard case .ready(let lock) = preparation else { return nil }
            let environment = try Environment(folder, lock, configuration)
            let identity = environment.files.data
            let queue = Writer(environment).makeQueue()
            let lockIdentity = environment.files.lock
            entries[identity] = Entry(environment: environment, lockIdentity: lockIdentity, queue: queue, leases: 1)
            return Lease(environment, queue)
        }
    }

    /// Checks that the lock file is not that of an environment which is open: opening it once more would drop the
    /// locks of both.
    private static func requireUnused(
        _ folder: Folder,
        _ entries: [LMDBPlatform.FileIdentity: Entry]
    ) throws(StorageError) {
        guard let lock = folder.lockIdentity,
            let entry = entries.values.first(where: { $0.lockIdentity == lock })
        else { return }
        guard !entry.isCompacting else {
            throw StorageError(.unavailable, "the environment is just being compacted; try again when that is done")
        }
        throw Files.lost(folder.dataPath)
    }

    /// Compacts the environment, for which nobody else may have it open; nobody gets it meanwhile. Blocks.
    func compact(_ environment: Environment) throws(StorageError) {
        let isAlone = self.entries.withLock { entries in
            guard let identity = Self.identity(of: environment, entries), entries[identity]?.leases == 1 else {
                return false
            }
            entries[identity]?.isCompacting = true
            return true
        }
        guard isAlone else {
            throw StorageError(
                .unavailable,
                "other drivers of this process use the environment, and compacting needs it alone; dispose of them"
            )
        }
        let result = Result { () throws(StorageError) in try environment.compact() }
        self.entries.withLock { entries in
            guard let identity = Self.identity(of: environment, entries), var entry = entries[identity] else { return }
            entry.isCompacting = false
            entries[identity] = nil
            entries[environment.files.data] = entry
        }
        try result.get()
    }

    private static func identity(
        of environment: Environment,
        _ entries: [LMDBPlatform.FileIdentity: Entry]
    ) -> LMDBPlatform.FileIdentity? {
        entries.first { $0.value.environment === environment }?.key
    }

    /// Takes a lease back; with the last one the environment is closed: at once, or as soon as the transaction that is
    /// waited for has ended. Blocks while reads run.
    fileprivate func end(_ environment: Environment) {
        self.entries.withLock { entries in
            guard let identity = Self.identity(of: environment, entries) else { return }
            entries[identity]?.leases -= 1
            self.closeIfUnused(environment, &entries)
        }
    }

    private func closeIfUnused(
        _ environment: Environment,
        _ entries: inout [LMDBPlatform.FileIdentity: Entry]
    ) {
        guard let identity = Self.identity(of: environment, entries), entries[identity]?.leases == 0 else { return }
        // Under the lock, so that it is closed before it can be opened again.
        if environment.closeIfIdle() {
            entries[identity] = nil
        } else {
            environment.housekeeping.async {
                environment.waitForWriter()
                self.entries.withLock { self.closeIfUnused(environment, &$0) }
            }
        }
    }
}

/// A driver's share in an environment; given back when it goes, or before.
final class Lease: Sendable {
    let environment: Environment
    let queue: GroupCommitQueue<Write, WriteOperation.Answer>
    private let isEnded = Atomic(false)

    fileprivate init(
        _ environment: Environment,
        _ queue: GroupCommitQueue<Write, WriteOperation.Answer>
    ) {
        self.environment = environment
        self.queue = queue
    }

    deinit {
        self.end()
    }

    /// Gives the share back; doing so again does nothing. Blocks.
    func end() {
        guard !self.isEnded.exchange(true, ordering: .acquiringAndReleasing) else { return }
        Registry.shared.end(self.environment)
    }
}

extension Environment {
    /// Checks that the configuration asks for what the environment was opened with.
    fileprivate func requireAgreement(_ configuration: LMDBDriver.Configuration) throws(StorageError) {
        guard configuration.durability == self.durability, configuration.maximumSize == self.maximumSize,
            configuration.readOnly == self.isReadOnly
        else {
            throw StorageError(
                .invalidOption,
                """
                the environment is open in this process with another durability, maximumSize or readOnly; give them \
                the same
                """
            )
        }
    }
}
