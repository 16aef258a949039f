import CKVStorageLMDB
import KVStorage

/// Blocks of the disk behind the last page in use, held back so that a full disk still lets items be removed: LMDB never
/// changes a page in place, and what a transaction frees serves the next but one at the earliest.
///
/// The blocks belong to the file without making it longer (`FALLOC_FL_KEEP_SIZE`), so LMDB sees nothing of them. As they
/// are always ahead of the pages, no page in front of them is left without a block either. Where the system or the file
/// system can't do it, or LMDB's transactions are of another kind, nothing is held back.
struct Reserve {
    private static let byteCount = 512 << 10
    /// What only removals may use, and how little of it may be left for the writes that follow one: they are to go on
    /// with what it has freed.
    private static let (leastByteCount, leastAfterRemoval) = (128 << 10, 48 << 10)
    /// How much further the reserve is taken, if there is room, so that it is rarely done.
    private static let stepByteCount = 1 << 20
    /// How many writes may use some of the reserve after a removal: what that has freed serves the third.
    private static let turnCount = 2

    private let pageBytes: UInt64
    private let descriptor: Int32
    /// The page up to which the file has its blocks.
    private var end: UInt64 = 0
    /// Up to which next page the reserve is whole.
    private(set) var safe = UInt64.max
    private var turns = 0
    /// Whether something was removed since a write was last refused.
    private var hasRemoved = false

    /// Takes the reserve, as far as there is room. To be called in a write transaction that has changed nothing.
    init(_ transaction: Transaction, of environment: OpaquePointer) {
        var (statistics, descriptor) = (MDB_stat(), Int32(-1))
        mdb_env_stat(environment, &statistics)
        mdb_env_get_fd(environment, &descriptor)
        self.pageBytes = UInt64(statistics.ms_psize)
        self.descriptor = descriptor
        let next = Self.next(environment)
        guard self.pageBytes > 0, kvstorage_lmdb_next_page(UnsafeRawPointer(transaction.handle)) == next else { return }
        self.safe = 0
        if self.extend(for: next) != 0 { self.adopt(from: next) }
    }

    /// Finds out what an earlier run has held back, where there is no room for more.
    private mutating func adopt(from next: UInt64) {
        guard kvstorage_lmdb_hold(self.descriptor, 0, next * self.pageBytes) == 0 else { return }
        self.end = next
        var count = UInt64(Self.byteCount) / self.pageBytes
        while count > 0 {
            let (start, end) = (self.end * self.pageBytes, (self.end + count) * self.pageBytes)
            if kvstorage_lmdb_hold(self.descriptor, start, end) == 0 { self.end += count }
            count /= 2
        }
    }

    /// Makes sure that the reserve is whole when a transaction that has changed something is committed, or that it may be
    /// used for that.
    ///
    /// - Throws: `StorageError.Code.full`.
    @inline(__always)
    mutating func keep(
        isRemoving: Bool,
        in transaction: Transaction,
        of environment: OpaquePointer
    ) throws(StorageError) {
        if isRemoving { (self.turns, self.hasRemoved) = (Self.turnCount, true) }
        let next = kvstorage_lmdb_next_page(UnsafeRawPointer(transaction.handle))
        guard next > self.safe else { return }
        try self.keep(next, isRemoving: isRemoving, environment)
    }

    @inline(never)
    private mutating func keep(
        _ next: UInt64,
        isRemoving: Bool,
        _ environment: OpaquePointer
    ) throws(StorageError) {
        let code = self.extend(for: next)
        guard code != 0, !isRemoving else { return }
        let least = self.hasRemoved ? Self.leastAfterRemoval : Self.leastByteCount
        let isLeft = self.end >= next + UInt64(least) / self.pageBytes
        if isLeft, next == Self.next(environment) { return }
        guard isLeft, self.turns > 0 else {
            self.hasRemoved = false
            throw StorageError(lmdb: code)
        }
        self.turns -= 1
    }

    /// Returns zero, or why there is no room.
    private mutating func extend(for next: UInt64) -> Int32 {
        var code: Int32 = 0
        for byteCount in [Self.stepByteCount, 0] {
            let safe = next + UInt64(byteCount) / self.pageBytes
            // The list of the pages that are freed takes a 512th of them, should all be.
            let end = safe + UInt64(Self.byteCount) / self.pageBytes + safe / 512
            if end > self.end {
                code = kvstorage_lmdb_hold(self.descriptor, self.end * self.pageBytes, end * self.pageBytes)
            } else {
                code = 0
            }
            if code == 0 {
                (self.safe, self.end) = (safe, max(end, self.end))
                return 0
            }
        }
        guard LMDBPlatform.meaning(of: code).0 != .full else { return code }
        self.safe = .max
        return 0
    }

    /// The page that a transaction takes first where none is free.
    private static func next(_ environment: OpaquePointer) -> UInt64 {
        var info = MDB_envinfo()
        mdb_env_info(environment, &info)
        return UInt64(info.me_last_pgno) + 1
    }
}
