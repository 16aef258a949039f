import CKVStorageLMDB
import KVStorage

/// What has to be done for a write transaction that failed to succeed the next time.
struct Attempts {
    private enum Step {
        case adoptMapSize
        case grow(byteCount: Int)
        /// Exceed the greatest size by so much, for what LMDB needs to remove something.
        case lend(byteCount: Int)
    }

    private static var smallestLoan: Int { 4 << 20 }

    private var step: Step?
    private var hasCheckedReaders = false
    private var loan = Self.smallestLoan

    /// Does what was planned. To be called under the environment's `writing`; blocks while the map is changed.
    mutating func prepare(_ environment: Environment) throws(StorageError) {
        guard let step = self.step else { return }
        self.step = nil
        switch step {
        case .adoptMapSize: try environment.adoptMapSize()
        case .grow(let byteCount): try environment.grow(by: byteCount)
        case .lend(let byteCount): try environment.setMapSize(environment.limit + byteCount)
        }
    }

    /// Plans what is to be done before the next attempt.
    ///
    /// - Throws: what the caller is to be told if there is nothing to be done.
    mutating func plan(
        after error: StorageError,
        byteCount: Int,
        isRemoving: Bool,
        _ environment: Environment
    ) throws(StorageError) {
        switch error.lmdbCode {
        case MDB_MAP_RESIZED:
            self.step = .adoptMapSize
        case MDB_MAP_FULL where !self.hasCheckedReaders:
            // Readers that were killed keep pages from being used again.
            self.hasCheckedReaders = true
            var freed: Int32 = 0
            mdb_reader_check(environment.handle, &freed)
            if freed == 0 { fallthrough }
        case MDB_MAP_FULL:
            if environment.mapSize < environment.limit {
                self.step = .grow(byteCount: byteCount)
            } else if isRemoving, self.loan <= max(environment.limit, Self.smallestLoan) {
                self.step = .lend(byteCount: self.loan)
                self.loan *= 2
            } else {
                throw error
            }
        case LMDBPlatform.inputOutputError:
            // LMDB reports so of a write that was cut short, whatever the reason.
            let reason = LMDBPlatform.reasonNotToWrite(beside: environment.dataPath)
            throw reason.map { StorageError(lmdb: $0) } ?? error
        default:
            throw error
        }
    }

    /// Takes back what was lent to a removal, as far as it was not used, and begins anew.
    mutating func end(_ environment: Environment) {
        if self.loan > Self.smallestLoan { try? environment.setMapSize(environment.limit) }
        self = Attempts()
    }
}
