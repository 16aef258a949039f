import KVStorage
import Synchronization

/// Remembers which folders have had their names flushed, by this process.
///
/// Up to a bound; one that is forgotten is flushed once more, which does no harm.
final class DurableFolders: Sendable {
    static let capacity = 8192

    /// What tells a folder from a later one of the same path. The number alone may be used again by the next one.
    struct Identity: Hashable {
        private let file: FileStatus.Identity
        private let birth: Int64

        init(_ folder: Int32) throws(SystemError) {
            self.file = try FileStatus.of(folder).identity
            self.birth = System.birthTime(folder)
        }
    }

    // By bytes: strings compare by canonical equivalence.
    private let folders = Mutex<[[UInt8]: Identity]>([:])

    func contains(_ path: String, _ identity: Identity) -> Bool {
        self.folders.withLock { $0[Array(path.utf8)] == identity }
    }

    func insert(_ path: String, _ identity: Identity) {
        self.folders.withLock { folders in
            if folders.count >= Self.capacity { folders = [:] }
            folders[Array(path.utf8)] = identity
        }
    }

    func forget(_ path: String) {
        _ = self.folders.withLock { $0.removeValue(forKey: Array(path.utf8)) }
    }

    func forgetAll() {
        self.folders.withLock { $0 = [:] }
    }
}
