import KVStorage
import Synchronization

/// The environments that are open in this process.
///
/// LMDB must not open an environment twice in a process: closing one of the two would drop the locks of both (`lmdb.h`,
/// "Caveats"). So drivers on the same files share it, whatever path led them there.
final class LMDBRegistry: Sendable {
    static let shared = LMDBRegistry()

    private struct Entry {
        let environment: LMDBEnvironment
        let queue: GroupCommitQueue<LMDBWrite, WriteOperation.Answer>
        var leases = 0
    }

    private let entries = Mutex<[LMDBPlatform.FileIdentity: Entry]>([:])

    /// Opens the environment, or lends the one that is open already.
    func lease(_ path: String, _ configuration: LMDBDriver.Configuration) throws(StorageError) -> LMDBLease {
        var folder = try LMDBFolder(path: path)
        // Under the lock for as long as it takes: a second opening must not begin meanwhile.
        return try self.entries.withLock { entries throws(StorageError) in
            if let identity = folder.identity, let entry = entries[identity] {
                try entry.environment.requireAgreement(configuration)
                entries[identity]?.leases += 1
                return LMDBLease(entry.environment, entry.queue, identity)
            }
            try folder.prepare()
            let environment = try LMDBEnvironment(folder, configuration)
            guard let identity = folder.identity else {
                environment.close()
                throw StorageError(.unavailable, "the environment at \"\(path)\" was removed while it was opened")
            }
            let queue = LMDBWriter(environment).makeQueue()
            entries[identity] = Entry(environment: environment, queue: queue, leases: 1)
            return LMDBLease(environment, queue, identity)
        }
    }

    /// Takes a lease back; with the last one the environment is closed. Blocks.
    fileprivate func end(_ identity: LMDBPlatform.FileIdentity) {
        self.entries.withLock { entries in
            entries[identity]?.leases -= 1
            guard let entry = entries[identity], entry.leases == 0 else { return }
            entries[identity] = nil
            // Under the lock, so that it is closed before it can be opened again.
            entry.environment.close()
        }
    }
}

/// A driver's share in an environment; given back when it goes, or before.
final class LMDBLease: Sendable {
    let environment: LMDBEnvironment
    let queue: GroupCommitQueue<LMDBWrite, WriteOperation.Answer>
    private let identity: LMDBPlatform.FileIdentity
    private let isEnded = Atomic(false)

    fileprivate init(
        _ environment: LMDBEnvironment,
        _ queue: GroupCommitQueue<LMDBWrite, WriteOperation.Answer>,
        _ identity: LMDBPlatform.FileIdentity
    ) {
        self.environment = environment
        self.queue = queue
        self.identity = identity
    }

    deinit {
        self.end()
    }

    /// Gives the share back; doing so again does nothing. Blocks.
    func end() {
        guard !self.isEnded.exchange(true, ordering: .acquiringAndReleasing) else { return }
        LMDBRegistry.shared.end(self.identity)
    }
}

extension LMDBEnvironment {
    /// Checks that the configuration asks for what the environment was opened with.
    fileprivate func requireAgreement(_ configuration: LMDBDriver.Configuration) throws(StorageError) {
        guard configuration.synchronous == self.synchronous, configuration.maximumSize == self.maximumSize else {
            throw StorageError(
                .invalidOption,
                "the environment is open in this process with another synchronous or maximumSize; give both the same"
            )
        }
    }
}
